"""Deploying: files and keys come, records and rows agree, what is somebody else's stays."""

from __future__ import annotations

import errno
import json
import os
import uuid
from pathlib import Path

import pytest

from collections_app.errors import ProjectBusy, ProjectMissing
from collections_app.models import Artifact, Deployment, DiskOperation, Project
from collections_app.services.homes import home
from collections_app.services.project_holding import held_project
from collections_app.services.projects import sync_rows
from skillmeat_site.core.errors import DomainError, LeaseLost
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.upstream.errors import PathNotAllowed
from tests.collections_app.deploying import (
    RECORD,
    agreed,
    deploy,
    hook,
    outcomes,
    record,
    server,
    settings_of,
    take_back,
    tree,
)
from tests.factories.deployments import put_artifact

pytestmark = pytest.mark.django_db
SKILL = {"SKILL.md": "---\nname: a\n---\n", "run.sh": "#!/bin/sh\n", "sub/x.txt": "x"}


def path(project, *parts):
    return Path(project.path).joinpath(*parts)


def test_every_type_goes_to_its_place(project):
    """Fault 31: no type is without a place."""
    artifacts = [
        put_artifact("skill", "a", SKILL),
        put_artifact("command", "team:ship", "Ship it.\n"),
        put_artifact("agent", "tester", "Test.\n"),
        put_artifact("plugin", "kit", {".claude-plugin/plugin.json": "{}"}),
        put_artifact("hook", "guard", hook("guard.sh")),
        put_artifact("mcp", "files", server("files")),
    ]
    result = deploy(project, *artifacts)
    assert outcomes(result) == [("created", "")] * 6
    assert [row.object.id for row in result.rows] == [str(artifact.pk) for artifact in artifacts]
    files = tree(project.path)
    assert set(files) == {
        ".claude/skills/a/SKILL.md", ".claude/skills/a/run.sh", ".claude/skills/a/sub/x.txt",
        ".claude/commands/team/ship.md", ".claude/agents/tester.md", ".claude/skills/kit/.claude-plugin/plugin.json",
        ".claude/settings.json", ".mcp.json", RECORD,
    }  # fmt: skip
    assert os.access(path(project, ".claude/skills/a/run.sh"), os.X_OK)
    assert settings_of(project)["hooks"]["PreToolUse"][0]["hooks"][0]["command"] == "guard.sh"
    assert json.loads(files[".mcp.json"])["mcpServers"]["files"]["command"] == "npx"
    assert agreed(project)
    assert Deployment.objects.count() == 6
    assert {row.artifact_id for row in Deployment.objects.all()} == {artifact.pk for artifact in artifacts}
    assert DiskOperation.objects.count() == 1
    event = AuditEvent.objects.get(action="project.deployed")
    assert sorted(event.data["artifacts"]) == sorted(str(artifact.pk) for artifact in artifacts)


def test_again_is_unchanged_and_writes_nothing(project):
    artifacts = [put_artifact("skill", "a", SKILL), put_artifact("hook", "g", hook("g.sh"))]
    deploy(project, *artifacts)
    before = tree(project.path)
    assert outcomes(deploy(project, *artifacts)) == [("unchanged", "")] * 2
    assert tree(project.path) == before
    assert DiskOperation.objects.count() == 1


def test_a_new_version_follows_and_what_it_lacks_goes(project):
    deploy(project, put_artifact("skill", "a", SKILL), put_artifact("hook", "g", hook("old.sh")))
    ids = set(Deployment.objects.values_list("pk", flat=True))
    skill = put_artifact("skill", "a", {"SKILL.md": "new"})
    for name in ("run.sh", "sub/x.txt"):
        os.unlink(Path(tree_of(skill)) / name)
    result = deploy(
        project, put_artifact("skill", "a", {"SKILL.md": "new"}), put_artifact("hook", "g", hook("new.sh"))
    )
    assert outcomes(result) == [("updated", "")] * 2
    assert [name for name in tree(project.path) if "skills" in name] == [".claude/skills/a/SKILL.md"]
    assert [one["hooks"][0]["command"] for one in settings_of(project)["hooks"]["PreToolUse"]] == ["new.sh"]
    assert set(Deployment.objects.values_list("pk", flat=True)) == ids
    assert agreed(project)


def tree_of(artifact):
    return home().collection(artifact.collection.slug) / artifact.path


