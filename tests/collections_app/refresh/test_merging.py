"""Artifacts that were edited here and changed upstream: four strategies, and conflicts that are told."""

from __future__ import annotations

import pytest

from collections_app.domain.refresh_options import Strategy
from collections_app.services.bases import base_of
from collections_app.services.refreshing import rollback_refresh
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.refresh.refreshing import (
    SLUG,
    artifact,
    check,
    detail,
    every_byte,
    run,
    skill_path,
    states,
    statuses,
)
from tests.conftest import Repository, skill

pytestmark = pytest.mark.django_db(transaction=True)

LINES = [f"line {number}" for number in range(1, 21)]
UPSTREAM = "skills/alpha/SKILL.md"


def text(**changed: str) -> str:
    """A skill of twenty lines, ``line_3="other"`` changes the third."""
    lines = [changed.get(f"line_{number}", line) for number, line in enumerate(LINES, 1)]
    return skill("alpha", body="\n".join(lines))


@pytest.fixture
def edited(repository: Repository) -> Repository:
    """Line 3 was changed here, line 18 upstream; beta changed upstream only."""
    repository.commit({UPSTREAM: text()})
    run(mode="sync")
    skill_path("alpha").write_text(text(line_3="mine"))
    repository.commit({UPSTREAM: text(line_18="theirs"), "skills/beta/SKILL.md": skill("beta", "New")})
    return repository


def test_the_import_keeps_its_content_as_base(repository: Repository) -> None:
    row = artifact("alpha")
    assert row.kind is not None
    assert base_of(row.kind, row.base_oid) is not None


def test_abort_leaves_what_was_edited_and_takes_the_rest(edited: Repository) -> None:
    result = run(mode="sync")
    row = detail(result, "alpha")
    assert (row["status"], row["code"]) == ("skipped", "locally_modified")
    assert skill_path("alpha").read_text() == text(line_3="mine")
    assert statuses(result)["beta"] == "refreshed"


@pytest.mark.parametrize("strategy", [Strategy.MERGE, Strategy.OURS, Strategy.THEIRS])
def test_changes_in_different_places_are_all_taken(edited: Repository, strategy: Strategy) -> None:
    told = run(mode="sync", strategy=strategy, dry_run=True).to_json()["details"]
    result = run(mode="sync", strategy=strategy)
    assert result.to_json()["details"] == told
    assert skill_path("alpha").read_text() == text(line_3="mine", line_18="theirs")
    assert artifact("alpha").state == "locally_modified"
    assert statuses(run(mode="sync", strategy=strategy))["alpha"] == "unchanged"


def test_the_base_moves_on_with_each_merge(edited: Repository) -> None:
    run(mode="sync", strategy="merge")
    edited.commit({UPSTREAM: text(line_18="theirs", line_10="again")})
    run(mode="sync", strategy="merge")
    assert skill_path("alpha").read_text() == text(line_3="mine", line_18="theirs", line_10="again")


@pytest.fixture
def colliding(edited: Repository) -> Repository:
    edited.commit({UPSTREAM: text(line_3="theirs", line_18="theirs")})
    return edited


def test_merge_leaves_a_conflict_and_lists_it(colliding: Repository) -> None:
    before = skill_path("alpha").read_bytes()
    row = detail(run(mode="sync", strategy="merge"), "alpha")
    assert (row["status"], row["code"], row["changes"]) == ("error", "conflict", [])
    (conflict,) = row["conflicts"]
    assert conflict["path"] == "SKILL.md"
    assert conflict["hunks"] == [{"line": 8, "ours": "mine\n", "theirs": "theirs\n"}]
    assert skill_path("alpha").read_bytes() == before
    assert states(check())["alpha"] == "conflict"


@pytest.mark.parametrize(("strategy", "third"), [("ours", "mine"), ("theirs", "theirs")])
def test_ours_and_theirs_settle_only_what_collides(colliding: Repository, strategy: str, third: str) -> None:
    assert statuses(run(mode="sync", strategy=strategy))["alpha"] == "refreshed"
    assert skill_path("alpha").read_text() == text(line_3=third, line_18="theirs")


@pytest.mark.parametrize("strategy", list(Strategy))
def test_what_was_edited_only_here_is_never_changed(repository: Repository, strategy: Strategy) -> None:
    skill_path("alpha").write_text("Mine")
    before = every_byte()
    assert statuses(run(mode="sync", strategy=strategy))["alpha"] == "unchanged"
    assert every_byte() == before


def test_after_a_rollback_the_same_sync_comes_out_the_same(edited: Repository) -> None:
    before = every_byte()
    run(mode="sync", strategy="merge")
    after = skill_path("alpha").read_bytes()
    rollback_refresh(SLUG, actor=COMMAND_LINE, report=SilentReport())
    assert every_byte() == before
    run(mode="sync", strategy="merge")
    assert skill_path("alpha").read_bytes() == after
