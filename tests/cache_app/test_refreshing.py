"""Refreshing: what is on the disk comes into the cache, what is gone leaves it; each project's error is its own."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cache_app.domain.freshness import is_stale
from cache_app.models import ProjectState
from cache_app.querysets import stale_projects
from cache_app.services.discovering import discover_projects
from cache_app.services.refreshing import RefreshJob, named_project
from cache_app.services.states import ttl
from collections_app.models import Deployment, Project
from collections_app.services import project_reading
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import Cancelled, NotFound
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import SilentReport
from tests.cache_app.conftest import put
from tests.collections_app.deploying import deploy
from tests.factories.deployments import put_artifact, put_project

pytestmark = pytest.mark.django_db


def discover():
    return discover_projects(actor=COMMAND_LINE, report=SilentReport())


def refresh(**options):
    return RefreshJob().refresh_all(**{"force": True, **options})


def changes(result):
    return [(one.type, one.name, one.change.value) for one in result.changes]


def states(project=None):
    rows = ProjectState.objects.all() if project is None else ProjectState.objects.filter(project=project)
    return {one["name"]: one["state"] for row in rows for one in row.artifacts}


def test_the_figures_of_the_job_by_itself():
    assert RefreshJob() == RefreshJob(interval_hours=6.0, max_concurrent=3) == RefreshJob.configured()


def test_a_new_skill_on_the_disk_is_a_change(make_project):
    """Fault 13: a refresh that reads its own rows sees nothing."""
    folder = make_project("a", ("skill", "x"))
    discover()
    assert changes(refresh()) == [("skill", "x", "added")]
    put(folder / ".claude", "skill", "by-hand")
    make_project("a", ("skill", "x"), ("agent", "y"))
    result = refresh()
    assert changes(result) == [("agent", "y", "added"), ("skill", "by-hand", "added")]
    told = result.to_json()
    assert told["changes_detected"] == len(told["changes"]) == 2
    assert told["changes"][0] == {
        "project": Project.objects.get().pk, "type": "agent", "name": "y", "change": "added",
    }  # fmt: skip
    assert Deployment.objects.count() == 2  # the rows follow the record
    assert states() == {"x": "unknown", "y": "unknown", "by-hand": "unmanaged"}
    assert changes(refresh()) == []


def test_what_is_gone_is_pruned(make_project):
    """Fault 16: what was removed from a project stayed in the cache."""
    folder = make_project("a", ("skill", "x"), ("agent", "y"))
    discover()
    refresh()
    make_project("a", ("skill", "x"))
    shutil.rmtree(folder / ".claude/agents")
    assert changes(refresh()) == [("agent", "y", "removed")]
    assert list(Deployment.objects.values_list("name", flat=True)) == ["x"]
    assert [one["name"] for one in ProjectState.objects.get().artifacts] == ["x"]


@pytest.mark.parametrize("root", [".claude", ".codex", ".gemini", ".cursor"])
def test_every_clients_folder_is_read(make_project, root):
    folder = make_project("a", root=root)
    put(folder / root, "skill", "x")
    put(folder / root, "command", "team/ship")
    discover()
    assert changes(refresh()) == [("command", "team:ship", "added"), ("skill", "x", "added")]


def test_the_same_skill_in_two_projects_is_two(make_project):
    """Fault 15: type and name as the key of a row, so that the second project took it from the first."""
    make_project("a", ("skill", "x"))
    make_project("b", ("skill", "x"))
    discover()
    assert len(refresh().changes) == 2
    assert [row.counts["types"] for row in ProjectState.objects.all()] == [{"skill": 1}] * 2


def test_all_projects_are_refreshed_not_a_hundred(make_project):
    """Fault 14."""
    for number in range(120):
        make_project(f"p{number:03}", ("skill", "x"))
    discover()
    assert refresh().refreshed == 120
    assert ProjectState.objects.filter(status="ok").count() == 120


def test_states_are_those_of_the_disk_and_of_the_collection(roots):
    project = put_project(roots)
    skill = put_artifact("skill", "a", {"SKILL.md": "one"})
    deploy(project, skill, put_artifact("agent", "b", "b"))
    refresh()
    assert states() == {"a": "in_sync", "b": "in_sync"}
    put_artifact("skill", "a", {"SKILL.md": "two"})
    (Path(project.path) / ".claude/agents/b.md").write_text("edited")
    assert changes(refresh()) == [("agent", "b", "changed"), ("skill", "a", "changed")]
    assert states() == {"a": "outdated", "b": "modified"}
    (Path(project.path) / ".claude/agents/b.md").unlink()
    assert changes(refresh()) == [("agent", "b", "changed")]
    assert states()["b"] == "missing"
    event = AuditEvent.objects.filter(action="project.changed").first()
    assert event.object_id == str(project.pk)
    assert event.data["changes"][0]["name"] == "b"


def test_only_stale_projects_are_read(make_project, settings):
    make_project("a")
    make_project("b")
    discover()
    assert refresh(force=False).refreshed == 2
    assert refresh(force=False).refreshed == 0
    ProjectState.objects.filter(project__name="a").update(fetched_at=timezone.now() - timedelta(minutes=361))
    assert refresh(force=False).refreshed == 1
    settings.SKILLMEAT_CACHE_TTL_MINUTES = 0
    assert refresh(force=False).refreshed == 2


def test_a_clock_that_was_moved_back(make_project):
    make_project("a")
    discover()
    refresh()
    ProjectState.objects.update(fetched_at=timezone.now() + timedelta(days=3))
    assert refresh(force=False).refreshed == 1
    assert ProjectState.objects.get().fetched_at < timezone.now()


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(hours=6)], ids=str)
@pytest.mark.parametrize("age", [None, -60, 0, 1, 359, 360, 361], ids=str)
def test_the_database_and_the_domain_agree_on_what_is_stale(make_project, age, ahead):
    make_project("a")
    discover()
    now = timezone.now()
    fetched = None if age is None else now - timedelta(minutes=age)
    ProjectState.objects.update(fetched_at=fetched, status="ok")
    assert stale_projects(now, ttl(), ahead=ahead).exists() is is_stale(fetched, now, ttl(), ahead=ahead)


def test_two_hundred_projects_of_which_five_are_broken(make_project, roots):
    for number in range(200):
        make_project(f"p{number:03}", ("skill", "x"))
    discover()
    refresh()
    shutil.rmtree(roots / "p000")
    (roots / "p001/.claude/.skillmeat-deployed.toml").write_text("=")
    (roots / "p002/.claude/.skillmeat-deployed.toml").write_text("format = 99")
    (roots / "p003/.claude/.skillmeat-deployed.toml").unlink()
    (roots / "p003/.claude/.skillmeat-deployed.toml").mkdir()
    (roots / "p004/.claude/.skillmeat-deployed.toml").write_text(
        (roots / "p005/.claude/.skillmeat-deployed.toml").read_text().replace("skills/x", "../../../etc/passwd")
    )
    put(roots / "p199/.claude", "skill", "new")
    result = refresh()
    told = result.to_json()
    assert told["success"] is False
    assert told["projects_refreshed"] == 195
    assert changes(result) == [("skill", "new", "added")]
    assert sorted(error["code"] for error in told["errors"]) == [
        "format_too_new", "manifest_invalid", "path_blocked", "project_missing", "unsafe_path",
    ]  # fmt: skip
    assert {Path(error["path"]).name for error in told["errors"]} == {"p000", "p001", "p002", "p003", "p004"}
    broken = ProjectState.objects.filter(status="error")
    assert broken.count() == 5
    assert all(row.artifacts and row.fetched_at < row.checked_at for row in broken)  # what was known stays
    assert refresh(force=False).refreshed == 0  # and is tried again, though its reading is young
    assert len(refresh(force=False).errors) == 5


def test_a_gone_folder_costs_no_time(make_project, roots, monkeypatch):
    """Fault 16: a missing root was tried again after 5 and 10 seconds."""
    make_project("a")
    discover()
    shutil.rmtree(roots / "a")
    asked = []
    original = project_reading.find_records
    monkeypatch.setattr(project_reading, "find_records", lambda path: asked.append(path) or original(path))
    assert [error.error.code for error in refresh().errors] == ["project_missing"]
    assert len(asked) == 1


def test_one_project(make_project):
    make_project("a", ("skill", "x"))
    make_project("b", ("skill", "x"))
    discover()
    row = Project.objects.get(name="b")
    assert RefreshJob().refresh_project(row.pk).refreshed == 1
    assert not ProjectState.objects.get(project__name="a").artifacts
    again = RefreshJob().refresh_project(row.pk)
    assert again.refreshed == 0
    assert [(one.outcome.value, one.code) for one in again.rows] == [("skipped", "fresh")]
    assert again.success
    assert RefreshJob().refresh_project(row.pk, force=True).refreshed == 1
    with pytest.raises(NotFound):
        RefreshJob().refresh_project(999_999)


def test_a_project_has_an_id_and_a_path(make_project, roots):
    folder = make_project("a")
    discover()
    row = Project.objects.get()
    assert named_project(row.pk) == named_project(str(row.pk)) == named_project(str(folder)) == row
    shutil.rmtree(folder)
    assert named_project(f"{folder}/") == row
    for word in ("proj-123", "0", "9" * 30, "", "\x00", str(roots)):
        with pytest.raises(NotFound):
            named_project(word)


def test_a_dry_run_writes_nothing_and_says_what_the_run_says(make_project):
    make_project("a", ("skill", "x"))
    discover()
    make_project("a", ("skill", "x"), ("skill", "y"))
    before = list(ProjectState.objects.values()), list(Deployment.objects.order_by("pk").values())
    planned = refresh(dry_run=True)
    assert (list(ProjectState.objects.values()), list(Deployment.objects.order_by("pk").values())) == before
    assert not AuditEvent.objects.filter(action="project.changed").exists()
    assert planned.to_json()["dry_run"] is True
    assert planned.changes == refresh().changes


def test_a_project_forgotten_meanwhile_is_passed_over(make_project):
    make_project("a", ("skill", "x"))
    make_project("b", ("skill", "x"))
    discover()

    class Forgetting(SilentReport):
        def tick(self):
            Project.objects.filter(name="a").delete()

    assert refresh(report=Forgetting()).refreshed == 2
    assert [row.project.name for row in ProjectState.objects.all()] == ["b"]


def test_a_cancel_stops_it_and_keeps_what_was_read(make_project, monkeypatch):
    monkeypatch.setattr("cache_app.services.refreshing.BATCH", 1)
    for name in "abc":
        make_project(name, ("skill", "x"))
    discover()

    class Stopping(SilentReport):
        def progress(self, done, total, label=""):
            if done == 2:
                raise Cancelled

    with pytest.raises(Cancelled):
        refresh(report=Stopping())
    assert ProjectState.objects.filter(status="ok").count() == 2


def test_threads_ask_no_database_and_statements_do_not_grow(make_project):
    """Thirty projects cost what three do."""
    for number in range(3):
        make_project(f"p{number}", ("skill", "x"))
    discover()
    refresh()
    with CaptureQueriesContext(connection) as few:
        refresh()
    for number in range(3, 30):
        make_project(f"p{number}", ("skill", "x"))
    discover()
    refresh()
    with CaptureQueriesContext(connection) as many:
        assert refresh().refreshed == 30
    assert len(many) == len(few)


def test_the_cache_may_be_dropped(make_project):
    make_project("a", ("skill", "x"))
    discover()
    refresh()
    before = ProjectState.objects.values_list("artifacts", flat=True).get()
    ProjectState.objects.all().delete()
    assert discover().success
    refresh()
    assert ProjectState.objects.values_list("artifacts", flat=True).get() == before