def test_a_dry_run_says_what_the_run_then_does(project):
    artifacts = [
        put_artifact("skill", "a", SKILL),
        put_artifact("hook", "g", hook("g.sh")),
        put_artifact("hook", "twin", hook("g.sh")),
        put_artifact("command", "c", "C\n"),
    ]
    path(project, ".claude/commands").mkdir(parents=True)
    path(project, ".claude/commands/c.md").write_text("somebody's")
    before = tree(project.path)
    foreseen = deploy(project, *artifacts, dry_run=True)
    assert foreseen.dry_run
    assert tree(project.path) == before
    assert not Deployment.objects.exists()
    assert not AuditEvent.objects.exists()
    result = deploy(project, *artifacts)
    assert outcomes(result) == outcomes(foreseen)
    assert outcomes(result) == [("created", ""), ("created", ""), ("conflict", "taken"), ("conflict", "unmanaged")]
    assert len(settings_of(project)["hooks"]["PreToolUse"]) == 1
    assert agreed(project)


def test_an_unregistered_project_can_be_looked_at(roots):
    (roots / "new").mkdir()
    project = Project(path=str(roots / "new"), name="new")
    assert outcomes(deploy(project, put_artifact("skill", "a", SKILL), dry_run=True)) == [("created", "")]
    assert not Project.objects.exists()


def test_several_hooks_and_servers_at_once_leave_what_is_foreign(project):
    path(project, ".claude").mkdir()
    foreign = '{\n  "model": "x",\n  "hooks": {"PreToolUse": [{"matcher": "Edit", "hooks": []}]},\n  "z": 1\n}\n'
    path(project, ".claude/settings.json").write_text(foreign)
    path(project, ".mcp.json").write_text(server("theirs"))
    artifacts = [put_artifact("hook", f"h{n}", hook(f"h{n}.sh")) for n in range(5)]
    artifacts += [put_artifact("mcp", f"m{n}", server(f"m{n}")) for n in range(5)]
    assert outcomes(deploy(project, *artifacts)) == [("created", "")] * 10
    found = settings_of(project)
    assert (found["model"], found["z"], list(found)) == ("x", 1, ["model", "hooks", "z"])
    assert len(found["hooks"]["PreToolUse"]) == 6
    assert outcomes(take_back(project)) == [("removed", "")] * 10
    assert path(project, ".claude/settings.json").read_text() == foreign
    assert path(project, ".mcp.json").read_text() == server("theirs")
    assert not path(project, RECORD).exists()
    assert not Deployment.objects.exists()


def test_a_private_settings_file_stays_private(project):
    path(project, ".mcp.json").write_text(server("theirs"))
    path(project, ".mcp.json").chmod(0o600)
    deploy(project, put_artifact("mcp", "m", server("m")))
    assert path(project, ".mcp.json").stat().st_mode & 0o777 == 0o600


def test_overwrite_takes_the_place_of_what_is_nobodys(project):
    path(project, ".claude/skills/a").mkdir(parents=True)
    path(project, ".claude/skills/a/mine.txt").write_text("mine")
    path(project, ".mcp.json").write_text(server("m", "theirs"))
    artifacts = [put_artifact("skill", "a", SKILL), put_artifact("mcp", "m", server("m"))]
    before = tree(project.path)
    assert outcomes(deploy(project, *artifacts)) == [("conflict", "unmanaged")] * 2
    assert tree(project.path) == before
    assert outcomes(deploy(project, *artifacts, overwrite=True)) == [("updated", "")] * 2
    assert not path(project, ".claude/skills/a/mine.txt").exists()
    take_back(project, "m")
    assert path(project, ".mcp.json").read_text() == server("m", "theirs")


def test_an_edited_copy_is_kept_unless_told_otherwise(project):
    artifacts = [put_artifact("skill", "a", SKILL), put_artifact("hook", "g", hook("g.sh"))]
    deploy(project, *artifacts)
    path(project, ".claude/skills/a/SKILL.md").write_text("edited")
    text = path(project, ".claude/settings.json").read_text().replace("g.sh", "mine.sh")
    path(project, ".claude/settings.json").write_text(text)
    before = tree(project.path)
    put_artifact("skill", "a", {**SKILL, "SKILL.md": "new"})
    assert outcomes(deploy(project, artifacts[0])) == [("conflict", "modified")]
    assert outcomes(take_back(project)) == [("skipped", "modified")] * 2
    assert tree(project.path) == before
    assert agreed(project)
    assert outcomes(take_back(project, force=True, dry_run=True)) == [("removed", "")] * 2
    assert outcomes(take_back(project, force=True)) == [("removed", "")] * 2
    assert tree(project.path) == {}


