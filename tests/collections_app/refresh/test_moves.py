"""Artifacts that moved in their repository: told by a check, followed by a sync, and by nothing else."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from collections_app.domain.refresh_options import Strategy
from collections_app.models import Artifact
from collections_app.services.refreshing import apply_plan, rollback_refresh
from marketplace.services.import_coordinator import ImportCoordinator
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.refresh.conftest import Registered
from tests.collections_app.refresh.refreshing import (
    SLUG,
    SYNC,
    artifact,
    check,
    detail,
    every_byte,
    folder,
    pin,
    run,
    skill_path,
    statuses,
)
from tests.conftest import Repository, skill, skills

pytestmark = pytest.mark.django_db(transaction=True)


def moved(repository: Repository, name: str = "alpha", to: str = "other/place") -> None:
    repository.commit({f"skills/{name}/SKILL.md": None, f"{to}/SKILL.md": skill(name)})


def row_of(told: dict[str, Any], name: str = "alpha") -> dict[str, Any]:
    return next(row for row in told["results"] if row["name"] == name)


def in_manifest(name: str) -> dict[str, Any]:
    records = tomllib.loads((folder() / "collection.toml").read_text())["artifacts"]
    return next(record for record in records if record["name"] == name)


def test_a_check_tells_of_it(repository: Repository) -> None:
    moved(repository)
    told = check()
    row = row_of(told)
    assert (row["state"], row["code"], row["moved_to"]) == ("in_sync", "moved_upstream", "other/place")
    assert "a sync follows" in row["reason"]
    assert (told["updates_available"], told["up_to_date"]) == (0, 4), "its content is the same"
    assert artifact("alpha").check_code == "moved_upstream"
    assert row_of(check())["code"] == "moved_upstream", "also when the commit was seen before"
    assert row_of(told, "beta")["moved_to"] is None


def test_a_sync_follows_it_and_the_second_does_nothing(repository: Repository) -> None:
    files = {path: data for path, data in every_byte().items() if not path.startswith("collection.")}
    moved(repository)
    told = run(dry_run=True, **SYNC).to_json()["details"]
    result = run(**SYNC)
    assert result.to_json()["details"] == told
    row = detail(result, "alpha")
    assert (row["status"], row["changes"]) == ("refreshed", ["path"])
    assert (row["old_values"], row["new_values"]) == ({"path": "skills/alpha"}, {"path": "other/place"})
    assert in_manifest("alpha")["upstream_path"] == artifact("alpha").upstream_path == "other/place"
    assert {path: data for path, data in every_byte().items() if not path.startswith("collection.")} == files
    event = AuditEvent.objects.get(action="collection.refreshed")
    assert event.data["moved"] == {str(artifact("alpha").pk): ["skills/alpha", "other/place"]}
    assert artifact("alpha").check_code == ""
    assert row_of(check())["code"] is None
    assert set(statuses(run(**SYNC)).values()) == {"unchanged"}


def test_updates_come_from_the_new_place_afterwards(repository: Repository) -> None:
    moved(repository)
    run(**SYNC)
    repository.commit({"other/place/SKILL.md": skill("alpha", "New")})
    assert row_of(check())["state"] == "update_available"
    assert detail(run(**SYNC), "alpha")["changes"] == ["content", "description"]
    assert skill_path("alpha").read_text() == skill("alpha", "New")


def test_a_plan_follows_it_and_a_rollback_takes_it_back(repository: Repository) -> None:
    before = every_byte()
    moved(repository)
    told = run(dry_run=True, **SYNC)
    assert told.plan_id is not None
    repository.commit({"other/place/SKILL.md": None, "third/SKILL.md": skill("alpha")})
    done = apply_plan(SLUG, told.plan_id, actor=COMMAND_LINE, report=SilentReport())
    assert done.to_json()["details"] == told.to_json()["details"]
    assert artifact("alpha").upstream_path == "other/place", "as it was told, though it went on"
    rollback_refresh(SLUG, actor=COMMAND_LINE, report=SilentReport())
    assert every_byte() == before
    assert artifact("alpha").upstream_path == "skills/alpha"


def test_metadata_is_read_at_the_new_place_and_the_record_stays(repository: Repository) -> None:
    moved(repository)
    row = detail(run(), "alpha")
    assert (row["status"], row["changes"]) == ("unchanged", [])
    assert "other/place" in row["reason"]
    assert artifact("alpha").upstream_path == "skills/alpha"


def test_one_that_was_edited_here_is_followed_and_its_files_stay(repository: Repository) -> None:
    skill_path("alpha").write_text("Mine")
    moved(repository)
    row = detail(run(**SYNC), "alpha")
    assert row["changes"] == ["path"]
    assert skill_path("alpha").read_text() == "Mine"
    assert artifact("alpha").state == "locally_modified"
    assert statuses(run(**SYNC))["alpha"] == "unchanged"


@pytest.mark.parametrize("strategy", list(Strategy))
def test_moved_after_a_change_that_a_check_has_seen(repository: Repository, strategy: Strategy) -> None:
    """What upstream had when it was last looked at leads to the new place as well."""
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    check()
    repository.commit({"skills/alpha/SKILL.md": None, "other/SKILL.md": skill("alpha", "New")})
    row = row_of(check())
    assert (row["state"], row["moved_to"]) == ("update_available", "other")
    assert detail(run(strategy=strategy, **SYNC), "alpha")["changes"] == ["content", "path", "description"]
    assert (artifact("alpha").state, artifact("alpha").upstream_path) == ("in_sync", "other")


def test_moved_and_changed_is_not_found_and_stays(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": None, "other/place/SKILL.md": skill("alpha", "New")})
    before = every_byte()
    row = row_of(check())
    assert (row["state"], row["code"], row["moved_to"]) == ("unknown", "upstream_path_not_found", None)
    told = detail(run(**SYNC), "alpha")
    assert (told["status"], told["code"]) == ("error", "upstream_path_not_found")
    assert every_byte() == before


def test_in_two_places_is_in_none(repository: Repository) -> None:
    moved(repository)
    repository.commit({"copy/SKILL.md": skill("alpha")})
    assert row_of(check())["code"] == "upstream_path_not_found"


def test_a_twin_that_is_imported_too_is_no_new_place(registered: Registered) -> None:
    repository, source = registered({**skills("one"), "skills/two/SKILL.md": skill("one")})
    ids = list(source.entries.order_by("pk").values_list("pk", flat=True))
    ImportCoordinator().import_entries(ids, source.pk, "rename")
    assert set(Artifact.objects.values_list("upstream_path", flat=True)) == {"skills/one", "skills/two"}
    assert Artifact.objects.values_list("base_oid", flat=True).distinct().count() == 1
    repository.commit({"skills/one/SKILL.md": None})
    names = {row["name"]: row["code"] for row in check()["results"]}
    assert sorted(str(code) for code in names.values()) == ["None", "upstream_path_not_found"]
    one = next(name for name, code in names.items() if code)
    assert detail(run(filters={"name": one}, **SYNC), one)["code"] == "upstream_path_not_found", "filtered or not"


def test_a_command_and_what_is_pinned(repository: Repository) -> None:
    text = "---\ndescription: Deploys\n---\nGo\n"
    pin("alpha", "main")
    repository.commit({".claude/commands/deploy.md": None, "commands/sub/deploy.md": text})
    moved(repository)
    told = check()
    assert row_of(told, "deploy")["moved_to"] == "commands/sub/deploy.md"
    assert (row_of(told)["pinned"], row_of(told)["moved_to"]) == (True, "other/place")
    result = run(**SYNC)
    assert detail(result, "deploy")["changes"] == ["path"]
    assert detail(result, "alpha")["code"] == "pinned"
    assert artifact("alpha").upstream_path == "skills/alpha"


def test_files_that_are_gone_here_stay_gone(repository: Repository) -> None:
    skill_path("alpha").unlink()
    skill_path("alpha").parent.rmdir()
    moved(repository)
    assert detail(run(**SYNC), "alpha")["code"] == "missing"
    assert artifact("alpha").upstream_path == "skills/alpha"
