"""Deploying: files and keys come, records and rows agree, what is somebody else's stays."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import pytest

from collections_app.errors import ProjectBusy
from collections_app.models import Artifact, Deployment, DiskOperation, Project
from collections_app.services.homes import home
from collections_app.services.project_holding import held_project
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.deploying import (
    RECORD,
    SKILL,
    agreed,
    deploy,
    hook,
    outcomes,
    path,
    server,
    settings_of,
    take_back,
    tree,
)
from tests.factories.deployments import put_artifact

pytestmark = pytest.mark.django_db


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
