"""What only reading a file tells: one row for each rule, and what looks alike and is nothing."""

import json

import pytest

from marketplace.domain.content_rules import MAX_CONFIGS, MAX_LOOSE
from marketplace.domain.detector import detect, wanted
from marketplace.domain.types import ArtifactType, Basis, DetectionOptions
from skillmeat_site.core.documents.frontmatter import MAX_DOCUMENT_BYTES
from skillmeat_site.core.documents.types import Parsed, Warned
from tests.marketplace.domain.listings import OPTIONS, codes, full, layout, listing, only, pairs, read, signals

PLUGIN = ".claude-plugin/plugin.json"
MARKETPLACE = ".claude-plugin/marketplace.json"


def head(**keys):
    return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in keys.items()) + "---\nbody\n"


AGENT = head(name="reviewer", description="Reviews.")
SURE_AGENT = head(name="reviewer", description="Reviews.", tools="Read")
COMMAND = head(description="Pushes.")
SURE_COMMAND = "---\nallowed-tools: Bash\n---\n"
HOOKS = '{"hooks": {"PreToolUse": [{"hooks": []}]}}'
SERVERS = '{"mcpServers": {"db": {"command": "npx"}}}'
SKILL = head(name="s", description="d")

FOUND = {
    # Markdown below a folder called after what it holds
    "command by description": ({"lib/commands/x.md": COMMAND}, {"command lib/commands/x.md"}),
    "command by model": ({"lib/commands/x.md": head(model="opus")}, {"command lib/commands/x.md"}),
    "command by what the user typed": ({"lib/commands/x.md": "Fix $ARGUMENTS"}, {"command lib/commands/x.md"}),
    "command by category": ({"lib/commands/a/b/x.md": COMMAND}, {"command lib/commands/a/b/x.md"}),
    "command in a folder named in two words": ({"slash-commands/x.md": COMMAND}, {"command slash-commands/x.md"}),
    "plain text beside a command": (
        {"lib/commands/x.md": COMMAND, "lib/commands/y.md": "# Y", "lib/commands/z/z.md": "# Z"},
        {"command lib/commands/x.md", "command lib/commands/y.md", "command lib/commands/z/z.md"},
    ),
    "a web page beside a command": (
        {"lib/commands/x.md": COMMAND, "lib/commands/y.md": head(title="Y")},
        {"command lib/commands/x.md"},
    ),
    "a web page's keys beside a command's own": (
        {"lib/commands/x.md": head(title="X", **{"argument-hint": "[a]"})},
        {"command lib/commands/x.md"},
    ),
    "agent by name and description": ({"lib/agents/x.md": AGENT}, {"agent lib/agents/x.md"}),
    "agent by category": ({"lib/agents/web/x.md": AGENT}, {"agent lib/agents/web/x.md"}),
    "subagents": (
        {"lib/subagents/x.md": AGENT, "sub-agents/y.md": AGENT},
        {"agent lib/subagents/x.md", "agent sub-agents/y.md"},
    ),
    "agents by the last word": ({"my-agents/web/x.md": AGENT}, {"agent my-agents/web/x.md"}),
    "agent whose head is no strict YAML": (
        {"lib/agents/x.md": "---\nname: x\ndescription: Use it: often. Context: a: b\n---\n"},
        {"agent lib/agents/x.md"},
    ),
    "the nearest folder counts": (
        {"lib/agents/commands/x.md": COMMAND, "lib/commands/agents/y.md": AGENT},
        {"command lib/agents/commands/x.md", "agent lib/commands/agents/y.md"},
    ),
    "command among agents": ({"lib/agents/x.md": SURE_COMMAND}, {"command lib/agents/x.md"}),
    # Markdown anywhere
    "agent anywhere": ({"engineering/x.md": SURE_AGENT}, {"agent engineering/x.md"}),
    "agent in a plugin's own folder": ({PLUGIN: "{}", "x.md": SURE_AGENT}, {"plugin .", "agent x.md"}),
    "command anywhere": (
        {"tools/x.md": SURE_COMMAND, "y.md": head(**{"argument-hint": "[a]"})},
        {"command tools/x.md", "command y.md"},
    ),
    # JSON
    "hook below hooks": ({"lib/hooks/git/x.json": HOOKS}, {"hook lib/hooks/git/x.json"}),
    "hook in a project's hooks": ({".claude/hooks/x.json": HOOKS}, {"hook .claude/hooks/x.json"}),
    "hooks.json elsewhere": ({"custom/hooks.json": HOOKS}, {"hook custom/hooks.json"}),
    "settings elsewhere": (
        {"lib/settings/git-settings.json": HOOKS, "lib/settings.json": HOOKS},
        {"hook lib/settings/git-settings.json", "hook lib/settings.json"},
    ),
    "MCP file": (
        {"lib/mcps/db/x.json": SERVERS, "mcp/server.json": SERVERS},
        {"mcp lib/mcps/db/x.json", "mcp mcp/server.json"},
    ),
    "MCP file in a folder of two words": (
        {"mcp-servers/x.json": SERVERS, "mcp-configs/x.json": SERVERS},
        {"mcp mcp-servers/x.json", "mcp mcp-configs/x.json"},
    ),
    "mcp.json without the dot": ({"p/mcp.json": SERVERS}, {"mcp p/mcp.json"}),
    "hooks and servers in one file": (
        {"mcps/settings.json": json.dumps(json.loads(HOOKS) | json.loads(SERVERS))},
        {"hook mcps/settings.json", "mcp mcps/settings.json"},
    ),
}


