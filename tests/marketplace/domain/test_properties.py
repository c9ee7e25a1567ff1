"""What holds for any input: documents of any bytes, listings of any paths."""

import json

from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.confidence import POINTS, confidence_of
from marketplace.domain.detector import detect, detect_layout, wanted
from marketplace.domain.types import ArtifactType, Basis, DetectionOptions
from skillmeat_site.core.documents.frontmatter import parse_document
from skillmeat_site.core.documents.types import DocumentKind, Parsed
from skillmeat_site.upstream.types import TreeItem
from tests.marketplace.domain.listings import listing

kinds = st.sampled_from(DocumentKind)
yaml_bits = st.lists(
    st.sampled_from(
        [
            "name",
            ": ",
            "\n",
            "- ",
            "[",
            "]",
            "{",
            "}",
            "&a ",
            "*a",
            "'",
            '"',
            "|",
            ">",
            "!!int ",
            "? ",
            "  ",
            "\t",
            "#",
            "%",
            "@",
            "---",
            "\x00",
            "\\ud800",
            "1.5",
            "é",
            "<<",
        ]
    ),
    max_size=30,
)
documents = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    yaml_bits.map(lambda bits: f"---\n{''.join(bits)}\n---\n".encode()),
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(), lambda inner: st.dictionaries(st.text(), inner)
    ).map(lambda value: json.dumps(value).encode()),
)

WORDS = [
    "skills",
    "commands",
    "agents",
    "hooks",
    ".claude",
    ".claude-plugin",
    ".codex",
    "plugins",
    "tests",
    "docs",
    "my-subagents",
    "mcps",
    "zh-CN",
    "a",
    "b",
    "é",
]
NAMES = [
    "SKILL.md",
    "skill.md",
    "plugin.json",
    "marketplace.json",
    "hooks.json",
    "settings.json",
    ".mcp.json",
    "x.json",
    "x.md",
    "x.ja.md",
    "x.agent.md",
    "README.md",
]
paths = st.builds(
    lambda folders, name: "/".join([*folders, name]),
    st.lists(st.sampled_from(WORDS), max_size=5),
    st.sampled_from(NAMES),
)
any_paths = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4).map("/".join)
modes = st.sampled_from(["100644", "100755", "120000", "160000", "040000", "100664", "odd"])

parts = st.sampled_from(["./", "./a", "a", "..", "./commands", "./commands/x.md", "skills", "", "/", "./a/b/x.md"])
loose = st.one_of(
    parts,
    st.lists(parts, max_size=3),
    st.none(),
    st.integers(),
    st.dictionaries(parts, parts, max_size=2),
    st.dictionaries(parts, st.fixed_dictionaries({"source": parts}), max_size=2),
)
entries = st.fixed_dictionaries(
    {},
    optional={
        "name": parts | st.none(),
        "source": loose,
        "commands": loose,
        "agents": loose,
        "hooks": loose,
        "mcpServers": loose,
        "strict": st.booleans(),
        "description": loose,
    },
)
manifests = st.fixed_dictionaries(
    {},
    optional={
        "name": parts,
        "commands": loose,
        "agents": loose,
        "hooks": loose,
        "mcpServers": loose,
        "metadata": loose,
        "plugins": st.lists(entries | loose, max_size=4),
    },
)
heads = st.fixed_dictionaries(
    {},
    optional={
        "name": loose,
        "description": loose,
        "tools": loose,
        "allowed-tools": loose,
        "title": loose,
        "hooks": loose | st.just({"Stop": [1]}),
        "mcpServers": loose | st.just({"db": {"command": "npx"}}),
    },
)
options = st.builds(
    DetectionOptions,
    root_hint=st.sampled_from(["", ".", "a", "a/b/", ".claude", "gone"]),
    manual_map=st.dictionaries(
        st.sampled_from(["", ".", "a", "skills", "a/b", "gone"]), st.sampled_from(ArtifactType), max_size=3
    ),
    single_artifact_type=st.none() | st.sampled_from(ArtifactType),
    repository_name=st.sampled_from(["", "repo"]),
)


def texts(value):
    """Every string in a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    for item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        for part in item:
            yield from texts(part)


@given(kinds, documents)
def test_any_document_gives_storable_data(kind, data):
    parsed = parse_document(kind, data)
    stored = json.dumps(parsed.to_json(), allow_nan=False)
    assert Parsed.from_json(json.loads(stored)) == parsed
    for text in texts(dict(parsed.data)):
        assert "\x00" not in text
        text.encode()


def check(items, detection):
    """What every detection promises."""
    known = (
        {"."}
        | {item.path for item in items}
        | {"/".join(i.path.split("/")[:n]) for i in items for n in range(1, i.path.count("/") + 1)}
    )
    keys = [(found.path, found.type, found.discriminator) for found in detection.artifacts]
    assert len(set(keys)) == len(keys)
    assert keys == sorted(keys)
    for found in detection.artifacts:
        assert {found.path, found.file} <= known
        assert found.name
        assert 0 <= found.confidence <= 100
        assert found.confidence == sum(int(signal.rpartition(":")[2]) for signal in found.signals)
        assert found.plugin is None or found.plugin in known
        assert not any(item.path == found.file and item.mode in ("120000", "160000") for item in items)


@given(
    st.lists(
        st.builds(TreeItem, any_paths | paths, modes, st.just("a" * 40)), max_size=20, unique_by=lambda item: item.path
    ),
    options,
)
def test_any_listing_is_answered(items, given_options):
    check(items, detect_layout(items, given_options))


@given(st.sets(paths, max_size=15), st.dictionaries(st.integers(0, 20), manifests | heads), options)
def test_any_documents_are_answered(names, contents, given_options):
    items = listing(names)
    known = {}
    for round_ in range(5):
        asked = wanted(items, given_options, known)
        for at, want in enumerate(asked):
            known[want.oid, want.kind] = Parsed(data=contents.get(at + round_, {}), has_head=bool(at % 2))
        if not asked:
            break
    else:
        raise AssertionError("wanted never stops asking")
    check(items, detect(items, given_options, known))


@given(st.sets(paths, max_size=15), st.lists(heads, min_size=1, max_size=5))
def test_what_content_tells_is_never_found_without_it(names, contents):
    items = listing(names)
    known = {
        (want.oid, want.kind): Parsed(data=contents[at % len(contents)], has_head=True)
        for at, want in enumerate(wanted(items, DetectionOptions()))
    }
    found = {a.file for a in detect(items, DetectionOptions(), known).artifacts if a.basis is Basis.CONTENT}
    read = {item.path for item in items if {(item.oid, kind) for kind in DocumentKind} & known.keys()}
    assert found <= read
    assert not any(a.basis is Basis.CONTENT for a in detect(items, DetectionOptions(), {}).artifacts)


@given(st.sets(paths, max_size=15))
def test_what_content_is_asked_for_is_in_the_listing(names):
    for want in wanted(listing(names), DetectionOptions()):
        assert want.path in names


@given(st.lists(st.sampled_from(sorted(POINTS)), max_size=8))
def test_signals_always_add_up(names):
    confidence, spelled = confidence_of(tuple(names))
    assert 0 <= confidence <= 100
    assert confidence == sum(int(signal.rpartition(":")[2]) for signal in spelled)