def test_undeploying_removes_exactly_what_deploying_added(project):
    path(project, ".claude/skills/theirs").mkdir(parents=True)
    path(project, ".claude/skills/theirs/SKILL.md").write_text("theirs")
    path(project, "README.md").write_text("theirs")
    before = tree(project.path)
    artifacts = [put_artifact("skill", "a", SKILL), put_artifact("command", "ns:c", "C\n")]
    deploy(project, *artifacts)
    assert outcomes(take_back(project)) == [("removed", "")] * 2
    assert tree(project.path) == before
    assert not path(project, ".claude/commands").exists()
    assert outcomes(take_back(project)) == []


def test_what_is_gone_already_is_only_forgotten(project):
    deploy(project, put_artifact("command", "c", "C\n"))
    path(project, ".claude/commands/c.md").unlink()
    assert outcomes(take_back(project)) == [("removed", "")]
    assert not Deployment.objects.exists()


def test_an_artifact_that_was_removed_can_still_be_taken_back(project):
    artifact = put_artifact("hook", "g", hook("g.sh"))
    deploy(project, artifact)
    Deployment.objects.update(artifact=None)
    Artifact.objects.filter(pk=artifact.pk)._raw_delete("default")
    assert Deployment.objects.get().artifact is None
    assert outcomes(take_back(project)) == [("removed", "")]
    assert tree(project.path) == {}


def test_a_hook_that_names_its_plugin_is_refused(project):
    artifact = put_artifact("hook", "g", hook("${CLAUDE_PLUGIN_ROOT}/g.sh"))
    assert outcomes(deploy(project, artifact)) == [("failed", "needs_plugin")]
    assert tree(project.path) == {}


def test_other_profiles_have_their_own_folder_and_record(project):
    artifact = put_artifact("skill", "a", SKILL)
    assert outcomes(deploy(project, artifact, profile="codex")) == [("created", "")]
    assert outcomes(deploy(project, artifact)) == [("created", "")]
    assert outcomes(deploy(project, put_artifact("hook", "g", hook("g")), profile="codex")) == [
        ("failed", "unsupported_target")
    ]
    assert {".codex/skills/a/SKILL.md", ".codex/.skillmeat-deployed.toml", RECORD} <= set(tree(project.path))
    assert Deployment.objects.count() == 2


def test_two_collections_with_one_name_do_not_mix(project):
    """Fault 32: what is deployed is told by collection, type and name, not by the bare name."""
    one = put_artifact("skill", "a", SKILL)
    other = put_artifact("skill", "a", {"SKILL.md": "other"}, collection="work")
    command = put_artifact("command", "a", "C\n")
    assert outcomes(deploy(project, one, other, command)) == [("created", ""), ("conflict", "taken"), ("created", "")]
    assert outcomes(deploy(project, other)) == [("conflict", "taken")]
    assert outcomes(deploy(project, other, overwrite=True)) == [("updated", "")]
    assert Deployment.objects.get(type="skill").artifact == other
    assert Deployment.objects.get(type="command").artifact == command


def test_one_that_fails_leaves_the_others_be(project):
    """Fault 31: an exception in the middle of a batch stops it half way; a missing source is no 404."""
    gone = put_artifact("skill", "gone", SKILL)
    os.rename(tree_of(gone), tree_of(gone).with_name("elsewhere"))
    broken = put_artifact("mcp", "broken", "{nonsense")
    workflow = put_artifact("skill", "odd", SKILL)
    type(workflow).objects.filter(pk=workflow.pk).update(type="workflow")
    good = put_artifact("skill", "good", SKILL)
    result = deploy(project, gone, broken, workflow, good)
    assert outcomes(result) == [
        ("failed", "not_found"), ("failed", "artifact_invalid"), ("failed", "unsupported_target"), ("created", ""),
    ]  # fmt: skip
    assert agreed(project)


def test_what_the_collection_ignores_is_deployed_all_the_same(project):
    """Fault 27: the copy leaves out what the id counts (.gitignore, __pycache__), so that a fresh copy differs."""
    files = {"SKILL.md": "x", ".gitignore": "*\n", "__pycache__/a.pyc": "x", "node_modules/m.js": "x"}
    artifact = put_artifact("skill", "a", files)
    deploy(project, artifact)
    row = Deployment.objects.get()
    assert row.content_oid == artifact.content_oid
    assert set(tree(path(project, ".claude/skills/a"))) == set(files)


def test_the_project_is_held_meanwhile(project):
    """Fault 34: two writers of one record."""
    artifact = put_artifact("skill", "a", SKILL)
    with held_project(project.pk, SilentReport()), pytest.raises(ProjectBusy):
        deploy(project, artifact)
    assert outcomes(deploy(project, artifact)) == [("created", "")]
    with held_project(project.pk, SilentReport()):
        assert outcomes(take_back(project)) == [("failed", "project_busy")]


