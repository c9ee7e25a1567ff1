"""What is far too large costs its own entry, no memory, and nobody else's import."""

from __future__ import annotations

import pytest

from tests.e2e.kill.conftest import Worlds

MEBIBYTES = 128


@pytest.fixture
def worlds(site) -> Worlds:
    return Worlds(site)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["bytes", "files"])
def test_a_gibibyte_and_a_hundred_thousand_files(worlds, kind):
    told = worlds.run("-m", "tests.e2e.kill.large", kind)
    assert told["ends"] == {"skills/large": ["error", "limit_exceeded"], "skills/small": ["success", ""]}
    assert told["disagreements"] == []
    assert told["mebibytes"] < MEBIBYTES
