"""Deploying: files and keys come, records and rows agree, what is somebody else's stays."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from collections_app.models import Deployment, DiskOperation
from collections_app.services.homes import home
from skillmeat_site.core.models import AuditEvent
from tests.collections_app.deploying import (
    RECORD,
    agreed,
    deploy,
    hook,
    outcomes,
    server,
    settings_of,
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
