"""What plugin.json and marketplace.json declare."""

import json

import pytest

from marketplace.domain.detector import detect, wanted
from marketplace.domain.types import Basis
from skillmeat_site.core.documents.text import blob_oid, canonical_json
from skillmeat_site.core.documents.types import DocumentKind
from tests.marketplace.domain.listings import OPTIONS, codes, full, listing, oid_of, only, pairs, read, signals

PLUGIN = ".claude-plugin/plugin.json"
MARKETPLACE = ".claude-plugin/marketplace.json"
AGENT = "---\nname: {}\ndescription: does it\n---\n"


def market(*entries, **more):
    return json.dumps({"name": "m", "owner": {"name": "o"}, "plugins": list(entries), **more})


def plugin(**data):
    return json.dumps({"name": "p", **data})


def test_a_local_entry_without_manifest_is_a_plugin():
    detection = full(
        {
            MARKETPLACE: market({"name": "one", "source": "./one", "description": "first"}),
            "one/commands/x.md": "",
            "one/agents/y.md": AGENT.format("y"),
            "one/hooks/hooks.json": '{"hooks": {"Stop": [{}]}}',
            "one/.mcp.json": "{}",
            "two/commands/x.md": "",
        }
    )
    found = only(detection, "plugin")
    assert (found.path, found.name, found.basis, found.discriminator) == ("one", "one", Basis.MANIFEST, "")
    assert (found.description, found.file, found.content_oid) == ("first", MARKETPLACE, oid_of("one"))
    parts = [only(detection, "command"), only(detection, "agent"), only(detection, "hook"), only(detection, "mcp")]
    assert {(part.plugin, part.basis) for part in parts} == {("one", Basis.MANIFEST)}
    assert only(detection, "marketplace").metadata["plugins_local"] == 1


def test_entries_that_share_a_path_are_told_apart_by_name():
    entries = [{"name": name, "source": "./", "strict": False, "skills": []} for name in ("docs", "api")]
    detection = full({MARKETPLACE: market(*entries), "skills/x/SKILL.md": ""})
    found = [(a.path, a.name, a.discriminator) for a in detection.artifacts if a.type == "plugin"]
    assert found == [(".", "api", "api"), (".", "docs", "docs")]


def test_an_entry_and_the_plugins_own_manifest_are_one_plugin():
    detection = full(
        {MARKETPLACE: market({"name": "shop-name", "source": "./p", "category": "c"}), f"p/{PLUGIN}": plugin()}
    )
    found = only(detection, "plugin")
    assert (found.name, found.basis, found.discriminator) == ("p", Basis.LAYOUT, "")
    assert found.metadata["category"] == "c"
    assert "offered" in signals(found)


SOURCES = {
    "below the root": ("./plugins/x", {}, {"plugin plugins/x"}),
    "trailing slash": ("./plugins/x/", {}, {"plugin plugins/x"}),
    "the root": ("./", {}, {"plugin ."}),
    "bare name below pluginRoot": ("x", {"metadata": {"pluginRoot": "./plugins"}}, {"plugin plugins/x"}),
    "dot path below pluginRoot": ("./x", {"metadata": {"pluginRoot": "./plugins"}}, {"plugin plugins/x"}),
    "bare path without pluginRoot": ("plugins/x", {}, {"plugin plugins/x"}),
    "external repository": ({"source": "github", "repo": "a/b"}, {}, set()),
    "folder of another repository": ({"source": "git-subdir", "url": "https://h/x", "path": "plugins/x"}, {}, set()),
    "not here": ("./gone", {}, set()),
    "climbing out": ("../plugins/x", {}, set()),
    "climbing in the middle": ("./plugins/../plugins/x", {}, set()),
    "absolute": ("/plugins/x", {}, set()),
}


@pytest.mark.parametrize(("source", "more", "expected"), SOURCES.values(), ids=SOURCES)
def test_source(source, more, expected):
    detection = full({MARKETPLACE: market({"name": "x", "source": source}, **more), "plugins/x/commands/c.md": ""})
    assert {pair for pair in pairs(detection) if pair.startswith("plugin")} == expected
    found = only(detection, "marketplace")
    assert found.metadata["plugins_listed"] == 1
    missing = isinstance(source, str) and not expected
    assert ("plugin_source_missing" in codes(found)) is missing


