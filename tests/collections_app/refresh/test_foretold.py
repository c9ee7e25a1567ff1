"""A dry run tells what the run does: of files too large, of what was edited by hand, of a repository that was away."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest

from collections_app.services.refreshing import apply_plan, rollback_refresh
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.refresh.conftest import Registered
from tests.collections_app.refresh.refreshing import (
    SLUG,
    SYNC,
    check,
    detail,
    every_byte,
    folder,
    import_all,
    run,
    skill_path,
    statuses,
)
from tests.conftest import Repository, skill, skills
from tests.marketplace.commanding import manage

pytestmark = pytest.mark.django_db(transaction=True)


def apply(plan_id: str | None) -> Any:
    assert plan_id
    return apply_plan(SLUG, plan_id, actor=COMMAND_LINE, report=SilentReport())


def by_hand(old: str, new: str) -> None:
    manifest = folder() / "collection.toml"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new, 1))


def test_what_is_too_large_is_told_before_and_leaves_no_snapshot(repository: Repository, settings: Any) -> None:
    """git's listing tells no sizes: a dry run reads the files that applying would take."""
    before = every_byte()
    repository.commit({"skills/beta/SKILL.md": skill("beta", "New")})
    run(**SYNC)
    repository.commit({"skills/alpha/big.bin": "x" * 300_000})
    settings.SKILLMEAT_ARTIFACT_MAX_BYTES = 100_000
    told, done = run(dry_run=True, **SYNC), run(**SYNC)
    assert detail(told, "alpha")["code"] == "limit_exceeded"
    assert told.to_json()["details"] == done.to_json()["details"]
    assert (told.plan_id, done.snapshot_id) == (None, None)
    rollback_refresh(SLUG, actor=COMMAND_LINE, report=SilentReport())
    assert every_byte() == before


def test_one_that_was_renamed_by_hand_is_one_artifact(repository: Repository) -> None:
    by_hand('name = "alpha"', 'name = "omega"')
    told = check()
    assert len(told["results"]) == 4
    assert len({row["artifact_id"] for row in told["results"]}) == 4
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    expected, done = run(dry_run=True).to_json()["details"], run().to_json()["details"]
    assert expected == done
    assert {row["name"] for row in done} >= {"omega"}


def test_one_that_was_added_by_hand_has_its_plan(repository: Repository) -> None:
    """It has no id before it is indexed; the plan of its name is applied all the same."""
    shutil.copytree(folder() / "skills" / "alpha", folder() / "skills" / "again")
    manifest = folder() / "collection.toml"
    blocks = re.split(r"(?=^\[\[artifacts\]\])", manifest.read_text(), flags=re.M)
    alpha = next(block for block in blocks if 'name = "alpha"' in block)
    again = re.sub(r"^uuid = .*\n", "", alpha, flags=re.M).replace('name = "alpha"', 'name = "again"')
    manifest.write_text("".join([*blocks, "\n", again.replace('path = "skills/alpha"', 'path = "skills/again"', 1)]))
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    said = manage("refresh_collection", "--check", "--sync", "-v", "2", "--json")
    assert said.code == 3, said.err
    [told] = said.json["results"]
    assert {row["name"]: row["status"] for row in told["details"]}["again"] == "refreshed"
    assert statuses(apply(told["plan_id"]))["again"] == "refreshed"
    assert (folder() / "skills" / "again" / "SKILL.md").read_text() == skill("alpha", "New")


def test_a_row_that_an_index_would_drop_is_not_told_of(repository: Repository) -> None:
    """Made here, never imported, and gone from the disk by hand."""
    own = folder() / "skills" / "own"
    own.mkdir()
    (own / "SKILL.md").write_text(skill("own"))
    run()
    assert "own" in statuses(run())
    shutil.rmtree(own)
    assert "own" not in {row["name"] for row in check()["results"]}
    assert run(dry_run=True).to_json()["details"] == run().to_json()["details"]


def test_a_plan_holds_where_a_repository_is_there_again(repository: Repository, registered: Registered) -> None:
    """What it has told is done; what it could not tell of stays as it is."""
    other, source = registered(skills("other"), name="second")
    import_all(source)
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    other.commit({"skills/other/SKILL.md": skill("other", "New")})
    away = other.path.with_suffix(".away")
    other.path.rename(away)
    told = run(dry_run=True, **SYNC)
    assert statuses(told)["other"] == "error"
    away.rename(other.path)
    done = apply(told.plan_id)
    assert statuses(done) == statuses(told)
    assert detail(done, "other")["code"] == detail(told, "other")["code"]
    assert skill_path("alpha").read_text() == skill("alpha", "New")
    assert skill_path("other").read_text() == skill("other")
    assert statuses(run(**SYNC))["other"] == "refreshed"
