"""Every option, mode, field, counter and error of the specification's refresh layer, by REST and by the command.

What has its test elsewhere is named here; ``test_the_table`` sees to it that each is there.

=======================================  =============================================================================
refresh: modes                           test_specification.py::test_modes
refresh: ?mode= wins                     test_api_refresh.py::test_the_mode_of_the_query_wins
refresh: filters type, name              test_specification.py::test_filters
refresh: filters ids                     test_services_refreshing.py::test_filters_by_type_name_and_id
refresh: each field                      test_specification.py::test_each_field
refresh: dry_run                         test_specification.py::test_a_dry_run
refresh: each strategy                   test_specification.py::test_strategies
refresh: RefreshResponse                 test_specification.py::test_the_shape_of_a_refresh
refresh: its counters                    test_specification.py::test_every_counter
refresh: UpdateCheckResponse             test_specification.py::test_the_shape_of_a_check
refresh: each state                      test_specification.py::test_every_state
refresh: 404                             test_specification.py::test_an_unknown_collection
refresh: 400, each unknown word          test_api_refresh.py::test_what_is_not_known_is_400_and_never_everything
refresh: usage, each unknown word        test_command_refresh.py::test_usage_is_exit_2
refresh: 409 busy                        test_specification.py::test_a_busy_collection
refresh: 500 commit failed               test_specification.py::test_a_commit_that_fails
refresh: 503 and deferred                test_limits.py::test_a_limit_defers_the_rest_and_asks_no_more_fault_6
refresh: typed errors                    test_specification.py::test_typed_errors
refresh: retry of what was deferred      test_limits.py::test_a_retry_takes_up_what_was_deferred
refresh: snapshot before the first write test_services_refreshing.py::test_a_refresh_that_changes_something_takes_one_snapshot_first_fault_1
refresh: --check, exit 3                 test_command_refresh.py::test_check_tells_what_a_refresh_would_change
refresh: --check-only, exit 3            test_command_refresh.py::test_check_only_tells_of_updates
refresh: --check -v 2, files             test_plan_diff.py::test_the_command
refresh: --rollback, -y                  test_command_refresh.py::test_sync_and_rollback
refresh: conflict, exit 1                test_command_refresh.py::test_a_conflict_is_exit_1
refresh: asynchronous                    test_api_refresh.py::test_asynchronous
plans: apply, once                       test_api_refresh.py::test_a_plan_is_applied_as_it_was_told_and_once
plans: 409 moved                         test_api_refresh.py::test_a_plan_of_a_collection_that_moved_is_409
plans: files                             test_plan_diff.py::test_rest
plans: go after a week                   test_specification.py::test_plans_go_after_a_week
refresh-cache: shape and counters        test_specification.py::test_the_index
refresh-cache: all                       test_specification.py::test_the_index_of_all
refresh-cache: all, no collections       test_specification.py::test_the_index_of_none
refresh-cache: 404                       test_specification.py::test_an_unknown_collection
refresh-cache: 500, rolled back          test_specification.py::test_an_index_whose_commit_fails
refresh-cache: an error row              test_specification.py::test_an_index_with_a_broken_artifact
cache/refresh: project_id, force, fields cache_app/test_faces.py::test_refresh_by_rest
cache/refresh: 404                       cache_app/test_faces.py::test_an_unknown_project_is_404_and_no_job
cache/refresh: only stale ones           cache_app/test_refreshing.py::test_only_stale_projects_are_read
refresh_cache, --force, PROJECT          cache_app/test_faces.py::test_commands
RefreshJob(6.0, 3)                       cache_app/test_refreshing.py::test_the_figures_of_the_job_by_itself
projects/cache/refresh                   cache_app/test_faces.py::test_discovery_by_rest
every 6 h, every minute, daily           test_specification.py::test_schedules
rescan of due sources, with jitter       marketplace/test_schedule.py::test_a_due_source_is_scanned_and_due_again_later
telling a server: one, several           core/test_telling_commands.py::test_several_are_one_call
telling a server: away                   core/test_telling_commands.py::test_a_server_that_is_away_never_fails_the_command
telling a server: 3 s, 10 s              upstream/test_telling.py::test_how_long_it_may_take
telling a server: dripping               upstream/test_telling.py::test_a_server_that_drips_its_answer_is_given_up
=======================================  =============================================================================
"""  # noqa: E501 - names of tests are as long as they are

from __future__ import annotations

