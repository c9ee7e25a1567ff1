"""What paths alone tell: one row for each rule."""

import pytest

from marketplace.domain.types import Basis
from tests.marketplace.domain.listings import ROOT_OID, codes, layout, oid_of, only, pairs, signals

PLUGIN = ".claude-plugin/plugin.json"
MARKETPLACE = ".claude-plugin/marketplace.json"

ROWS = {
    # skills: anywhere
    "skill at the root": (["SKILL.md"], {"skill ."}),
    "skill in skills/": (["skills/foo/SKILL.md"], {"skill skills/foo"}),
    "skill in a category": (["skills/cat/foo/SKILL.md"], {"skill skills/cat/foo"}),
    "skill in a hidden category": (["skills/.curated/foo/SKILL.md"], {"skill skills/.curated/foo"}),
    "skill in a folder of another name": (["a/b/c/SKILL.md"], {"skill a/b/c"}),
    "skill of another client": ([".codex/skills/foo/SKILL.md"], {"skill .codex/skills/foo"}),
    "skill in a folder called x.md": ([".claude/skills/x.md/SKILL.md"], {"skill .claude/skills/x.md"}),
    "skill in lower case": (["skills/foo/skill.md"], {"skill skills/foo"}),
    "skill as Skill.md": (["skills/foo/Skill.md"], {"skill skills/foo"}),
    "two spellings are one skill": (["skills/foo/SKILL.md", "skills/foo/skill.md"], {"skill skills/foo"}),
    "SKILL.md.txt is none": (["skills/foo/SKILL.md.txt"], set()),
    "foo.SKILL.md is none": (["skills/foo.SKILL.md"], set()),
    # what lies inside a skill belongs to it
    "agents inside a skill": (["skills/s/SKILL.md", "skills/s/agents/grader.md"], {"skill skills/s"}),
    "commands inside a skill": (["skills/s/SKILL.md", "skills/s/commands/x.md"], {"skill skills/s"}),
    "commands inside a skill at the root": (["SKILL.md", "commands/x.md"], {"skill ."}),
    "MCP file inside a skill": (["skills/s/SKILL.md", "skills/s/assets/.mcp.json"], {"skill skills/s"}),
    ".claude inside a skill counts again": (
        ["skills/s/SKILL.md", "skills/s/.claude/commands/x.md"],
        {"skill skills/s", "command skills/s/.claude/commands/x.md"},
    ),
    "plugin inside a skill counts again": (
        ["s/SKILL.md", f"s/p/{PLUGIN}", "s/p/commands/x.md"],
        {"skill s", "plugin s/p", "command s/p/commands/x.md"},
    ),
    "skill among commands": (
        [".claude/commands/s/SKILL.md", ".claude/commands/s/part.md", ".claude/commands/x.md"],
        {"skill .claude/commands/s", "command .claude/commands/x.md"},
    ),
    # commands and agents: where they are read
    "commands at the root": (
        ["commands/x.md", "commands/a/b/y.md"],
        {"command commands/x.md", "command commands/a/b/y.md"},
    ),
    "commands of a project": ([".claude/commands/x.md"], {"command .claude/commands/x.md"}),
    "commands of a nested project": (["app/.claude/commands/x.md"], {"command app/.claude/commands/x.md"}),
    "commands of a plugin": ([f"p/{PLUGIN}", "p/commands/x.md"], {"plugin p", "command p/commands/x.md"}),
    "commands of another client": ([".cursor/commands/x.md"], {"command .cursor/commands/x.md"}),
    "commands in docs are documentation": (["docs/commands/intro.md"], set()),
    "commands in sources are sources": (["src/commands/x.md"], set()),
    "commands of a plugin of another client": (["p/.codex-plugin/plugin.json", "p/commands/x.md"], set()),
    "folder Commands is another": (["Commands/x.md"], set()),
    "folder subcommands is another": (["subcommands/x.md"], set()),
    "agents at the root": (["agents/cat/x.md"], {"agent agents/cat/x.md"}),
    "agents of a project": ([".claude/agents/x.md"], {"agent .claude/agents/x.md"}),
    "agents below commands are commands": ([".claude/commands/agents/x.md"], {"command .claude/commands/agents/x.md"}),
    "commands below agents are agents": ([".claude/agents/commands/x.md"], {"agent .claude/agents/commands/x.md"}),
    "only Markdown": (["commands/x.txt", "commands/x.sh", "agents/x.json", "agents/x.toml"], set()),
    "documentation in commands": (
        ["commands/README.md", "commands/readme.zh-CN.md", "commands/a/Readme.md", "commands/CHANGELOG.md"],
        set(),
    ),
    "documentation in agents": (["agents/CLAUDE.md", "agents/TEMPLATE.md", "agents/README.md"], set()),
    "documentation only in capitals": (
        ["commands/contributing.md", "commands/changelog.md"],
        {"command commands/contributing.md", "command commands/changelog.md"},
    ),
    # plugins and marketplaces
    "plugin at the root": ([PLUGIN], {"plugin ."}),
    "plugin deep down": ([f"a/b/{PLUGIN}"], {"plugin a/b"}),
    "plugin in a plugin": ([PLUGIN, f"plugins/x/{PLUGIN}"], {"plugin .", "plugin plugins/x"}),
    "bare plugin.json is none": (["p/plugin.json", "q/.cursor-plugin/plugin.json"], set()),
    "marketplace at the root": ([MARKETPLACE], {"marketplace ."}),
    "marketplace further down": ([f"x/{MARKETPLACE}"], {"marketplace x"}),
    "marketplace.json alone is none": (["marketplace.json", "x/marketplace.json"], set()),
    # hooks and MCP
    "hooks at the root": (["hooks/hooks.json"], {"hook hooks/hooks.json"}),
    "hooks of a plugin": ([f"p/{PLUGIN}", "p/hooks/hooks.json"], {"plugin p", "hook p/hooks/hooks.json"}),
    "hooks elsewhere": (["src/hooks/hooks.json", "hooks.json", "hooks/other.json"], set()),
    "settings need content": ([".claude/settings.json", ".claude/settings.local.json"], set()),
    "MCP at the root": ([".mcp.json"], {"mcp .mcp.json"}),
    "MCP of a plugin": ([f"p/{PLUGIN}", "p/.mcp.json"], {"plugin p", "mcp p/.mcp.json"}),
    "MCP elsewhere is uncertain": (["x/.mcp.json"], {"mcp x/.mcp.json"}),
    "mcp.json without the dot is none": (["mcp.json"], set()),
    # an application without any of it
    "nothing": (["manage.py", "src/app.py", "docs/index.md", "src/skills/models.py"], set()),
    "empty": ([], set()),
}


