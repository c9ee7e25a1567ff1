"""Discovery: real folders, every profile, what is pruned, what is gone, what cannot be read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cache_app.models import Discovery, ProjectState
from cache_app.services import walking
from cache_app.services.discovering import discover_projects
from collections_app.models import Deployment, Project
from collections_app.services.projects import register_project
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.reporting import SilentReport
from tests.cache_app.conftest import locked, put, record

pytestmark = pytest.mark.django_db


def discover(**options):
    return discover_projects(actor=COMMAND_LINE, report=SilentReport(), **options)


def counted(result):
    told = result.to_json()
    return {name: told[name] for name in ("added", "removed", "changed", "unchanged")} | {
        "errors": [error["code"] for error in told["errors"]]
    }


def came_to(added=0, removed=0, changed=0, unchanged=0, errors=()):
    return {"added": added, "removed": removed, "changed": changed, "unchanged": unchanged, "errors": list(errors)}


def paths():
    return [Path(path).name for path in Project.objects.order_by("path").values_list("path", flat=True)]


def test_a_project_is_a_folder_with_a_record(make_project, roots):
    make_project("a", ("skill", "x"))
    make_project("deep/er/b")
    (roots / "none/.claude/skills/x").mkdir(parents=True)
    result = discover()
    assert counted(result) == came_to(added=2)
    assert paths() == ["a", "b"]
    assert list(Deployment.objects.values_list("type", "name")) == [("skill", "x")]
    assert AuditEvent.objects.filter(action="project.registered").count() == 2
    assert counted(discover()) == came_to(unchanged=2)


@pytest.mark.parametrize("root", [".claude", ".codex", ".gemini", ".cursor"])
def test_every_clients_folder_counts(make_project, root):
    """Fault 16: four roots, and only one of them was looked into."""
    make_project("a", root=root)
    assert counted(discover()) == came_to(added=1)


def test_more_than_a_hundred_projects(make_project):
    """Fault 14: the first hundred only."""
    for number in range(120):
        make_project(f"p{number:03}")
    assert counted(discover()) == came_to(added=120)
    assert counted(discover()) == came_to(unchanged=120)
    assert discover().stats.entries == 120


def test_pruned_folders_and_links_are_not_entered(make_project, roots):
    for name in ("node_modules/a", ".git/b", ".venv/c", "env/d", "x/__pycache__/e"):
        make_project(name)
    (roots / "env/pyvenv.cfg").write_text("home = /usr\n")
    real = make_project("real")
    (roots / "link").symlink_to(real, target_is_directory=True)
    (roots / "loop").symlink_to(roots, target_is_directory=True)
    outside = roots.parent / "outside"
    shutil.copytree(real, outside)
    (roots / "away").symlink_to(outside, target_is_directory=True)
    (roots / "inner").mkdir()
    (roots / "inner/.claude").symlink_to(real / ".claude", target_is_directory=True)
    assert counted(discover()) == came_to(added=1)
    assert paths() == ["real"]


def test_projects_inside_projects_and_the_root_itself(make_project, roots):
    make_project(".")
    make_project("one")
    make_project("one/packages/two")
    assert counted(discover()) == came_to(added=3)


def test_roots_inside_one_another_count_once(make_project, roots, settings):
    make_project("inner/a")
    settings.SKILLMEAT_PROJECT_ROOTS = [roots, roots / "inner", roots]
    assert counted(discover()) == came_to(added=1)


def test_nothing_is_looked_for_without_roots(make_project, settings):
    make_project("a")
    settings.SKILLMEAT_PROJECT_ROOTS = []
    assert counted(discover()) == came_to()


def test_what_is_ours_is_no_project(make_project, roots, settings):
    make_project("home/a")
    settings.SKILLMEAT_HOME = roots / "home"
    assert counted(discover()) == came_to()


@pytest.mark.parametrize(
    ("names", "extra"),
    [
        (["a\\u0000"], ""),
        (["a", "a\\u0000"], ""),
        (["n" * 300 + "1", "n" * 300 + "2"], ""),
        ([], 'artifact_uuid = "\\u0000"\n'),
        ([], 'keys = [{section = "\\u0000", label = "a", identity = "a", oid = "a"}]\n'),
    ],
)
def test_a_record_that_no_database_takes_is_its_own_projects_error(make_project, names, extra):
    """It had ended the discovery of all projects, or been counted as added again and again."""
    make_project("bad", text=record(*(("skill", name) for name in names or ["a"]), extra=extra))
    make_project("good", ("skill", "x"))
    for result in (discover(dry_run=True), discover()):
        assert counted(result) == came_to(added=1, errors=["manifest_invalid"])
    assert paths() == ["bad", "good"]
    assert list(Deployment.objects.values_list("project__name", "name")) == [("good", "x")]
    assert counted(discover()) == came_to(unchanged=1, errors=["manifest_invalid"])
    make_project("bad", ("skill", "a"))
    assert counted(discover()) == came_to(changed=1, unchanged=1)


def test_a_changed_record(make_project):
    folder = make_project("a", ("skill", "x"))
    discover()
    make_project("a", ("skill", "x"), ("agent", "y"))
    assert counted(discover()) == came_to(changed=1)
    assert set(Deployment.objects.values_list("name", flat=True)) == {"x", "y"}
    os.utime(folder / ".claude/.skillmeat-deployed.toml", (0, 0))  # its bytes count, not its times
    assert counted(discover()) == came_to(unchanged=1)


def test_a_moved_project_is_one_removed_and_one_added(make_project, roots):
    folder = make_project("a", ("skill", "x"))
    discover()
    folder.rename(roots / "b")
    assert counted(discover()) == came_to(added=1, removed=1)
    assert paths() == ["b"]
    assert Deployment.objects.get().project.name == "b"
    assert AuditEvent.objects.filter(action="project.forgotten").count() == 1


def test_a_link_left_where_it_was_is_no_project(make_project, roots):
    folder = make_project("a")
    discover()
    folder.rename(roots / "b")
    folder.symlink_to(roots / "b", target_is_directory=True)
    assert counted(discover()) == came_to(added=1, removed=1)
    assert paths() == ["b"]


def test_a_project_that_was_found_goes_with_its_record_one_that_was_registered_stays(make_project, roots):
    found, registered = make_project("found"), make_project("registered")
    register_project(str(registered), actor=COMMAND_LINE, report=SilentReport())
    assert counted(discover()) == came_to(added=1, unchanged=1)
    for folder in (found, registered):
        (folder / ".claude/.skillmeat-deployed.toml").unlink()
    assert counted(discover()) == came_to(removed=1, changed=1)
    assert paths() == ["registered"]
    assert counted(discover()) == came_to(unchanged=1)


def test_a_record_that_is_not_understood_is_an_error_row_and_stays_registered(make_project):
    make_project("good")
    broken = make_project("broken", text="not = [toml")
    result = discover()
    assert counted(result) == came_to(added=1, errors=["manifest_invalid"])
    assert result.job_status == "partial"
    (error,) = result.to_json()["errors"]
    assert error["path"] == str(broken)
    assert error["project"] == Project.objects.get(name="broken").pk
    assert ProjectState.objects.get(project__name="broken").error_code == "manifest_invalid"
    assert counted(discover()) == came_to(unchanged=1, errors=["manifest_invalid"])
    make_project("broken", ("skill", "x"))
    assert counted(discover()) == came_to(unchanged=1, changed=1)


def test_an_unreadable_folder_is_an_error_row_and_what_is_below_it_stays(make_project, roots):
    make_project("shut/a", ("skill", "x"))
    make_project("open/b")
    discover()
    with locked(roots / "shut"):
        result = discover()
    errors = {Path(error["path"]).name: error["code"] for error in result.to_json()["errors"]}
    assert errors == {"shut": "disk_denied", "a": "project_missing"}
    assert counted(result) | {"errors": []} == came_to(unchanged=1)
    assert paths() == ["b", "a"]


def test_an_unreadable_clients_folder_is_an_error_row(make_project):
    folder = make_project("a")
    make_project("b")
    with locked(folder / ".claude"):
        assert counted(discover()) == came_to(added=1, errors=["disk_denied"])
    assert counted(discover()) == came_to(added=1, unchanged=1)


def test_a_root_that_is_away_removes_nothing(make_project, roots):
    """A vanished mount: the projects are not there, and nobody deleted them."""
    make_project("a")
    discover()
    roots.rename(roots.parent / "elsewhere")
    result = discover()
    assert counted(result)["removed"] == 0
    assert {error["code"] for error in result.to_json()["errors"]} == {"project_missing"}
    assert paths() == ["a"]


def test_a_mount_point_without_its_file_system_removes_nothing(make_project, roots):
    """Known by the file system that the project lay on: what is left of the way to it lies on another."""
    make_project("mnt/a")
    discover()
    ProjectState.objects.update(device="4242")
    shutil.rmtree(roots / "mnt/a")
    assert counted(discover()) == came_to(errors=["project_missing"])
    assert paths() == ["a"]


def test_a_project_outside_the_roots_is_left_alone(make_project, roots, settings):
    make_project("a")
    discover()
    settings.SKILLMEAT_PROJECT_ROOTS = [roots / "other"]
    (roots / "other").mkdir()
    assert counted(discover()) == came_to(errors=["path_not_allowed"])
    assert paths() == ["a"]


def test_folders_too_deep_and_paths_that_are_no_text(make_project, roots, monkeypatch):
    monkeypatch.setattr(walking, "MAX_DEPTH", 2)
    make_project("1/2/3")
    bad = os.fsencode(roots) + b"/caf\xe9"
    os.makedirs(bad + b"/.claude")
    with open(bad + b"/.claude/.skillmeat-deployed.toml", "w") as file:
        file.write(record())
    result = discover()
    assert sorted(counted(result)["errors"]) == ["invalid_parameter", "limit_exceeded"]
    assert any("caf\ufffd" in error["path"] for error in result.to_json()["errors"])
    assert paths() == []


def test_a_record_that_is_a_link_is_an_error(make_project, roots):
    folder = make_project("a")
    found = folder / ".claude/.skillmeat-deployed.toml"
    found.rename(folder / "elsewhere.toml")
    found.symlink_to(folder / "elsewhere.toml")
    assert counted(discover()) == came_to(errors=["unsafe_link"])


def test_a_dry_run_says_what_the_run_does_and_writes_nothing(make_project, roots):
    make_project("a")
    gone = make_project("gone")
    discover()
    before = Discovery.objects.get().scanned_at
    make_project("a", ("skill", "x"))
    make_project("b")
    make_project("bad", text="=")
    shutil.rmtree(gone)
    rows = (Project, ProjectState, Deployment, AuditEvent, Job)
    numbers = [model.objects.count() for model in rows]
    planned = discover(dry_run=True)
    assert [model.objects.count() for model in rows] == numbers
    assert Discovery.objects.get().scanned_at == before
    done = discover()
    assert planned.to_json()["dry_run"] is True
    assert counted(planned) == counted(done) == came_to(added=1, removed=1, changed=1, errors=["manifest_invalid"])
    assert [row.outcome for row in planned.rows] == [row.outcome for row in done.rows]


def test_a_files_name_is_no_root(make_project, roots):
    (roots / "a").mkdir()
    (roots / "a/.claude").write_text("no folder")
    assert counted(discover()) == came_to()


def test_discovery_leaves_the_disk_alone(make_project, roots):
    folder = make_project("a", ("skill", "x"))
    put(folder / ".claude", "agent", "loose")
    before = sorted((str(path), path.stat().st_mtime_ns) for path in roots.rglob("*"))
    discover()
    discover()
    assert sorted((str(path), path.stat().st_mtime_ns) for path in roots.rglob("*")) == before