def test_more_than_a_chunk(project, monkeypatch):
    monkeypatch.setattr("collections_app.services.project_changes.CHUNK", 3)
    artifacts = [put_artifact("hook", f"h{n}", hook(f"h{n}.sh")) for n in range(4)]
    artifacts += [put_artifact("skill", f"s{n}", {"SKILL.md": str(n)}) for n in range(4)]
    assert outcomes(deploy(project, *artifacts)) == [("created", "")] * 8
    assert DiskOperation.objects.count() == 3
    assert agreed(project)
    assert len(settings_of(project)["hooks"]["PreToolUse"]) == 4
    assert outcomes(take_back(project)) == [("removed", "")] * 8
    assert tree(project.path) == {}


def test_unknown_ids_are_rows(project):
    assert outcomes(deploy(project, Artifact(pk=uuid.uuid4()))) == [("failed", "not_found")]


# Records: the project's own words


def test_a_record_of_another_machine_is_taken_in(project):
    artifact = put_artifact("hook", "g", hook("g.sh"))
    deploy(project, artifact)
    Deployment.objects.all().delete()
    assert outcomes(deploy(project, artifact)) == [("unchanged", "")]
    sync_rows(project, SilentReport())
    row = Deployment.objects.get()
    assert row.artifact == artifact
    assert outcomes(take_back(project)) == [("removed", "")]
    assert tree(project.path) == {}


OLD = """[[deployed]]
artifact_name = "a"
artifact_type = "skill"
from_collection = "default"
deployed_at = "2024-05-01T10:00:00"
artifact_path = "skills/a"
content_hash = "abc"
local_modifications = false
custom = "kept"

[[deployed]]
artifact_name = "flow"
artifact_type = "workflow"
from_collection = "default"
deployed_at = "2024-05-01T10:00:00"
artifact_path = "workflows/flow"
"""


def test_a_record_of_1x_is_migrated_with_a_copy(project):
    path(project, ".claude/skills/a").mkdir(parents=True)
    path(project, ".claude/skills/a/SKILL.md").write_text("x")
    path(project, RECORD).write_text(OLD)
    artifact = put_artifact("skill", "a", {"SKILL.md": "x"})
    assert sync_rows(project, SilentReport())
    assert Deployment.objects.get().artifact == artifact
    assert outcomes(take_back(project)) == [("skipped", "unknown_content")]
    assert outcomes(deploy(project, artifact)) == [("unchanged", "")]
    assert path(project, RECORD + ".v1").read_text() == OLD
    found = record(project)
    assert found["format"] == 2
    assert {one["artifact_type"] for one in found["deployed"]} == {"skill", "workflow"}
    (skill,) = [one for one in found["deployed"] if one["artifact_type"] == "skill"]
    assert (skill["content_oid"], skill["custom"]) == (artifact.content_oid, "kept")
    assert Deployment.objects.get().content_oid == artifact.content_oid


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("format = 2\n[[deployed]\n", "manifest_invalid"),
        ("format = 99\n", "format_too_new"),
        (OLD.replace("skills/a", "../../etc/passwd"), "unsafe_path"),
    ],
    ids=["nonsense", "newer", "leads out"],
)
def test_a_record_that_is_not_understood_is_left_alone(project, text, code):
    path(project, ".claude").mkdir()
    path(project, RECORD).write_text(text)
    with pytest.raises(DomainError) as caught:
        deploy(project, put_artifact("skill", "a", SKILL))
    assert caught.value.code == code
    assert tree(project.path) == {RECORD: text}
    assert not sync_rows(project, SilentReport())


def test_a_record_that_is_gone_is_written_anew(project):
    deploy(project, put_artifact("hook", "g", hook("g.sh")))
    path(project, RECORD).unlink()
    deploy(project, put_artifact("skill", "a", SKILL))
    assert agreed(project)
    assert Deployment.objects.count() == 2
    assert outcomes(take_back(project)) == [("removed", "")] * 2


@pytest.mark.parametrize("place", ["settings.json", ".skillmeat-deployed.toml", "skills"])
def test_a_record_cannot_have_what_is_not_its_own_removed(project, place):
    deploy(project, put_artifact("skill", "a", SKILL), put_artifact("hook", "g", hook("g.sh")))
    text = path(project, RECORD).read_text().replace('"skills/a"', f'"{place}"')
    path(project, RECORD).write_text(text)
    sync_rows(project, SilentReport())
    take_back(project, "a", force=True)
    assert settings_of(project)["hooks"]
    assert place == "skills" or path(project, ".claude/skills/a/SKILL.md").exists()


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