@pytest.mark.parametrize(("paths", "expected"), ROWS.values(), ids=ROWS)
def test_rule(paths, expected):
    assert pairs(layout(*paths)) == expected


UNCERTAIN = {
    "skill in lower case": (["skills/foo/skill.md"], "skill_file_case"),
    "skill inside a skill": (["a/SKILL.md", "a/sub/SKILL.md"], "inside_a_skill"),
    "skill beside skills/": ([PLUGIN, "SKILL.md", "skills/x/SKILL.md"], "beside_skills"),
    "skill called template": (["skills/template/SKILL.md"], "weak_name"),
    "test": (["tests/fixtures/foo/SKILL.md"], "context_test"),
    "example": (["examples/foo/SKILL.md"], "context_example"),
    "template folder": (["templates/python/.claude/commands/x.md"], "context_template"),
    "docs": (["docs/skills/foo/SKILL.md"], "context_docs"),
    "backup": (["backups/2025/foo/SKILL.md"], "context_backup"),
    "vendored": (["node_modules/pkg/skills/foo/SKILL.md"], "context_vendored"),
    "commands of another client": ([".cursor/commands/x.md"], "other_client"),
    "Copilot's agents": (["agents/x.agent.md"], "other_format"),
    "index": (["commands/index.md"], "weak_name"),
    "template file": (["commands/my-template.md"], "weak_name"),
    "MCP not at a root": (["x/.mcp.json"], "not_at_root"),
    "marketplace not at the root": ([f"x/{MARKETPLACE}"], "not_at_root"),
}


@pytest.mark.parametrize(("paths", "signal"), UNCERTAIN.values(), ids=UNCERTAIN)
def test_what_may_be_meant_for_use_is_found_with_low_confidence(paths, signal):
    odd = [found for found in layout(*paths).artifacts if signal in signals(found)]
    assert len(odd) == 1
    assert odd[0].confidence < 60


