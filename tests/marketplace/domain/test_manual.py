"""A source's own word: manual_map, root_hint, single_artifact_type."""

import pytest

from marketplace.domain.detector import detection_key, wanted
from marketplace.domain.types import ArtifactType, Basis, DetectionOptions
from tests.marketplace.domain.listings import ROOT_OID, codes, full, layout, listing, oid_of, only, pairs

PLUGIN = ".claude-plugin/plugin.json"


def mapped(**folders):
    return DetectionOptions(repository_name="repo", manual_map={k: ArtifactType(v) for k, v in folders.items()})


def options(**more):
    return DetectionOptions(repository_name="repo", **more)


MAPS = {
    "a folder of Markdown": (
        {"prompts": "command"},
        ["prompts/a.md", "prompts/x/b.md"],
        {"command prompts/a.md", "command prompts/x/b.md"},
    ),
    "documentation stays out": ({"prompts": "agent"}, ["prompts/README.md", "prompts/a.md"], {"agent prompts/a.md"}),
    "written with slashes": ({"./prompts/": "agent"}, ["prompts/a.md"], {"agent prompts/a.md"}),
    "nearest wins": (
        {"x": "command", "x/y": "agent"},
        ["x/a.md", "x/y/b.md", "x/y/z/c.md"],
        {"command x/a.md", "agent x/y/b.md", "agent x/y/z/c.md"},
    ),
    "over every rule": ({"commands": "agent"}, ["commands/a.md"], {"agent commands/a.md"}),
    "over skills": ({"skills": "command"}, ["skills/s/SKILL.md", "skills/s/go.md"], {"command skills/s/go.md"}),
    "the root": ({".": "command"}, ["a.md", "x/b.md", "skills/s/SKILL.md"], {"command a.md", "command x/b.md"}),
    "a container applies to its children": (
        {"skills": "skill"},
        ["skills/a/x.md", "skills/b/y.md"],
        {"skill skills/a", "skill skills/b"},
    ),
    "a folder without the type's file is the artifact": ({"tool": "skill"}, ["tool/x.md"], {"skill tool"}),
    "folders with the type's file": ({"lib": "skill"}, ["lib/a/SKILL.md", "lib/b/x.md"], {"skill lib/a"}),
    "a plugin without manifest": ({"ext": "plugin"}, ["ext/commands/x.md"], {"plugin ext"}),
    "plugins in plugins": ({"plugins": "plugin"}, [f"plugins/a/{PLUGIN}", "plugins/b/x.md"], {"plugin plugins/a"}),
    "hook files": ({"h": "hook"}, ["h/a.json", "h/b.sh"], {"hook h/a.json"}),
    "MCP files": ({"m": "mcp"}, ["m/a.json"], {"mcp m/a.json"}),
    "only below": ({"x": "command"}, ["xy/a.md", "x/b.md"], {"command x/b.md"}),
}


@pytest.mark.parametrize(("folders", "paths", "expected"), MAPS.values(), ids=MAPS)
def test_manual_map(folders, paths, expected):
    detection = layout(*paths, options=mapped(**folders))
    assert pairs(detection) == expected
    assert {(found.basis, found.manual) for found in detection.artifacts} == {(Basis.MANUAL, True)}


@pytest.mark.parametrize("folders", [{"gone": "skill"}, {"x": "hook"}, {"x": "marketplace"}])
def test_a_mapping_that_comes_to_nothing_warns(folders):
    detection = layout("x/a.md", options=mapped(**folders))
    assert codes(detection) == {"manual_map_unmatched"}


def test_mapped_json_that_holds_nothing_of_the_type_is_left_out():
    files = {"h/real.json": '{"hooks": {"Stop": [1]}}', "h/package.json": "{}"}
    assert pairs(full(files, mapped(h="hook"))) == {"hook h/real.json"}


def test_below_a_mapping_a_manifest_declares_nothing():
    files = {f"p/{PLUGIN}": '{"commands": "./x.md", "hooks": {"Stop": [1]}}', "p/x.md": "---\nname: x\n---\n"}
    assert pairs(full(files, mapped(p="agent"))) == {"agent p/x.md"}


def test_names_and_namespaces_below_a_mapping():
    detection = layout("x/a/b.md", "x/commands/c/d.md", options=mapped(x="command"))
    assert {(found.name, found.namespace) for found in detection.artifacts} == {("b", "a"), ("d", "c")}


def test_a_mapped_folders_id_is_its_tree():
    assert only(layout("tool/x.md", options=mapped(tool="skill")), "skill").content_oid == oid_of("tool")