def test_entries_of_a_marketplace_further_down_are_no_plugins():
    detection = full({f"x/{MARKETPLACE}": market({"name": "y", "source": "./y"}), "x/y/commands/c.md": ""})
    assert pairs(detection) == {"marketplace x"}


def test_a_plugin_the_root_marketplace_offers_is_live_whatever_its_folder():
    files = {"templates/p/.claude-plugin/plugin.json": plugin(), "templates/p/commands/c.md": ""}
    assert only(full(files), "command").confidence < 60
    offered = full({**files, MARKETPLACE: market({"name": "p", "source": "./templates/p"})})
    assert only(offered, "command").confidence >= 75


def test_commands_replace_the_default_folder():
    detection = full(
        {f"p/{PLUGIN}": plugin(commands=["./extra/run.md"]), "p/extra/run.md": "", "p/commands/old.md": ""}
    )
    assert pairs(detection) == {"plugin p", "command p/extra/run.md"}
    found = only(detection, "command")
    assert (found.basis, found.plugin, found.name, found.namespace) == (Basis.MANIFEST, "p", "run", "")


def test_what_replaces_the_default_folder_may_name_files_in_it():
    detection = full(
        {
            f"p/{PLUGIN}": plugin(agents="./agents/a.md"),
            "p/agents/a.md": AGENT.format("a"),
            "p/agents/b.md": AGENT.format("b"),
        }
    )
    assert pairs(detection) == {"plugin p", "agent p/agents/a.md"}
    assert only(detection, "agent").basis is Basis.LAYOUT


def test_a_named_folder_gives_all_its_files_and_their_namespace():
    detection = full({f"p/{PLUGIN}": plugin(commands="./cmds/"), "p/cmds/a/b.md": "", "p/cmds/README.md": ""})
    assert pairs(detection) == {"plugin p", "command p/cmds/a/b.md"}
    assert only(detection, "command").namespace == "a"


def test_a_mapping_of_commands_names_their_sources():
    detection = full({f"p/{PLUGIN}": plugin(commands={"go": {"source": "./x/go.md"}}), "p/x/go.md": ""})
    assert "command p/x/go.md" in pairs(detection)


def test_a_manifest_that_names_nothing_that_exists_does_not_hide_the_default_folder():
    detection = full({f"p/{PLUGIN}": plugin(commands=["./gone.md"]), "p/commands/c.md": ""})
    assert pairs(detection) == {"plugin p", "command p/commands/c.md"}
    assert "manifest_path_missing" in codes(only(detection, "plugin"))


@pytest.mark.parametrize("path", ["../q/x.md", "/etc/x.md", "./a/../../x.md", "~/x.md"])
def test_a_named_path_outside_the_plugin_is_refused(path):
    detection = full({f"p/{PLUGIN}": plugin(commands=path), "q/x.md": "", "x.md": ""})
    assert pairs(detection) == {"plugin p"}
    assert "unsafe_path" in codes(only(detection, "plugin"))


def test_inline_hooks_and_servers_have_the_id_of_their_canonical_json():
    hooks = {"Stop": [{"hooks": [{"type": "command", "command": "${CLAUDE_PLUGIN_ROOT}/é.sh"}]}]}
    servers = {"db": {"command": "db", "env": {"TOKEN": "hunter2"}}}
    detection = full({f"p/{PLUGIN}": plugin(hooks=hooks, mcpServers=servers)})
    hook, mcp = only(detection, "hook"), only(detection, "mcp")
    assert hook.path == mcp.path == hook.file == f"p/{PLUGIN}"
    assert hook.content_oid == blob_oid(canonical_json({"hooks": hooks}))
    assert mcp.content_oid == blob_oid(canonical_json({"mcpServers": servers}))
    assert (hook.name, hook.basis, hook.plugin) == ("p", Basis.MANIFEST, "p")
    assert hook.metadata == {"events": ["Stop"], "needs_plugin": True}
    assert mcp.metadata == {"servers": ["db"]}
    assert "hunter2" not in repr(mcp)