@pytest.mark.parametrize(("files", "expected"), FOUND.values(), ids=FOUND)
def test_found_by_content(files, expected):
    detection = full(files)
    assert pairs(detection) == expected
    assert {a.basis for a in detection.artifacts if a.type != ArtifactType.PLUGIN} == {Basis.CONTENT}
    assert pairs(layout(*files)) <= {"plugin ."}


NEAR_MISSES = {
    "page of documentation among commands": {"src/commands/x.md": "# How commands work"},
    "web page among commands": {"site/commands/x.md": head(title="X", description="d")},
    "web page beside documentation": {"site/commands/x.md": head(title="X"), "site/commands/README.md": COMMAND},
    "nothing else where agents are read": {".claude/agents/x.md": SURE_COMMAND, "agents/y.md": SURE_COMMAND},
    "agent without a name": {"lib/agents/x.md": head(description="d", tools="Read")},
    "agent without a description": {"lib/agents/x.md": head(name="x", tools="Read")},
    "agent with an empty name": {"lib/agents/x.md": head(name=" ", description="d")},
    "plain text beside an agent": {"lib/agents/overview.md": "# Overview"},
    "documentation by its name": {"lib/agents/README.md": AGENT, "lib/commands/CLAUDE.md": COMMAND},
    "workflow of GitHub": {"lib/agents/x.md": head(name="x", description="d", on="push", engine="claude")},
    "instructions of Copilot": {"x.md": head(name="x", description="d", applyTo="**", model="m")},
    "rule of Cursor": {"x.md": head(name="x", description="d", globs="*.py", memory="m")},
    "post of a blog": {"posts/x.md": head(name="x", description="d", date="2025-01-01", color="red")},
    "page with name and description alone": {"pages/x.md": AGENT},
    "page with a description alone": {"pages/x.md": COMMAND},
    "page about what the user typed": {"pages/x.md": "Use $ARGUMENTS"},
    "prompt of Copilot": {"x.prompt.md": SURE_COMMAND, "y.agent.md": SURE_AGENT, "z.instructions.md": SURE_AGENT},
    "sure keys in documentation": {"docs/x.md": SURE_COMMAND, "examples/y.md": SURE_AGENT},
    "sure keys in another client's folder": {".gemini/x.md": SURE_COMMAND},
    "in capitals": {"ROADMAP.md": SURE_AGENT},
    "folder of another name": {
        "lib/command/x.md": COMMAND,
        "lib/useragents/x.md": AGENT,
        "lib/Commands/y.md": COMMAND,
    },
    "no known event": {"lib/hooks/x.json": '{"hooks": {"onSave": [1]}}'},
    "no handler": {"lib/hooks/x.json": '{"hooks": {"Stop": []}}'},
    "no handler of a known event": {"lib/hooks/x.json": '{"hooks": {"Stop": [], "onSave": [1]}}'},
    "hooks of another shape": {"lib/hooks/x.json": '{"hooks": ["Stop"]}'},
    "events at the top of any JSON": {"lib/hooks/x.json": '{"Stop": [1]}'},
    "hooks in a JSON anywhere": {"lib/x.json": HOOKS},
    "hooks in another client's settings": {".codex/hooks.json": HOOKS, ".gemini/settings.json": HOOKS},
    "servers in a JSON anywhere": {"lib/x.json": SERVERS},
    "servers without the key": {"mcp/x.json": '{"db": {"command": "npx"}}'},
    "no server": {"mcp/x.json": '{"mcpServers": {}}'},
    "build of a server": {"mcp/package.json": SERVERS},
    "broken JSON": {"lib/hooks/x.json": "{", "mcp/x.json": "[]"},
}