import ast
import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from collections_app.domain.refresh_options import FIELDS
from collections_app.models import Artifact, Collection, RefreshPlan
from collections_app.refresh_jobs import prune_daily
from skillmeat_site.core.jobs import schedules
from skillmeat_site.core.leases import Lease
from tests.collections_app.refresh.conftest import Registered
from tests.collections_app.refresh.faces import Commanding, Face, Rest
from tests.collections_app.refresh.refreshing import SLUG, every_byte, folder, import_all, pin, run, skill_path
from tests.conftest import Repository, skill, skills
from tests.marketplace.commanding import manage

pytestmark = pytest.mark.django_db(transaction=True)
HERE = Path(__file__).parent
ROWS = re.findall(r"^(\S.*?) +(\S+\.py)::(\w+)$", __doc__ or "", re.MULTILINE)


@pytest.fixture(params=["REST", "command"])
def face(request: pytest.FixtureRequest, api: Any) -> Face:
    return Rest(api) if request.param == "REST" else Commanding()


@pytest.mark.parametrize(("line", "file", "name"), ROWS, ids=[line for line, _, _ in ROWS])
def test_the_table(line: str, file: str, name: str) -> None:
    path = HERE / file if "/" not in file else HERE.parents[1] / file
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    assert name in {function.name for function in functions}


def test_the_table_is_read() -> None:
    assert len(ROWS) == len([line for line in (__doc__ or "").splitlines() if ".py::" in line]) >= 45


def rows(answer: Any) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in answer.body.get("details", answer.body.get("results"))}


@pytest.fixture
def changed(repository: Repository) -> Repository:
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    return repository


@pytest.mark.parametrize(
    ("mode", "changes", "taken"),
    [
        (None, ["description"], False),
        ("metadata_only", ["description"], False),
        ("sync", ["content", "description"], True),
    ],
)
def test_modes(face: Face, changed: Repository, mode: str | None, changes: list[str], taken: bool) -> None:
    answer = face.refresh(**({"mode": mode} if mode else {}))
    assert (answer.bad, answer.body["mode"]) == (False, mode or "metadata_only")
    assert rows(answer)["alpha"]["changes"] == changes
    assert (skill_path("alpha").read_text() == skill("alpha", "New")) is taken
    check = face.refresh(mode="check_only").body
    assert (check["updates_available"], check["up_to_date"]) == ((0, 4) if taken else (1, 3))


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"type": ["command"]}, {"deploy"}),
        ({"type": ["command", "skill"], "name": "*e*"}, {"deploy", "beta"}),
        ({"name": "a*"}, {"alpha"}),
        ({"name": "zzz"}, set()),
    ],
)
@pytest.mark.parametrize("mode", ["metadata_only", "check_only", "sync"])
def test_filters(face: Face, changed: Repository, filters: dict[str, Any], names: set[str], mode: str) -> None:
    answer = face.refresh(mode=mode, filters=filters)
    assert (answer.bad, set(rows(answer))) == (False, names)


@pytest.mark.parametrize("field", FIELDS)
def test_each_field(face: Face, repository: Repository, field: str) -> None:
    """All change upstream, one is asked for: it is applied and counted, and no other."""
    value = "[one, two]" if field == "tags" else f"a new {field}"
    head = "".join(
        f"{name}: {value if name == field else 'another'}\n" for name in FIELDS if name != "tags" or name == field
    )
    repository.commit({"skills/alpha/SKILL.md": f"---\nname: alpha\n{head}---\n\nSteps.\n"})
    row = rows(face.refresh(fields=[field]))["alpha"]
    expected: Any = ["one", "two"] if field == "tags" else value
    assert (row["changes"], row["applied"], row["new_values"]) == ([field], [field], {field: expected})
    assert getattr(Artifact.objects.get(name="alpha"), field) == expected
    assert face.refresh(fields=[field]).body["refreshed_count"] == 0


@pytest.mark.parametrize("mode", ["metadata_only", "sync"])
def test_a_dry_run(face: Face, changed: Repository, mode: str) -> None:
    before = every_byte()
    told = face.refresh(mode=mode, dry_run=True)
    assert (told.body["dry_run"], told.body["snapshot_id"], every_byte() == before) == (True, None, True)
    done = face.refresh(mode=mode)
    assert (done.body["dry_run"], done.body["details"]) == (False, told.body["details"])


