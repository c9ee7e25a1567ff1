"""What the content of a file adds to what its path tells."""

import json

import pytest

from marketplace.domain.types import Basis
from tests.marketplace.domain.listings import codes, full, only, pairs, signals

PLUGIN = ".claude-plugin/plugin.json"


def head(**keys):
    return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in keys.items()) + "---\nbody\n"


def test_a_skill_is_called_as_its_head_says():
    found = only(full({"skills/pdf/SKILL.md": head(name="pdf", description="Reads.", tags=["a", "b"])}), "skill")
    assert (found.name, found.description, found.tags, codes(found)) == ("pdf", "Reads.", ("a", "b"), set())
    assert found.metadata["frontmatter"]["name"] == "pdf"
    assert found.confidence == 95


@pytest.mark.parametrize(
    ("path", "name", "warns"),
    [("skills/a/SKILL.md", "b", True), ("skills/a/SKILL.md", "a", False), ("SKILL.md", "b", False)],
)
def test_a_name_unlike_the_folder_warns(path, name, warns):
    found = only(full({path: head(name=name, description="d")}), "skill")
    assert found.name == name
    assert ("name_mismatch" in codes(found)) is warns


@pytest.mark.parametrize("name", ["../../etc", "a/b", "a\\b", "..", ".", "x" * 201, ["a"], {"a": 1}, True])
def test_a_declared_name_that_cannot_name_a_folder_is_not_taken(name):
    found = only(full({"skills/good/SKILL.md": head(name=name, description="d")}), "skill")
    assert found.name == "good"
    assert "name_unusable" in codes(found)


def test_a_broken_or_absent_head_does_not_hide_a_skill():
    detection = full({"a/SKILL.md": "# no head", "b/SKILL.md": "---\nname: [\n", "c/SKILL.md": ""})
    assert pairs(detection) == {"skill a", "skill b", "skill c"}
    assert {found.name for found in detection.artifacts} == {"a", "b", "c"}
    assert all("no_description" in codes(found) for found in detection.artifacts)


def test_a_command_is_called_after_its_file_whatever_its_head_says():
    found = only(full({"commands/git/push.md": head(name="other", description="Pushes")}), "command")
    assert (found.name, found.namespace, found.title, found.description) == ("push", "git", "other", "Pushes")


def test_a_command_needs_no_head():
    found = only(full({"commands/push.md": "Push $ARGUMENTS"}), "command")
    assert found.confidence >= 75
    assert found.metadata == {"marks": ["$ARGUMENTS"]}


def test_an_agent_without_a_name_is_documentation_in_a_project_and_at_the_root():
    text = head(description="how agents work together")
    assert pairs(full({".claude/agents/GUIDE.md": text, "agents/flow.md": "# Flow"})) == set()


def test_an_agent_without_a_name_is_loaded_in_a_plugin():
    found = only(full({f"p/{PLUGIN}": "{}", "p/agents/x.md": head(description="d")}), "agent")
    assert (found.name, codes(found)) == ("x", {"no_name"})
    bare = only(full({f"p/{PLUGIN}": "{}", "p/agents/x.md": "# x"}), "agent")
    assert "no_head" in signals(bare)
    assert bare.confidence < 60


def test_an_agent_is_called_as_its_head_says():
    found = only(full({".claude/agents/cat/x.md": head(name="reviewer", description="d")}), "agent")
    assert (found.name, found.namespace) == ("reviewer", "cat")
    assert "name_with_colon" in codes(only(full({".claude/agents/x.md": head(name="a:b", description="d")}), "agent"))


@pytest.mark.parametrize(
    ("text", "is_hook"),
    [
        ('{"hooks": {"Stop": [{"hooks": []}]}}', True),
        ('{"hooks": {}}', False),
        ('{"hooks": {"Stop": []}}', False),
        ('{"permissions": {"allow": []}}', False),
        ("{", False),
    ],
)
def test_settings_are_a_hook_only_if_they_hold_some(text, is_hook):
    detection = full({".claude/settings.json": text})
    assert pairs(detection) == ({"hook .claude/settings.json"} if is_hook else set())
    assert all(found.basis is Basis.CONTENT for found in detection.artifacts)


def test_a_hook_file_without_a_known_event_is_uncertain():
    unknown = only(full({"hooks/hooks.json": '{"hooks": {"onSave": [1]}}'}), "hook")
    assert (unknown.confidence < 60, codes(unknown)) == (True, {"unknown_event"})
    assert only(full({"hooks/hooks.json": "{}"}), "hook").confidence < 60
    assert only(full({"hooks/hooks.json": '{"hooks": {"Stop": [1]}}'}), "hook").metadata == {"events": ["Stop"]}


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ('{"mcpServers": {"b": {"url": "u"}, "a": {"command": "c"}}}', ["a", "b"]),
        ('{"a": {"command": "c"}}', ["a"]),
        ('{"mcpServers": {}}', []),
        ('{"mcpServers": 3}', []),
        ('{"x": 1}', []),
    ],
)
def test_mcp_files_in_both_forms(text, servers):
    found = only(full({".mcp.json": text}), "mcp")
    assert found.metadata["servers"] == servers
    assert (found.confidence >= 60) is bool(servers)


NAMES = {
    ".claude/settings.json": "repo",
    ".claude/settings.local.json": "repo-local",
    "app/.claude/settings.json": "app",
    "hooks/hooks.json": "repo",
}


@pytest.mark.parametrize(("path", "name"), NAMES.items(), ids=NAMES)
def test_a_file_whose_name_says_nothing_is_called_after_its_owner(path, name):
    assert only(full({path: '{"hooks": {"Stop": [1]}}'}), "hook").name == name


def test_a_plugins_files_are_called_after_the_plugin():
    files = {
        f"p/{PLUGIN}": '{"name": "declared"}',
        "p/hooks/hooks.json": '{"hooks": {"Stop": [1]}}',
        "p/.mcp.json": "{}",
    }
    detection = full(files)
    assert only(detection, "hook").name == only(detection, "mcp").name == "declared"


def test_a_hook_that_names_the_plugins_folder_needs_it():
    text = '{"hooks": {"Stop": [{"hooks": [{"command": "${CLAUDE_PLUGIN_ROOT}/x"}]}]}}'
    assert only(full({"hooks/hooks.json": text}), "hook").metadata["needs_plugin"] is True


def test_long_texts_are_cut_with_a_warning():
    found = only(full({"a/SKILL.md": head(name="a", description="d" * 4001)}), "skill")
    assert len(found.description) == 4000
    assert "text_cut" in codes(found)
    assert codes(only(full({"a/SKILL.md": head(name="a", description="d" * 4000)}), "skill")) == set()


def test_a_documents_own_warnings_reach_the_artifact():
    found = only(full({"commands/x.md": "---\nargument-hint: [a] [b]\ndescription: d\n---\n"}), "command")
    assert codes(found) == {"yaml_invalid"}
    assert found.description == "d"
    assert found.warnings[0].path == "commands/x.md"
    plugin = only(full({PLUGIN: "{"}), "plugin")
    assert "json_invalid" in codes(plugin)


def test_the_same_file_as_command_and_agent_is_two_artifacts():
    text = head(name="x", description="d")
    assert pairs(full({"commands/x.md": text, "agents/x.md": text})) == {"command commands/x.md", "agent agents/x.md"}
