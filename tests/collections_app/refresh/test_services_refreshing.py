"""Refreshing a collection from real repositories: what changes, what does not, and why.

Numbers in names are those of the faults of the reference system (8.1) that the test would find.
"""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from collections_app.models import Artifact, Snapshot
from collections_app.services.refreshing import rollback_refresh
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import InvalidParameter, NotFound
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
    import_all,
    pin,
    run,
    skill_path,
    states,
    statuses,
)
from tests.conftest import Repository, skill, skills
from tests.marketplace.scanning import row_counts

pytestmark = pytest.mark.django_db(transaction=True)


def head(name: str, **fields: str) -> str:
    lines = "".join(f"{key}: {value}\n" for key, value in fields.items())
    return f"---\nname: {name}\n{lines}---\n\nSteps.\n"


def test_nothing_new_changes_nothing_and_takes_no_snapshot(repository: Repository) -> None:
    before, snapshots = every_byte(), Snapshot.objects.count()
    result = run()
    assert set(statuses(result).values()) == {"unchanged"}
    assert result.snapshot_id is None
    assert Snapshot.objects.count() == snapshots
    assert every_byte() == before


def test_metadata_only_writes_the_record_and_leaves_the_files(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": head("alpha", description="New", author="Ann", license="MIT")})
    text = skill_path("alpha").read_bytes()
    row = detail(run(), "alpha")
    assert row["new_values"] == {"description": "New", "author": "Ann", "license": "MIT"}
    assert row["old_values"]["description"] == "Does things"
    changed = artifact("alpha")
    assert (changed.description, changed.author, changed.license) == ("New", "Ann", "MIT")
    assert skill_path("alpha").read_bytes() == text
    assert changed.state == "update_available"
    assert 'description = "New"' in (folder() / "collection.toml").read_text()


def test_a_refresh_that_changes_something_takes_one_snapshot_first_fault_1(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    before = every_byte()
    result = run()
    snapshot = Snapshot.objects.get(pk=result.snapshot_id)
    assert snapshot.reason == "before-refresh"
    rollback_refresh(SLUG, actor=COMMAND_LINE, report=SilentReport())
    assert every_byte() == before
    assert Snapshot.objects.filter(reason="before-restore").count() == 1
    assert artifact("alpha").description == "Does things"


def test_without_a_refresh_there_is_nothing_to_roll_back_to(repository: Repository) -> None:
    with pytest.raises(NotFound):
        rollback_refresh(SLUG, actor=COMMAND_LINE, report=SilentReport())


def test_an_empty_upstream_never_erases_fault_2(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": "No head at all.\n"})
    assert statuses(run())["alpha"] == "unchanged"
    assert artifact("alpha").description == "Does things"


def test_a_field_that_was_edited_in_the_file_is_kept_fault_2(repository: Repository) -> None:
    manifest = folder() / "collection.toml"
    manifest.write_text(manifest.read_text().replace('title = "alpha"', 'title = "Mine"'))
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New").replace("name: alpha", "name: alpha\ntitle: X")})
    row = detail(run(), "alpha")
    assert row["kept"] == ["title"]
    assert row["changes"] == ["description"]
    assert artifact("alpha").title == "Mine"


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ({"filters": {"type": ["skil"]}}, "skill"),
        ({"mode": "synch"}, "sync"),
        ({"fields": ["descripton"]}, "description"),
        ({"mode": "sync", "strategy": "their"}, "theirs"),
    ],
)
def test_an_unknown_word_is_refused_with_the_nearest_fault_3(
    repository: Repository, said: dict[str, Any], hint: str
) -> None:
    with pytest.raises(InvalidParameter, match=f"did you mean '{hint}'"):
        run(**said)


def test_an_unknown_id_is_refused(repository: Repository) -> None:
    with pytest.raises(InvalidParameter, match="has no artifact"):
        run(filters={"ids": ["00000000-0000-4000-8000-000000000000"]})


def test_fields_limit_what_is_applied_and_what_is_counted_fault_4(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": head("alpha", description="Does things", author="Ann")})
    assert statuses(run(fields=["description"]))["alpha"] == "unchanged"
    row = detail(run(fields=["author"]), "alpha")
    assert row["changes"] == row["applied"] == ["author"]


def test_a_write_that_fails_is_told_fault_5(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    before = every_byte()

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("collections_app.services.refreshing.update_artifacts", fail)
    with pytest.raises(RuntimeError):
        run()
    assert every_byte() == before


def test_a_repository_that_is_gone_fails_its_own_artifacts_only_fault_6(
    repository: Repository, registered: Registered
) -> None:
    other, source = registered(skills("delta"), "other")
    import_all(source)
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    shutil.rmtree(other.path)
    result = run()
    row = detail(result, "delta")
    assert row["status"] == "error"
    assert row["code"] in ("upstream_not_found", "upstream_unreachable")
    assert statuses(result)["alpha"] == "refreshed"
    assert result.to_json()["status"] == "partial"
    assert check()["errors"] == 1


def test_a_pin_is_followed_fault_7(repository: Repository) -> None:
    first = artifact("alpha").base_commit
    pin("alpha", first)
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    told = check()
    assert states(told)["alpha"] == "in_sync"
    assert next(row for row in told["results"] if row["name"] == "alpha")["pinned"]
    assert statuses(run())["alpha"] == "unchanged"
    row = detail(run(**SYNC), "alpha")
    assert (row["status"], row["code"]) == ("skipped", "pinned")


def test_a_pin_that_has_moved_keeps_its_state_and_is_no_update(repository: Repository) -> None:
    pin("alpha", "main")
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    told = check()
    assert states(told)["alpha"] == "update_available"
    assert (told["updates_available"], told["skipped"]) == (0, 1)


def test_a_commit_elsewhere_is_no_update_fault_8(repository: Repository) -> None:
    repository.commit({"README.md": "Hello"})
    told = check()
    assert set(states(told).values()) == {"in_sync"}
    assert told["up_to_date"] == 4
    assert set(statuses(run(**SYNC)).values()) == {"unchanged"}


def test_an_edit_here_is_seen_at_once_fault_9(repository: Repository) -> None:
    skill_path("alpha").write_text("Mine")
    assert states(check())["alpha"] == "locally_modified"
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    told = check()
    assert states(told)["alpha"] == "conflict"
    assert told["updates_available"] == 1


def test_sync_takes_new_versions_fault_10(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New"), "skills/alpha/more.txt": "more"})
    row = detail(run(**SYNC), "alpha")
    assert row["changes"] == ["content", "description"]
    assert skill_path("alpha").read_text() == skill("alpha", "New")
    taken = artifact("alpha")
    assert taken.state == "in_sync"
    assert taken.base_oid == taken.content_oid == row["new_values"]["content"]
    assert set(statuses(run(**SYNC)).values()) == {"unchanged"}


def test_tags_and_version_can_be_refreshed_fault_11(repository: Repository) -> None:
    repository.commit({"skills/alpha/SKILL.md": head("alpha", tags="[one, two]", version="1.10")})
    row = detail(run(fields=["tags", "version"]), "alpha")
    assert row["new_values"] == {"version": "1.10", "tags": ["one", "two"]}
    repository.commit({"skills/alpha/SKILL.md": head("alpha", tags="[two, three]", version="1.10")})
    assert detail(run(), "alpha")["new_values"] == {"tags": ["two", "three"]}


def test_last_updated_tells_of_the_refresh_fault_12(repository: Repository) -> None:
    before = (folder() / "collection.toml").read_text()
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    run()
    stamps = [line for line in (folder() / "collection.toml").read_text().splitlines() if "last_updated" in line]
    assert [line for line in stamps if line not in before]


@pytest.mark.parametrize("said", [{}, SYNC])
def test_a_dry_run_says_what_the_run_does_and_the_second_run_does_nothing(
    repository: Repository, said: dict[str, Any]
) -> None:
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New"), "skills/beta/SKILL.md": None})
    skill_path("gamma").write_text("Mine")
    before, rows, dump = every_byte(), row_counts(), list(Artifact.objects.order_by("pk").values())
    told = run(dry_run=True, **said).to_json()
    counts = {**row_counts(), "collections_app.RefreshPlan": rows["collections_app.RefreshPlan"]}
    assert every_byte() == before
    assert counts == rows
    assert list(Artifact.objects.order_by("pk").values()) == dump
    done = run(**said).to_json()
    assert done["details"] == told["details"]
    assert done["summary"] == told["summary"]
    again = run(**said)
    assert not any(one.changes for one in again.planned)


def test_missing_here_is_missing_and_not_brought_back(repository: Repository) -> None:
    shutil.rmtree(folder() / "skills" / "alpha")
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    assert states(check())["alpha"] == "missing"
    assert detail(run(**SYNC), "alpha")["code"] == "missing"
    assert not (folder() / "skills" / "alpha").exists()


def test_filters_by_type_name_and_id(repository: Repository) -> None:
    assert set(statuses(run(filters={"type": ["command"]}))) == {"deploy"}
    assert set(statuses(run(filters={"name": "*a"}))) == {"alpha", "beta", "gamma"}
    assert set(statuses(run(filters={"ids": [str(artifact("beta").pk)]}))) == {"beta"}
    assert statuses(run(filters={"name": "zzz"})) == {}