@pytest.mark.parametrize(
    ("strategy", "outcome"),
    [(None, "skipped"), ("abort", "skipped"), ("merge", "error"), ("ours", "refreshed"), ("theirs", "refreshed")],
)
def test_strategies(face: Face, repository: Repository, strategy: str | None, outcome: str) -> None:
    """Both sides changed the same line."""
    skill_path("alpha").write_text(skill("alpha", "Mine"))
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "Theirs"), "skills/alpha/new.txt": "new\n"})
    answer = face.refresh(mode="sync", **({"strategy": strategy} if strategy else {}))
    assert rows(answer)["alpha"]["status"] == outcome
    kept = {"ours": skill("alpha", "Mine"), "theirs": skill("alpha", "Theirs")}.get(
        strategy or "", skill("alpha", "Mine")
    )
    assert skill_path("alpha").read_text() == kept
    assert (skill_path("alpha").parent / "new.txt").exists() is (outcome == "refreshed")


RESPONSE = {
    "collection_id", "status", "mode", "dry_run", "refreshed_count", "unchanged_count", "skipped_count", "error_count",
    "summary", "details", "snapshot_id", "plan_id", "duration_ms",
}  # fmt: skip
DETAIL = {
    "artifact_id", "name", "type", "status", "changes", "old_values", "new_values", "applied", "kept", "reason",
    "code",
}  # fmt: skip


def test_the_shape_of_a_refresh(face: Face, changed: Repository) -> None:
    body = face.refresh(mode="sync").body
    assert body.keys() >= RESPONSE
    assert (body["collection_id"], body["status"]) == (SLUG, "completed")
    assert all(row.keys() >= DETAIL for row in body["details"])
    assert body["snapshot_id"]
    assert isinstance(body["duration_ms"], int)


def test_every_counter(face: Face, repository: Repository, registered: Registered) -> None:
    other, source = registered(skills("delta"), "other")
    import_all(source)
    shutil.rmtree(other.path)
    pin("gamma", "main")
    repository.commit({f"skills/{name}/SKILL.md": skill(name, "New") for name in ("alpha", "gamma")})
    answer = face.refresh(mode="sync")
    counts = {name: answer.body[f"{name}_count"] for name in ("refreshed", "unchanged", "skipped", "error")}
    assert counts == {"refreshed": 1, "unchanged": 2, "skipped": 1, "error": 1}
    assert answer.body["status"] == "partial"
    summary = dict(answer.body["summary"])
    assert summary.pop("total") == sum(summary.values()) == 5
    assert {name: number for name, number in summary.items() if number} == {
        "updated": 1, "unchanged": 2, "skipped": 1, "failed": 1,
    }  # fmt: skip
    check = face.refresh(mode="check_only").body
    assert [check[name] for name in ("updates_available", "up_to_date", "skipped", "errors")] == [0, 3, 1, 1]


CHECK = {"collection_id", "timestamp", "updates_available", "up_to_date", "skipped", "errors", "results"}
CHECK_ROW = {
    "artifact_id", "name", "type", "state", "pinned", "current_oid", "upstream_oid", "upstream_commit", "code",
}  # fmt: skip


def test_the_shape_of_a_check(face: Face, changed: Repository) -> None:
    body = face.refresh(mode="check_only").body
    assert body.keys() >= CHECK
    assert all(row.keys() >= CHECK_ROW for row in body["results"])


def test_every_state(face: Face, repository: Repository) -> None:
    repository.commit({**skills("delta", "epsilon"), "README.md": "more"})
    (folder() / "skills" / "own").mkdir()
    (folder() / "skills" / "own" / "SKILL.md").write_text(skill("own"))
    repository.commit({f"skills/{name}/SKILL.md": skill(name, "New") for name in ("alpha", "beta")})
    skill_path("beta").write_text("Mine")
    skill_path("gamma").write_text("Mine")
    (folder() / "commands" / "deploy.md").unlink()
    told = {name: row["state"] for name, row in rows(face.refresh(mode="check_only")).items()}
    assert told == {
        "alpha": "update_available", "beta": "conflict", "gamma": "locally_modified", "deploy": "missing",
        "own": "unknown",
    }  # fmt: skip
    face.refresh(mode="sync", filters={"name": "alpha"})
    assert rows(face.refresh(mode="check_only"))["alpha"]["state"] == "in_sync"


def test_an_unknown_collection(face: Face, repository: Repository) -> None:
    for answer in (face.refresh(slug="nowhere"), face.index("nowhere")):
        assert (answer.bad, answer.code) == (True, "not_found")


def test_a_busy_collection(face: Face, changed: Repository) -> None:
    lease = Lease.acquire(Collection, Collection.objects.get(slug=SLUG).pk)
    assert lease is not None
    before = every_byte()
    for answer in (face.refresh(), face.refresh(mode="sync"), face.index()):
        assert (answer.bad, answer.code) == (True, "collection_busy")
    assert every_byte() == before
    assert not face.refresh(mode="check_only").bad, "looking holds nothing"


