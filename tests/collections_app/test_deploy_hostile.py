"""Deploying where paths, links, settings, permissions and the moment are against it."""

from __future__ import annotations

import errno
import os
import uuid
from pathlib import Path

import pytest

from collections_app.errors import ProjectMissing
from collections_app.models import Deployment, DiskOperation, Project
from skillmeat_site.core.errors import DomainError, LeaseLost
from skillmeat_site.upstream.errors import PathNotAllowed
from tests.collections_app.deploying import (
    SKILL,
    agreed,
    deploy,
    hook,
    outcomes,
    path,
    server,
    take_back,
    tree,
)
from tests.factories.deployments import put_artifact

pytestmark = pytest.mark.django_db


# Bad input


def test_projects_stay_inside_the_roots(project, roots, tmp_path):
    """Fault 48: any path of the server was taken."""
    os.rename(project.path, tmp_path / "moved")
    os.symlink(tmp_path / "moved", project.path)
    with pytest.raises(PathNotAllowed):
        deploy(project, put_artifact("skill", "a", SKILL))
    assert tree(tmp_path / "moved") == {}


def test_a_project_that_vanished_is_not_made_anew(project):
    artifact = put_artifact("skill", "a", SKILL)
    deploy(project, artifact)
    os.rename(project.path, project.path + "-moved")
    with pytest.raises(ProjectMissing):
        deploy(project, artifact)
    assert outcomes(take_back(project)) == [("failed", "project_missing")]
    assert not Path(project.path).exists()
    assert Deployment.objects.count() == 1


@pytest.mark.parametrize("text", ["{nonsense", "[]", '{"hooks": {}} // why', '{"hooks": 1, "hooks": 2}'])
def test_settings_that_are_not_valid_are_left_untouched(project, text):
    path(project, ".claude").mkdir()
    path(project, ".claude/settings.json").write_text(text)
    path(project, ".mcp.json").write_text(text)
    hooks, servers = put_artifact("hook", "g", hook("g.sh")), put_artifact("mcp", "m", server("m"))
    skill = put_artifact("skill", "a", SKILL)
    result = deploy(project, hooks, servers, skill)
    assert outcomes(result)[0] == ("conflict", "settings_invalid")
    assert "settings.json" in result.rows[0].message
    assert outcomes(result)[2] == ("created", "")
    assert path(project, ".claude/settings.json").read_text() == text
    if outcomes(result)[1] == ("conflict", "settings_invalid"):
        assert path(project, ".mcp.json").read_text() == text
    assert agreed(project)


def test_a_file_where_a_folder_is_due(project):
    path(project, ".claude").mkdir()
    path(project, ".claude/skills").write_text("a file")
    path(project, ".claude/commands/c.md").mkdir(parents=True)
    artifacts = [put_artifact("skill", "a", SKILL), put_artifact("command", "c", "C\n")]
    before = tree(project.path)
    assert outcomes(deploy(project, *artifacts)) == [("conflict", "target_blocked"), ("conflict", "unmanaged")]
    assert tree(project.path) == before
    assert path(project, ".claude/commands/c.md").is_dir()


@pytest.mark.parametrize("place", [".claude", ".claude/skills", ".claude/skills/a"])
def test_links_are_not_followed(project, tmp_path, place):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path(project, place).parent.mkdir(parents=True, exist_ok=True)
    os.symlink(elsewhere, path(project, place))
    artifact = put_artifact("skill", "a", SKILL)
    try:
        result = outcomes(deploy(project, artifact))
    except DomainError as error:
        result = [("conflict", error.code)]
    assert result == [("conflict", "unmanaged" if place.endswith("a") else "unsafe_link")]
    assert tree(elsewhere) == {}
    assert not Deployment.objects.exists()


