"""Where artifacts go, for every type and client."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collections_app.domain.deploy_targets import SUPPORTED, Profile, TargetShape, target_of
from collections_app.domain.merge_types import MergeKind
from collections_app.domain.types import ArtifactKind
from collections_app.errors import UnsafePath, UnsupportedTarget

ROOTS = {
    Profile.CLAUDE_CODE: ".claude",
    Profile.CODEX: ".codex",
    Profile.GEMINI: ".gemini",
    Profile.CURSOR: ".cursor",
}
FILES = {
    ArtifactKind.SKILL: (TargetShape.DIRECTORY, "skills/x"),
    ArtifactKind.COMMAND: (TargetShape.FILE, "commands/x.md"),
    ArtifactKind.AGENT: (TargetShape.FILE, "agents/x.md"),
}
CLAUDE_ONLY = {
    ArtifactKind.PLUGIN: (TargetShape.DIRECTORY, ".claude/skills/x", None, "skills/x"),
    ArtifactKind.HOOK: (TargetShape.KEYS, ".claude/settings.json", MergeKind.HOOKS, "settings.json"),
    ArtifactKind.MCP: (TargetShape.KEYS, ".mcp.json", MergeKind.SERVERS, "../.mcp.json"),
}


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("kind", ArtifactKind)
def test_every_type_and_profile(kind, profile):
    assert profile.record == f"{ROOTS[profile]}/.skillmeat-deployed.toml"
    if kind in FILES:
        shape, path = FILES[kind]
        target = target_of(kind, "x", profile)
        assert (target.shape, target.path) == (shape, f"{ROOTS[profile]}/{path}")
        assert (target.record_path, target.merge) == (path, None)
    elif profile is Profile.CLAUDE_CODE:
        target = target_of(kind, "x")
        assert (target.shape, target.path, target.merge, target.record_path) == CLAUDE_ONLY[kind]
    else:
        assert kind not in SUPPORTED[profile]
        with pytest.raises(UnsupportedTarget, match=profile.value):
            target_of(kind, "x", profile)


def test_a_namespace_becomes_a_folder():
    assert target_of(ArtifactKind.COMMAND, "git:ops:sync").path == ".claude/commands/git/ops/sync.md"


@pytest.mark.parametrize("kind", [ArtifactKind.SKILL, ArtifactKind.PLUGIN])
@pytest.mark.parametrize("name", ["synced", "Synced"])
def test_the_folder_that_claude_code_keeps_for_itself(kind, name):
    with pytest.raises(UnsupportedTarget):
        target_of(kind, name)
    assert target_of(ArtifactKind.COMMAND, name).name == name


@pytest.mark.parametrize("kind", ArtifactKind)
@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/x", "a/b", "a\\b", "a\x00", "a\n", ".hidden", ":", "a:", "a:.."]
)
def test_names_that_are_none(kind, name):
    with pytest.raises(UnsafePath):
        target_of(kind, name)


def test_skills_have_no_namespace():
    with pytest.raises(UnsafePath):
        target_of(ArtifactKind.SKILL, "a:b")


@given(st.sampled_from(ArtifactKind), st.text(max_size=12) | st.text("./\\:ab", max_size=8), st.sampled_from(Profile))
def test_no_name_leads_out_of_its_folder(kind, name, profile):
    try:
        path = target_of(kind, name, profile).path
    except (UnsafePath, UnsupportedTarget):
        return
    parts = path.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert str(PurePosixPath(path)) == path
    assert parts[0] in {profile.root, ".mcp.json"}