def test_a_commit_that_fails(api: Any, changed: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    before, known = every_byte(), list(Artifact.objects.order_by("pk").values())

    def fail(*args: Any, **more: Any) -> None:
        raise RuntimeError("/srv/secret is gone")

    monkeypatch.setattr("collections_app.services.refreshing.update_artifacts", fail)
    api.raise_request_exception = False
    answer = api.post(f"/api/v1/user-collections/{SLUG}/refresh", {"mode": "sync"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "/srv/secret" not in answer.content.decode()
    assert manage("refresh_collection", "--sync", "--json").code == 1
    assert every_byte() == before
    assert list(Artifact.objects.order_by("pk").values()) == known


def test_typed_errors(face: Face, repository: Repository, registered: Registered) -> None:
    """Each failure has a code of its own, and is that of its artifact alone."""
    other, source = registered(skills("delta"), "other")
    import_all(source)
    shutil.rmtree(other.path)
    pin("beta", "no-such-branch")
    repository.commit({"skills/alpha/SKILL.md": None})
    expected = {"alpha": "upstream_path_not_found", "beta": "upstream_ref_not_found", "delta": "upstream_not_found"}
    for answer in (face.refresh(), face.refresh(mode="check_only")):
        assert {name: row["code"] for name, row in rows(answer).items() if row["code"]} == expected


def test_the_index(face: Face, repository: Repository) -> None:
    (folder() / "skills" / "own").mkdir()
    (folder() / "skills" / "own" / "SKILL.md").write_text(skill("own"))
    skill_path("alpha").write_text("Mine")
    shutil.rmtree(skill_path("beta").parent)
    body = face.index().body
    names = ("added_count", "updated_count", "missing_count", "unchanged_count", "skipped_count", "removed_count")
    assert [body[name] for name in names] == [1, 1, 1, 2, 0, 0]
    assert (body["collection_id"], body["errors"]) == (SLUG, [])
    assert face.index().body["unchanged_count"] == 4


def test_the_index_of_all(api: Any, repository: Repository) -> None:
    Collection.objects.create(slug="other")
    skill_path("alpha").write_text("Mine")
    body = Rest(api).index_all().body
    assert {"success", "collections_refreshed", "total_updated", "total_skipped", "errors", "duration_seconds"} <= set(
        body
    )
    assert (body["success"], body["collections_refreshed"], body["total_updated"]) == (True, 2, 1)
    said = manage("refresh_collection_cache", "--all", "--json")
    assert (said.code, len(said.json["results"])) == (0, 2)


def test_the_index_of_none(api: Any, db: None) -> None:
    body = Rest(api).index_all().body
    assert (body["success"], body["collections_refreshed"], body["errors"]) == (True, 0, [])
    assert manage("refresh_collection_cache", "--all", "--json").code == 0


def test_an_index_whose_commit_fails(api: Any, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    skill_path("alpha").write_text("Mine")
    known = list(Artifact.objects.order_by("pk").values())

    def fail(*args: Any, **more: Any) -> None:
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("collections_app.services.indexing.AuditEvent.record", fail)
    api.raise_request_exception = False
    answer = api.post(f"/api/v1/user-collections/{SLUG}/refresh-cache")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert manage("refresh_collection_cache", SLUG, "--json").code == 1
    assert list(Artifact.objects.order_by("pk").values()) == known


def test_an_index_with_a_broken_artifact(face: Face, repository: Repository) -> None:
    skill_path("alpha").unlink()
    skill_path("alpha").symlink_to("/etc/hostname")
    skill_path("beta").write_text("Mine")
    body = face.index().body
    assert [error["code"] for error in body["errors"]] == ["unsafe_link"]
    assert (body["skipped_count"], body["updated_count"], body["unchanged_count"]) == (1, 1, 2)


def test_plans_go_after_a_week(changed: Repository) -> None:
    run(dry_run=True)
    assert prune_daily() == 0
    RefreshPlan.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert prune_daily() == 1
    assert not RefreshPlan.objects.exists()


def test_schedules() -> None:
    known = {schedule.name: schedule.minutes for schedule in schedules.schedules()}
    day = 24 * 60
    assert known["cache.refresh"] == 6 * 60
    assert known["core.reap"] == 1
    assert known["marketplace.rescan_due"] == 5
    daily = (
        "core.prune",
        "marketplace.prune",
        "collections.prune",
        "collections.prune_plans",
        "collections.retention",
    )
    assert {known[name] for name in daily} == {day}