CERTAIN = {
    "context words below skills/ are names": "skills/deprecated/foo/SKILL.md",
    "a skill called examples": "skills/examples/SKILL.md",
    "a command in a folder test": ".claude/commands/test/x.md",
    "a plugin in plugins/examples": f"plugins/examples/formatter/{PLUGIN}",
    "a skill called x-template": "skills/kpi-template/SKILL.md",
    "skills of a skill's own skills/": "skills/foo/SKILL.md",
    "another client's skill": ".gemini/skills/foo/SKILL.md",
}


@pytest.mark.parametrize("path", CERTAIN.values(), ids=CERTAIN)
def test_what_is_certain_has_high_confidence(path):
    (found,) = layout(path).artifacts
    assert found.confidence >= 75


def test_skills_below_a_root_skills_own_folder_are_no_parts_of_it():
    found = only(layout("SKILL.md", "skills/x/SKILL.md"), "skill", "skills/x")
    assert "inside_a_skill" not in signals(found)


def test_lower_case_skill_warns():
    assert "skill_file_case" in codes(only(layout("skills/foo/skill.md"), "skill"))


def test_confidence_is_what_the_signals_add_up_to():
    detection = layout(
        "tests/node_modules/a/skill.md", "tests/agents/x.agent.md", "x/SKILL.md", "x/y/skill.md", PLUGIN, ".mcp.json"
    )
    for found in detection.artifacts:
        assert found.confidence == sum(int(signal.rpartition(":")[2]) for signal in found.signals)
        assert 0 <= found.confidence <= 100


def test_names_namespaces_and_plugins():
    detection = layout(f"p/{PLUGIN}", "p/commands/a/b/run.md", "p/agents/x.md", "p/skills/s/SKILL.md", "p/.mcp.json")
    command = only(detection, "command")
    assert (command.name, command.namespace, command.plugin) == ("run", "a:b", "p")
    assert only(detection, "agent").name == "x"
    assert only(detection, "skill").name == "s"
    assert only(detection, "mcp").name == "p"
    assert only(detection, "plugin").plugin is None
    assert {found.basis for found in detection.artifacts} == {Basis.LAYOUT}


def test_what_lies_at_the_root_is_called_after_the_repository():
    detection = layout(PLUGIN, MARKETPLACE, "SKILL.md", "hooks/hooks.json", ".mcp.json")
    assert {found.name for found in detection.artifacts} == {"repo"}


def test_content_ids_are_gits():
    detection = layout(PLUGIN, MARKETPLACE, "skills/s/SKILL.md", "commands/c.md", "hooks/hooks.json")
    oids = {str(found.type): found.content_oid for found in detection.artifacts}
    assert oids == {
        "plugin": ROOT_OID,
        "marketplace": oid_of(MARKETPLACE),
        "skill": oid_of("skills/s"),
        "command": oid_of("commands/c.md"),
        "hook": oid_of("hooks/hooks.json"),
    }


def test_client_is_the_hidden_folder_above():
    assert only(layout(".codex/skills/foo/SKILL.md"), "skill").client == ".codex"
    assert only(layout(".claude/skills/foo/SKILL.md"), "skill").client == ""
    assert only(layout("skills/.curated/foo/SKILL.md"), "skill").client == ""


def test_links_are_never_followed():
    links = [".codex/skills/a", "skills/b/SKILL.md", ".mcp.json", ".claude/commands/x.md", "docs/latest"]
    detection = layout("README.md", links=links)
    assert detection.artifacts == ()
    assert [warned.path for warned in detection.warnings] == sorted(set(links) - {"docs/latest"})
    assert codes(detection) == {"symlink_not_followed"}


def test_five_hundred_links_are_counted_not_listed():
    detection = layout(links=[f".codex/skills/s{n}" for n in range(500)])
    assert len(detection.warnings) == 51
    assert "450" in detection.warnings[-1].detail


def test_a_submodule_in_an_artifacts_place_is_told():
    detection = layout("README.md", submodules=["plugins/x", "common"])
    assert [(w.code, w.path) for w in detection.warnings] == [("submodule_not_entered", "plugins/x")]


def test_findings_are_sorted_by_path():
    paths = [found.path for found in layout("z/SKILL.md", "a/SKILL.md", "commands/x.md").artifacts]
    assert paths == sorted(paths)
