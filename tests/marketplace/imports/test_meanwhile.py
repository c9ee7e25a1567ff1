"""Somebody edits a file while upstream is read: what no snapshot holds is not replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from marketplace.services import import_delivery
from marketplace.services.bulk_import import reimport_many
from marketplace.services.reimport import ReimportOptions
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.conftest import skill, skills
from tests.marketplace.imports.importing import bring, folder, ids
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db

EDIT = "Written while the import was under way"


@pytest.fixture
def source(registered: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two artifacts that have changed upstream; once the first has been read, the second is edited here."""
    repository, source = registered(skills("a", "b"))
    bring(source)
    repository.commit({f"skills/{name}/SKILL.md": skill(name, "New") for name in "ab"})
    scan(source)
    read = import_delivery.read_outlines

    def slowly(*args: Any) -> Iterator[Any]:
        for number, one in enumerate(read(*args)):
            yield one
            if number == 0:
                (folder() / "skills" / "b" / "SKILL.md").write_text(EDIT)

    monkeypatch.setattr(import_delivery, "read_outlines", slowly)
    return source


def here(name: str) -> str:
    return (folder() / "skills" / name / "SKILL.md").read_text()


def test_an_import_that_overwrites(source: Any) -> None:
    result = bring(source, strategy="overwrite").to_json()
    assert [(row["status"], row["code"]) for row in result["entries"]] == [
        ("success", None),
        ("error", "changed_on_disk"),
    ]
    assert (here("a"), here("b")) == (skill("a", "New"), EDIT)


@pytest.mark.parametrize("keep", [True, False])
def test_a_reimport(source: Any, keep: bool) -> None:
    options = ReimportOptions(keep_deployments=keep)
    result = reimport_many(ids(source), options=options, actor=COMMAND_LINE, report=SilentReport())
    assert [(row.outcome, row.code) for row in result.rows] == [("updated", ""), ("failed", "changed_on_disk")]
    assert (here("a"), here("b")) == (skill("a", "New"), EDIT)