def test_settings_behind_a_link_are_left_alone(project, tmp_path):
    """People keep their settings in another repository; a swap would cut that link."""
    (tmp_path / "dotfiles.json").write_text("{}")
    path(project, ".claude").mkdir()
    os.symlink(tmp_path / "dotfiles.json", path(project, ".claude/settings.json"))
    result = deploy(project, put_artifact("hook", "g", hook("g.sh")), put_artifact("skill", "a", SKILL))
    assert outcomes(result) == [("conflict", "unsafe_link"), ("created", "")]
    assert (tmp_path / "dotfiles.json").read_text() == "{}"
    assert path(project, ".claude/settings.json").is_symlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_project(project):
    path(project, ".claude").mkdir()
    path(project, ".claude").chmod(0o500)
    try:
        result = deploy(project, put_artifact("skill", "a", SKILL))
    finally:
        path(project, ".claude").chmod(0o700)
    assert outcomes(result) == [("failed", "disk_denied")]
    assert not Deployment.objects.exists()


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EROFS, errno.ENOSPC], ids=["other", "read-only", "full"])
def test_what_the_disk_refuses_changes_nothing(project, monkeypatch, number):
    """Another file system, one that is read-only, one that is full: the renames and writes say so."""
    first = put_artifact("skill", "a", SKILL)
    deploy(project, first)
    before = tree(project.path)
    put_artifact("skill", "a", {"SKILL.md": "new"})
    second = put_artifact("hook", "g", hook("g.sh"))
    target = "collections_app.store.swaps.exchange" if number == errno.EXDEV else "collections_app.store.disk.os.mkdir"

    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(target, refuse)
        result = deploy(project, first, second)
    codes = {errno.EXDEV: "other_file_system", errno.EROFS: "disk_denied", errno.ENOSPC: "disk_full"}
    assert outcomes(result)[0] == ("failed", codes[number])
    assert {name: text for name, text in tree(project.path).items() if "skills" in name} == {
        name: text for name, text in before.items() if "skills" in name
    }
    assert agreed(project)
    assert not [name for name in tree(project.path) if ".skillmeat/" in name]


@pytest.mark.parametrize("name", ["..", "a/b", ".hidden", "synced", "x" * 299])
def test_names_that_no_project_can_hold(project, name):
    artifact = put_artifact("skill", "a", SKILL)
    type(artifact).objects.filter(pk=artifact.pk).update(name=name)
    outcome = outcomes(deploy(project, artifact))[0]
    assert outcome[0] in ("failed", "conflict")
    assert not Deployment.objects.exists()
    assert tree(project.path) == {}


def test_a_target_that_changes_at_the_last_moment_is_kept(project, monkeypatch):
    artifacts = [put_artifact("skill", "a", SKILL), put_artifact("skill", "b", SKILL)]
    deploy(project, *artifacts)
    for artifact in artifacts:
        put_artifact("skill", artifact.name, {"SKILL.md": "new"})

    def edit(name):
        if name == "staged:1":
            path(project, ".claude/skills/a/SKILL.md").write_text("edited just now")

    monkeypatch.setattr("collections_app.store.checkpoints.reached", edit)
    assert outcomes(deploy(project, *artifacts)) == [("failed", "changed_on_disk"), ("updated", "")]
    assert path(project, ".claude/skills/a/SKILL.md").read_text() == "edited just now"
    assert path(project, ".claude/skills/b/SKILL.md").read_text() == "new"
    assert agreed(project)


def test_settings_that_change_at_the_last_moment_undo_the_chunk(project, monkeypatch):
    """Fault 31: the copy was there before its record was written, and stayed untracked."""
    path(project, ".claude").mkdir()
    path(project, ".claude/settings.json").write_text("{}")

    def edit(name):
        if name == "staged:0":
            path(project, ".claude/settings.json").write_text('{"model": "x"}')

    monkeypatch.setattr("collections_app.store.checkpoints.reached", edit)
    result = deploy(project, put_artifact("skill", "a", SKILL), put_artifact("hook", "g", hook("g.sh")))
    assert outcomes(result) == [("failed", "changed_on_disk")] * 2
    assert tree(project.path) == {".claude/settings.json": '{"model": "x"}'}
    assert not Deployment.objects.exists()


def test_a_lost_lease_writes_nothing(project, monkeypatch):
    artifact = put_artifact("skill", "a", SKILL)

    def take_over(name):
        if name == "applied":
            Project.objects.update(lease_token=uuid.uuid4())

    monkeypatch.setattr("collections_app.store.checkpoints.reached", take_over)
    with pytest.raises(LeaseLost):
        deploy(project, artifact)
    assert tree(project.path) == {}
    assert not Deployment.objects.exists()
    assert not DiskOperation.objects.exists()