HINTS = {
    "a folder": ("x", ["x/SKILL.md", "y/SKILL.md"], {"skill x"}),
    "with slashes": ("./x/", ["x/SKILL.md", "y/SKILL.md"], {"skill x"}),
    "its own commands": ("x", ["x/commands/a.md", "commands/b.md"], {"command x/commands/a.md"}),
    "names above are no context": ("examples", ["examples/commands/a.md"], {"command examples/commands/a.md"}),
    "inside .claude": (
        ".claude/commands",
        [".claude/commands/a.md", ".claude/agents/b.md"],
        {"command .claude/commands/a.md"},
    ),
    "not a prefix": ("x", ["xy/SKILL.md"], set()),
}


@pytest.mark.parametrize(("hint", "paths", "expected"), HINTS.values(), ids=HINTS)
def test_root_hint(hint, paths, expected):
    detection = layout(*paths, options=options(root_hint=hint))
    assert pairs(detection) == expected
    assert all(found.confidence >= 60 for found in detection.artifacts)


def test_only_what_bears_on_the_root_hint_is_read():
    paths = ["a/p/SKILL.md", f"a/{PLUGIN}", f"b/{PLUGIN}", "b/SKILL.md", ".claude-plugin/marketplace.json"]
    asked = {want.path for want in wanted(listing(paths), options(root_hint="a/p"))}
    assert asked == {"a/p/SKILL.md", f"a/{PLUGIN}", ".claude-plugin/marketplace.json"}


def test_a_single_artifact_reads_its_own_file_alone():
    single = options(single_artifact_type=ArtifactType.SKILL)
    assert [want.path for want in wanted(listing(["SKILL.md", PLUGIN, "x/SKILL.md"]), single)] == ["SKILL.md"]


def test_a_root_hint_that_is_not_there_warns():
    assert codes(layout("a/SKILL.md", options=options(root_hint="gone"))) == {"root_hint_missing"}


SINGLES = {
    "skill, whole": ("skill", "", ["x.md", "commands/y.md"], (".", "repo", ROOT_OID)),
    "skill, part": ("skill", "a/b", ["a/b/x.md"], ("a/b", "b", oid_of("a/b"))),
    "hidden folder": ("skill", ".claude", [".claude/x.md"], (".claude", "repo", oid_of(".claude"))),
    "plugin": ("plugin", "", ["commands/x.md"], (".", "repo", ROOT_OID)),
    "command, its only file": ("command", "", ["go.md", "README.md"], ("go.md", "repo", oid_of("go.md"))),
    "command, named": ("command", "x/go.md", ["x/go.md", "x/no.md"], ("x/go.md", "go", oid_of("x/go.md"))),
    "MCP": ("mcp", "", [".mcp.json", "package.json"], (".mcp.json", "repo", oid_of(".mcp.json"))),
    "command, no one file": ("command", "x", ["x/a.md", "x/b.md"], ("x", "x", oid_of("x"))),
}


@pytest.mark.parametrize(("type_", "hint", "paths", "expected"), SINGLES.values(), ids=SINGLES)
def test_single_artifact(type_, hint, paths, expected):
    detection = layout(*paths, options=options(root_hint=hint, single_artifact_type=ArtifactType(type_)))
    (found,) = detection.artifacts
    assert (found.path, found.name, found.content_oid) == expected
    assert (found.type, found.confidence, found.manual) == (type_, 100, True)


def test_a_single_artifact_keeps_its_name_and_takes_the_rest_from_its_head():
    files = {"SKILL.md": "---\nname: other\ndescription: d\n---\n"}
    found = only(full(files, options(single_artifact_type=ArtifactType.SKILL)), "skill")
    assert (found.name, found.description) == ("repo", "d")


def test_no_one_file_is_told():
    detection = layout("a.md", "b.md", options=options(single_artifact_type=ArtifactType.AGENT))
    assert codes(only(detection, "agent")) == {"not_one_file"}


def test_the_detection_key_tells_what_changes_the_answer():
    same = [mapped(x="skill"), mapped(**{"./x/": "skill"})]
    others = [options(), options(root_hint="a"), options(single_artifact_type=ArtifactType.SKILL), mapped(x="agent")]
    keys = {detection_key(option) for option in (*same, *others)}
    assert detection_key(same[0]) == detection_key(same[1])
    assert len(keys) == 5
    assert all(len(key) == 64 for key in keys)


def test_the_repositorys_name_does_not_change_the_key():
    assert detection_key(options()) == detection_key(DetectionOptions(repository_name="renamed"))
