"""Whole services, killed at every step: whatever was under way, files are old or new, whole, and the records agree."""

from __future__ import annotations

import pytest

from tests.e2e.kill.conftest import Worlds

pytestmark = pytest.mark.slow

QUICK = ("import_replace", "edit")
WALKS = [
    "import_create", "import_add", "import_replace", "import_one_fails", "reimport_keep", "reimport_fresh", "restore",
    "restore_removed", "remove", "edit", "delete",
]  # fmt: skip
MORE_STEPS_THAN = 25
STRIDE = 3
"""On PostgreSQL, whose rows take longer to put back, every third step: the disk does not know the database."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.exhaustive) for name in WALKS]
)
def test_killed_at_every_step(worlds: Worlds, name: str) -> None:
    stride = STRIDE if worlds.site.database_url else 1
    told = worlds.run("-m", "tests.e2e.kill.walk", name, "--stride", str(stride))
    assert told["faults"] == []
    ends = [end.split() for end in told["ends"]]
    assert len(ends) > MORE_STEPS_THAN // stride
    for part in zip(*ends, strict=True):
        assert set(part) in ({"old", "new"}, {"same"})
        assert list(part) == sorted(part, reverse=True), "once new, always new"