def test_inline_hooks_are_the_same_with_or_without_their_own_key():
    events = {"Stop": [{"hooks": []}]}
    bare, wrapped = (full({f"p/{PLUGIN}": plugin(hooks=value)}) for value in (events, {"hooks": events}))
    assert only(bare, "hook").content_oid == only(wrapped, "hook").content_oid


def test_inline_values_of_several_entries_are_told_apart():
    entries = [{"name": n, "source": f"./{n}", "mcpServers": {n: {"url": "u"}}} for n in ("a", "b")]
    detection = full({MARKETPLACE: market(*entries), "a/x": "", "b/x": ""})
    assert [(a.path, a.discriminator, a.plugin) for a in detection.artifacts if a.type == "mcp"] == [
        (MARKETPLACE, "a", "a"),
        (MARKETPLACE, "b", "b"),
    ]


def test_hook_and_mcp_files_are_named():
    detection = full(
        {
            f"p/{PLUGIN}": plugin(hooks="./config/my-hooks.json", mcpServers=["./servers.json"]),
            "p/config/my-hooks.json": '{"hooks": {"Stop": [{}]}}',
            "p/servers.json": '{"db": {"command": "x"}}',
        }
    )
    assert only(detection, "hook").name == "my-hooks"
    assert only(detection, "mcp").metadata == {"servers": ["db"]}


def test_with_strict_false_the_entry_alone_names_components():
    files = {
        f"p/{PLUGIN}": plugin(agents="./own.md"),
        "p/own.md": AGENT.format("own"),
        "p/theirs.md": AGENT.format("t"),
    }
    entry = {"name": "p", "source": "./p", "agents": "./theirs.md"}
    strict = pairs(full({**files, MARKETPLACE: market(entry)}))
    loose = pairs(full({**files, MARKETPLACE: market({**entry, "strict": False})}))
    assert {"agent p/own.md", "agent p/theirs.md"} <= strict
    assert "agent p/theirs.md" in loose
    assert "agent p/own.md" not in loose


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"plugins": 3}', '{"plugins": [1, {}, {"source": 1}]}'])
def test_a_broken_manifest_hides_nothing(text):
    detection = full({MARKETPLACE: text, PLUGIN: text, "commands/x.md": ""})
    assert pairs(detection) == {"marketplace .", "plugin .", "command commands/x.md"}


def test_one_batch_suffices_for_what_a_marketplace_declares():
    files = {
        MARKETPLACE: market({"name": "one", "source": "./one"}),
        "one/commands/x.md": "",
        "one/agents/y.md": AGENT.format("y"),
        "one/hooks/hooks.json": "{}",
        "one/README.md": "",
        f"two/{PLUGIN}": plugin(agents=["./api-designer.md"]),
        "two/api-designer.md": AGENT.format("api-designer"),
        "two/skills/s/SKILL.md": "",
        "two/skills/s/commands/part.md": "",
        "src/main.py": "",
    }
    asked = {want.path for want in wanted(listing(files), OPTIONS)}
    assert asked == set(files) - {"one/README.md", "two/skills/s/commands/part.md", "src/main.py"}
    assert wanted(listing(files), OPTIONS, read(files)) == ()


def test_a_second_call_asks_only_for_what_is_missing():
    # In docs: Markdown that nothing but the manifest makes worth a look.
    files = {f"p/{PLUGIN}": plugin(agents=["./docs/down/a.md"]), "p/docs/down/a.md": AGENT.format("a")}
    items, documents = listing(files), read(files)
    manifest = (oid_of(f"p/{PLUGIN}"), DocumentKind.JSON)
    assert [w.path for w in wanted(items, OPTIONS)] == [f"p/{PLUGIN}"]
    assert [w.path for w in wanted(items, OPTIONS, {manifest: documents[manifest]})] == ["p/docs/down/a.md"]


def test_the_same_content_is_asked_for_once():
    items = [item._replace(oid="a" * 40) for item in listing(["a/SKILL.md", "b/SKILL.md"])]
    assert len(wanted(items, OPTIONS)) == 1


def test_a_document_that_could_not_be_read_leaves_the_layouts_answer():
    (found,) = detect(listing(["skills/x/SKILL.md"]), OPTIONS, {}).artifacts
    assert found.name == "x"
    assert codes(found) == {"document_unread"}