@pytest.mark.parametrize("files", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_near_misses_are_nothing(files):
    assert pairs(full(files)) == set()


@pytest.mark.parametrize(
    "path", ["s/agents/x.md", "s/commands/x.md", "s/x.md", "s/hooks/x.json", "s/mcp/x.json", "s/hooks.json"]
)
def test_what_lies_inside_a_skill_is_the_skills(path):
    text = {
        "md": head(name="x", description="d", tools="Read"),
        "json": json.dumps(json.loads(HOOKS) | json.loads(SERVERS)),
    }
    files = {"s/SKILL.md": SKILL, path: text[path.rpartition(".")[2]]}
    assert pairs(full(files)) == {"skill s"}
    assert [want.path for want in wanted(listing(files), OPTIONS)] == ["s/SKILL.md"]


def test_of_a_plugins_own_hooks_folder_only_what_is_loaded_counts():
    files = {PLUGIN: "{}", "hooks/hooks.json": HOOKS, "hooks/hooks-codex.json": HOOKS}
    assert pairs(full(files)) == {"plugin .", "hook hooks/hooks.json"}
    named = files | {PLUGIN: '{"hooks": "./hooks/hooks-codex.json"}'}
    assert "hook hooks/hooks-codex.json" in pairs(full(named))


def test_plain_text_beside_commands_is_less_sure_than_they_are():
    detection = full({"a/commands/x.md": COMMAND, "a/commands/y.md": "# Y", "b/commands/z.md": "# Z"})
    sure, beside = detection.artifacts
    assert signals(sure) == {"content_command", "described"}
    assert signals(beside) == {"beside_commands"}
    assert sure.confidence > beside.confidence >= 60


def test_a_command_among_agents_has_no_namespace_of_theirs():
    assert only(full({"lib/agents/web/x.md": SURE_COMMAND}), "command").namespace == ""


def test_names_and_namespaces_of_collections():
    detection = full(
        {
            "c/commands/git/push.md": COMMAND,
            "c/agents/web/x.md": AGENT,
            "a/mcp/server.json": SERVERS,
            "b/hooks/hooks.json": HOOKS,
        }
    )
    names = {found.type: (found.name, found.namespace) for found in detection.artifacts}
    assert names == {"command": ("push", "git"), "agent": ("reviewer", "web"), "mcp": ("a", ""), "hook": ("b", "")}


UNCERTAIN = {
    "test": ("tests/fixtures/commands/x.md", COMMAND, "context_test"),
    "docs": ("docs/agents/x.md", AGENT, "context_docs"),
    "translation": ("zh-CN/commands/x.md", COMMAND, "context_docs"),
    "template": ("templates/agents/x.md", AGENT, "context_template"),
    "backup": ("plugin-backups/commands/x.md", COMMAND, "context_backup"),
    "plan": ("planned-commands-v2/commands/x.md", COMMAND, "context_planned"),
    "vendored": ("node_modules/mcp/x.json", SERVERS, "context_vendored"),
    "example": ("examples/settings.json", HOOKS, "context_example"),
    "another client's": (".github/lib/agents/x.md", AGENT, "other_client"),
    "Copilot's": ("lib/agents/x.agent.md", AGENT, "other_format"),
    "index": ("lib/commands/index.md", COMMAND, "weak_name"),
    "mcp.json no client reads": ("p/mcp.json", SERVERS, "not_at_root"),
}


@pytest.mark.parametrize(("path", "text", "signal"), UNCERTAIN.values(), ids=UNCERTAIN)
def test_what_may_be_meant_for_use_has_low_confidence(path, text, signal):
    (found,) = full({path: text}).artifacts
    assert signal in signals(found)
    assert found.confidence < 60


def test_a_translation_beside_its_original_is_uncertain():
    detection = full(
        {"commands/x.md": COMMAND, "commands/x.zh-CN.md": COMMAND, "commands/v.2.md": "", "commands/y.ja.md": ""}
    )
    assert {a.path for a in detection.artifacts if "translated" in signals(a)} == {"commands/x.zh-CN.md"}
    assert only(detection, "command", "commands/x.zh-CN.md").confidence < 60


def test_a_repository_is_called_after_what_it_collects():
    files = {"tools/x.md": head(model="opus"), "tools/y.md": "# Y", "docs/z.md": head(model="opus")}
    assert pairs(full(files, DetectionOptions(repository_name="my-commands"))) == {"command tools/x.md"}
    assert pairs(full(files, DetectionOptions(repository_name="my-tools"))) == set()
    agents = DetectionOptions(repository_name="agents")
    assert pairs(full({"web/x.md": AGENT}, agents)) == {"agent web/x.md"}


def test_much_markdown_is_a_documentation_site_and_not_read():
    files = {f"pages/{n}.md": SURE_AGENT for n in range(MAX_LOOSE)}
    assert len(full(files).artifacts) == MAX_LOOSE
    files |= {"pages/more.md": SURE_AGENT, "lib/agents/x.md": AGENT, f"p/{PLUGIN}": "{}", "p/y.md": SURE_AGENT}
    assert pairs(full(files)) == {"agent lib/agents/x.md", "plugin p", "agent p/y.md"}


def test_no_more_json_is_asked_for_than_a_scan_can_bear():
    assert len(wanted(listing(f"mcp/{n}.json" for n in range(MAX_CONFIGS + 50)), OPTIONS)) == MAX_CONFIGS


@pytest.mark.parametrize("path", ["lib/commands/x.md", "lib/hooks/x.json", "x.md"])
def test_what_is_too_large_to_read_is_not_asked_for(path):
    items = [item._replace(size=MAX_DOCUMENT_BYTES + 1) if item.path == path else item for item in listing([path])]
    assert wanted(items, OPTIONS) == ()
    assert [want.path for want in wanted(listing([path]), OPTIONS)] == [path]


def test_below_a_mapped_folder_only_the_users_word_counts():
    options = DetectionOptions(manual_map={"lib": ArtifactType.SKILL})
    assert pairs(full({"lib/commands/x.md": COMMAND}, options)) == {"skill lib"}


def test_only_what_lies_below_the_root_hint_is_found_and_read():
    files = {"a/lib/commands/x.md": COMMAND, "b/lib/commands/x.md": COMMAND, "b/hooks/x.json": HOOKS}
    options = DetectionOptions(root_hint="a")
    assert pairs(full(files, options)) == {"command a/lib/commands/x.md"}
    assert [want.path for want in wanted(listing(files), options)] == ["a/lib/commands/x.md"]


def test_without_its_content_none_of_it_is_shown():
    files = ["lib/commands/x.md", "lib/agents/x.md", "x.md", "lib/hooks/x.json", "mcp/x.json"]
    assert detect(listing(files), OPTIONS, {}).artifacts == ()


@pytest.mark.parametrize("code", ["manifest_too_large", "manifest_missing"])
def test_what_could_not_be_read_is_not_taken_for_empty(code):
    """An agent at the root without a name is documentation; of one that was not read nobody knows."""
    items = listing(["agents/x.md", ".mcp.json", "lib/agents/y.md"])
    unread = Parsed(warnings=(Warned(code, "not read"),))
    documents = {(want.oid, want.kind): unread for want in wanted(items, OPTIONS)}
    detection = detect(items, OPTIONS, documents)
    assert pairs(detection) == {"agent agents/x.md", "mcp .mcp.json"}
    assert all((codes(a), a.warnings[0].path) == ({code}, a.path) for a in detection.artifacts)
    assert not any("no_server" in signals(a) or "no_head" in signals(a) for a in detection.artifacts)


def test_skills_a_manifest_names_that_are_not_here_are_warned_of():
    plugin = only(full({f"p/{PLUGIN}": '{"name": "p", "skills": ["./a", "./gone"]}', "p/a/SKILL.md": SKILL}), "plugin")
    assert [(w.code, "gone" in w.detail) for w in plugin.warnings] == [("manifest_path_missing", True)]


ORDINARY = {
    "collection by category": {
        "c/agents/web/x.md": AGENT,
        "c/commands/x.md": COMMAND,
        "c/mcps/x.json": SERVERS,
        "c/hooks/x.json": HOOKS,
        "notes.md": "",
    },
    "plugins": {PLUGIN: "{}", "agents/x.md": AGENT, "extra/x.md": SURE_AGENT, "hooks/hooks.json": HOOKS},
    "marketplace without manifests": {
        MARKETPLACE: '{"plugins": [{"source": "./a"}, {"source": "./b", "agents": ["./x.md"]}]}',
        "a/commands/x.md": "# X",
        "a/agents/y.md": AGENT,
        "a/hooks/hooks.json": HOOKS,
        "b/x.md": SURE_AGENT,
    },
    "plugin that names its agents": {
        f"p/{PLUGIN}": '{"agents": ["./x.md", "./sub/y.md"]}',
        "p/x.md": AGENT,
        "p/sub/y.md": AGENT,
    },
    "project": {
        ".claude/settings.json": HOOKS,
        ".claude/commands/x.md": "",
        ".claude/hooks/x.json": HOOKS,
        "docs/a.md": "",
    },
}


@pytest.mark.parametrize("files", ORDINARY.values(), ids=ORDINARY)
def test_one_batch_answers_all(files):
    first = wanted(listing(files), OPTIONS)
    assert {want.path for want in first} <= set(files)
    assert len(read(files)) == len(first)
