"""Projects, drift, and deployments that follow what is imported anew."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from django.db import IntegrityError

from collections_app.domain.drift import DriftState
from collections_app.errors import ManifestInvalid, ProjectBusy, ProjectExists, ProjectMissing
from collections_app.models import Artifact, Collection, Deployment, Project
from collections_app.services import projects
from collections_app.services.deployed_view import read_records, read_view
from collections_app.services.drift import drift_of, states_of
from collections_app.services.project_holding import held_project
from collections_app.services.projects import (
    ProjectStatus,
    ensure_project,
    find_project,
    forget_project,
    project_status,
    register_found,
    register_project,
)
from collections_app.services.redeploying import redeploy_clean
from collections_app.services.undeploying import deployments_of, forget_deployments
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import InvalidParameter, NotFound
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.upstream.errors import PathNotAllowed
from tests.collections_app.deploying import (
    RECORD,
    agreed,
    deploy,
    hook,
    outcomes,
    server,
    settings_of,
    take_back,
    tree,
)
from tests.factories.deployments import put_artifact, put_project

pytestmark = pytest.mark.django_db
SKILL = {"SKILL.md": "old"}


def register(path, **fields):
    return register_project(str(path), actor=COMMAND_LINE, report=SilentReport(), **fields)


def test_a_project_is_registered_once(roots):
    (roots / "app").mkdir()
    project = register(roots / "app" / ".." / "app", name=" My app ")
    assert (project.path, project.name) == (os.path.realpath(roots / "app"), "My app")
    assert AuditEvent.objects.get().action == "project.registered"
    with pytest.raises(ProjectExists) as caught:
        register(roots / "app")
    assert caught.value.data == {"project_id": project.pk}
    assert ensure_project(str(roots / "app"), actor=COMMAND_LINE, report=SilentReport()) == project
    assert find_project(str(roots / "app")) == project
    assert tree(roots) == {}


def test_a_record_that_no_database_takes_is_no_reason_not_to_register(roots):
    """It had been a traceback: the rows of its second name were refused."""
    (roots / "app" / ".claude").mkdir(parents=True)
    one = '[[deployed]]\nartifact_name = "{}"\nartifact_type = "skill"\nfrom_collection = "c"\n'
    one += 'deployed_at = 2026-01-01T00:00:00\nartifact_path = "skills/x"\ncontent_hash = "x"\n'
    (roots / "app" / RECORD).write_text(one.format("a") + one.format("a\\u0000"))
    project = register(roots / "app")
    with pytest.raises(ManifestInvalid):
        read_view(project)
    assert not Deployment.objects.exists()


def test_only_a_path_that_is_there_is_a_project_that_exists(roots, monkeypatch):
    """What else the database refuses had been told as a project that nobody could find."""

    def write_rows(view, after):
        raise IntegrityError("UNIQUE constraint failed: collections_app_deployment")

    (roots / "app").mkdir()
    monkeypatch.setattr(projects, "write_rows", write_rows)
    with pytest.raises(IntegrityError):
        register_found(str(roots / "app"), read_records(str(roots / "app")), actor=COMMAND_LINE)
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/etc", PathNotAllowed),
        ("{roots}/../outside", PathNotAllowed),
        ("{roots}/link", PathNotAllowed),
        ("{roots}/file", ProjectMissing),
        ("{roots}/nothing", ProjectMissing),
        ("relative", InvalidParameter),
        ("", InvalidParameter),
        ("{roots}/a\0b", InvalidParameter),
    ],
    ids=["outside", "dots", "link out", "file", "nothing", "relative", "empty", "nul"],
)
def test_what_is_no_project(roots, tmp_path, path, error):
    """Fault 48: any absolute path of the server was taken."""
    (tmp_path / "outside").mkdir()
    os.symlink(tmp_path / "outside", roots / "link")
    (roots / "file").write_text("x")
    with pytest.raises(error):
        register(path.replace("{roots}", str(roots)))
    assert not Project.objects.exists()


def test_without_roots_nothing_is_allowed(roots, settings):
    settings.SKILLMEAT_PROJECT_ROOTS = []
    with pytest.raises(PathNotAllowed):
        register(roots)


def test_our_own_home_is_no_project(settings):
    settings.SKILLMEAT_PROJECT_ROOTS = [Path(settings.SKILLMEAT_HOME).parent]
    with pytest.raises(PathNotAllowed):
        register(settings.SKILLMEAT_HOME)


def test_a_project_that_comes_with_a_record(project):
    artifact = put_artifact("hook", "g", hook("g.sh"))
    deploy(project, artifact, put_artifact("skill", "a", SKILL))
    before = tree(project.path)
    Project.objects.all().delete()
    Artifact.objects.filter(pk=artifact.pk).update(collection=Collection.objects.create(slug="other"))
    again = register(project.path)
    assert again.deployments.count() == 2
    assert again.deployments.get(type="hook").artifact_id == artifact.pk  # by its id, wherever it is now
    assert agreed(again)
    assert tree(project.path) == before


def test_forgetting_touches_no_file(project):
    deploy(project, put_artifact("skill", "a", SKILL))
    before = tree(project.path)
    with held_project(project.pk, SilentReport()), pytest.raises(ProjectBusy):
        forget_project(project, actor=COMMAND_LINE)
    forget_project(project, actor=COMMAND_LINE)
    assert not Project.objects.exists()
    assert tree(project.path) == before
    with pytest.raises(NotFound):
        find_project(project.path)


def states(project):
    return {row.known.key.name: row.state.value for row in drift_of(project).rows}


def test_drift_of_every_type_and_state(project):
    """Faults 23, 24: "outdated" was never computed, a deleted copy was "synced", commands were always "removed"."""
    makers = {
        "skill": lambda text: {"SKILL.md": text},
        "command": str,
        "agent": str,
        "hook": lambda text: hook(text),
        "mcp": lambda text: server("s", text),
        "plugin": lambda text: {"p.json": text},
    }
    for kind, make in makers.items():
        artifact = put_artifact(kind, kind, make("one"))
        deploy(project, artifact)
        assert states(project)[kind] == "in_sync"
        put_artifact(kind, kind, make("two"))
        assert states(project)[kind] == "outdated"
        row = Deployment.objects.get(type=kind)
        place = Path(project.path, row.target)
        files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
        old = files[0].read_text()
        files[0].write_text(old.replace("one", "mine"))
        assert states(project)[kind] == "conflict"
        put_artifact(kind, kind, make("one"))
        assert states(project)[kind] == "modified"
        files[0].write_text(old.replace("one", "two"))
        put_artifact(kind, kind, make("two"))
        assert states(project)[kind] == "in_sync"  # edited into just what came
        files[0].unlink() if kind not in ("hook", "mcp") else files[0].write_text("{}")
        if kind in ("skill", "plugin"):
            place.rmdir()
        assert states(project)[kind] == "missing"
    assert drift_of(project).summary == {
        "in_sync": 0, "outdated": 0, "modified": 0, "conflict": 0, "missing": 6, "unknown": 0, "total": 6,
    }  # fmt: skip


def test_drift_writes_nothing(project, django_assert_num_queries):
    """Fault 25: looking wrote times into the project's file, and used the first record's collection for all."""
    deploy(project, put_artifact("skill", "a", SKILL))
    deploy(project, put_artifact("skill", "b", SKILL, collection="work"))
    put_artifact("skill", "b", {"SKILL.md": "new"}, collection="work")
    before = {path: path.stat().st_mtime_ns for path in Path(project.path).rglob("*")}
    with django_assert_num_queries(3) as queries:
        assert states(project) == {"a": "in_sync", "b": "outdated"}
    assert all(query["sql"].startswith("SELECT") for query in queries)
    assert {path: path.stat().st_mtime_ns for path in Path(project.path).rglob("*")} == before


def test_drift_where_the_disk_cannot_be_looked_at(project):
    deploy(project, put_artifact("hook", "g", hook("g.sh")), put_artifact("skill", "a", SKILL))
    (Path(project.path) / ".claude/settings.json").write_text("{nonsense")
    assert states(project) == {"a": "in_sync", "g": "unknown"}
    (Path(project.path) / RECORD).write_text("{nonsense")
    report = drift_of(project)
    assert report.problem is not None
    assert report.problem.code == "manifest_invalid"
    assert {row.known.key.name for row in report.rows} == {"a", "g"}
    rows = Deployment.objects.for_list()
    assert set(states_of(rows).values()) == {DriftState.IN_SYNC, DriftState.UNKNOWN}
    os.rename(project.path, project.path + "-gone")
    assert set(states_of(rows).values()) == {DriftState.UNKNOWN}
    with pytest.raises(ProjectMissing):
        drift_of(project)


def test_drift_of_a_link_and_of_an_artifact_that_is_gone(project):
    deploy(project, put_artifact("skill", "a", SKILL), put_artifact("skill", "b", SKILL))
    place = Path(project.path) / ".claude/skills/a"
    os.rename(place, place.with_name("real"))
    os.symlink("real", place)
    Deployment.objects.filter(name="b").update(artifact=None)
    Artifact.objects.filter(name="b")._raw_delete("default")
    assert states(project) == {"a": "modified", "b": "unknown"}


def again(artifact, was=""):
    return redeploy_clean(artifact.pk, was=was, actor=COMMAND_LINE, report=SilentReport(), job_id=None)


def test_clean_deployments_follow_and_edited_ones_stay(roots):
    """Fault 33: keep_deployments saved nothing and restored nothing."""
    projects = [put_project(roots, name) for name in ("clean", "edited", "gone", "other")]
    artifact, bystander = put_artifact("skill", "a", SKILL), put_artifact("skill", "b", SKILL)
    for project in projects:
        deploy(project, artifact, bystander)
    (Path(projects[1].path) / ".claude/skills/a/SKILL.md").write_text("mine")
    (Path(projects[2].path) / ".claude/skills/a/SKILL.md").unlink()
    (Path(projects[2].path) / ".claude/skills/a").rmdir()
    deploy(projects[3], artifact, profile="codex")
    was = artifact.content_oid
    put_artifact("skill", "a", {"SKILL.md": "new"})
    put_artifact("skill", "b", {"SKILL.md": "new"})
    moved = again(artifact, was)
    assert (moved.restored, moved.kept_modified) == (3, ("edited:.claude/skills/a",))
    assert states(projects[0]) == {"a": "in_sync", "b": "outdated"}
    assert states(projects[1]) == {"a": "conflict", "b": "outdated"}
    assert states(projects[2]) == {"a": "missing", "b": "outdated"}
    assert (Path(projects[3].path) / ".codex/skills/a/SKILL.md").read_text() == "new"
    assert all(agreed(project) for project in projects[:3])


def test_merged_deployments_follow(project):
    one, two = put_artifact("hook", "g", hook("old.sh")), put_artifact("hook", "h", hook("h.sh"))
    deploy(project, one, two)
    put_artifact("hook", "g", hook("new.sh"))
    assert again(one).restored == 1
    commands = {group["hooks"][0]["command"] for group in settings_of(project)["hooks"]["PreToolUse"]}
    assert commands == {"new.sh", "h.sh"}
    put_artifact("hook", "g", hook("newer.sh"))
    place = Path(project.path) / ".claude/settings.json"
    place.write_text(place.read_text().replace("new.sh", "mine.sh"))
    assert again(one).kept_modified == ("app:.claude/settings.json",)


def test_what_1x_deployed_follows_where_it_was_what_the_collection_had(project):
    artifact = put_artifact("skill", "a", SKILL)
    deploy(project, artifact)
    place = Path(project.path) / RECORD
    old = [line for line in place.read_text().splitlines() if not line.startswith(("content_oid", "format"))]
    place.write_text("\n".join(old))
    Deployment.objects.update(content_oid="")
    was = artifact.content_oid
    put_artifact("skill", "a", {"SKILL.md": "new"})
    assert again(artifact, "0" * 40).kept_modified == ("app:.claude/skills/a",)
    assert again(artifact, was).restored == 1
    assert states(project) == {"a": "in_sync"}


def test_a_project_that_is_busy_or_gone_does_not_stop_the_others(roots):
    projects = [put_project(roots, name) for name in ("busy", "gone", "well")]
    artifact = put_artifact("skill", "a", SKILL)
    for project in projects:
        deploy(project, artifact)
    os.rename(projects[1].path, projects[1].path + "-moved")
    put_artifact("skill", "a", {"SKILL.md": "new"})
    with held_project(projects[0].pk, SilentReport()):
        assert again(artifact).restored == 1
    assert states(projects[0]) == {"a": "outdated"}
    assert states(projects[2]) == {"a": "in_sync"}


def test_letting_go_leaves_the_files(project):
    artifacts = [put_artifact("skill", "a", SKILL), put_artifact("hook", "g", hook("g.sh"))]
    keep = put_artifact("skill", "keep", SKILL)
    deploy(project, *artifacts, keep)
    before = tree(project.path)
    found = deployments_of([artifact.pk for artifact in artifacts])
    assert set(found) == {str(artifact.pk) for artifact in artifacts}
    ids = [pk for ids in found.values() for pk in ids]
    dropped = forget_deployments(ids, actor=COMMAND_LINE, report=SilentReport())
    assert set(dropped) == {"app:.claude/skills/a", "app:.claude/settings.json"}
    after = tree(project.path)
    assert {name: text for name, text in after.items() if name != RECORD} == {
        name: text for name, text in before.items() if name != RECORD
    }
    assert Deployment.objects.get().name == "keep"
    assert agreed(project)
    assert outcomes(deploy(project, artifacts[1])) == [("conflict", "unmanaged")]
    assert deployments_of([uuid.uuid4()]) == {}
    assert outcomes(take_back(project)) == [("removed", "")]


def test_what_another_machine_took_back_is_gone_from_the_rows(project):
    """The record is the truth where there is one: it travels with the project."""
    one, two = put_artifact("skill", "a", SKILL), put_artifact("skill", "b", SKILL)
    deploy(project, one)
    without = (Path(project.path) / RECORD).read_text()
    deploy(project, two)
    (Path(project.path) / RECORD).write_text(without)
    assert states(project) == {"a": "in_sync"}
    ensure_project(project.path, actor=COMMAND_LINE, report=SilentReport())
    assert Deployment.objects.get().name == "a"


def test_a_project_outside_the_roots_says_so(project, settings):
    assert project_status(project) is ProjectStatus.OK
    settings.SKILLMEAT_PROJECT_ROOTS = []
    assert project_status(project) is ProjectStatus.NOT_ALLOWED
