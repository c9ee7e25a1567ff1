"""``.skillmeat-deployed.toml``: format 2, the files of SkillMeat 1.x, and nonsense."""

import tomllib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collections_app.domain.deploy_targets import Profile
from collections_app.domain.deployed_record import SERVERS_PATH, Deployed, DeployedFile, parse_deployed
from collections_app.domain.deployed_writer import dump_deployed
from collections_app.domain.json_merge import merge
from collections_app.domain.merge_slots import read_payload
from collections_app.domain.merge_types import Container, MergeKind, OwnedKey
from collections_app.domain.types import ArtifactKind
from collections_app.errors import FormatTooNew, ManifestInvalid, UnsafePath

OLD = b"""
# made by 1.x
[[deployed]]
artifact_name = "pdf"
artifact_type = "skill"
from_collection = "default"
deployed_at = "2025-03-01T10:00:00.123456"
artifact_path = "skills/pdf"
content_hash = "0123"
collection_sha = "0123"
local_modifications = true
version_lineage = ["0123", "ff"]
merge_base_snapshot = "ff"
deployment_profile_id = "codex"
platform = "codex"
profile_root_dir = ".codex"
artifact_uuid = "0123456789abcdef0123456789abcdef"

[[deployed]]
artifact_name = "fmt"
artifact_type = "command"
from_collection = "default"
deployed_at = 2025-03-01T12:00:00+02:00
artifact_path = "commands/fmt.md"
collection_sha = "legacy"

[[deployed]]
artifact_name = "bundle"
artifact_type = "composite"
steps = [{a = 1}, {a = 2}]
"""


def row(**fields):
    plain = {
        "artifact_name": '"x"',
        "artifact_type": '"skill"',
        "from_collection": '"default"',
        "deployed_at": '"2025-03-01T10:00:00"',
        "artifact_path": '"skills/x"',
    } | fields
    return "[[deployed]]\n" + "".join(f"{key} = {value}\n" for key, value in plain.items() if value is not None)


def test_a_file_of_1x():
    file = parse_deployed(OLD)
    command, skill = file.deployments
    assert file.format == 1
    assert skill.deployed_at == datetime(2025, 3, 1, 10, 0, 0, 123456, UTC)
    assert command.deployed_at == datetime(2025, 3, 1, 10, tzinfo=UTC)
    assert (skill.profile, skill.project_path) == (Profile.CODEX, ".codex/skills/pdf")
    assert (command.profile, command.project_path) == (Profile.CLAUDE_CODE, ".claude/commands/fmt.md")
    assert (skill.content_hash, skill.content_oid, skill.local_modifications) == ("0123", None, True)
    assert command.content_hash == "legacy"
    assert skill.artifact_uuid == "0123456789abcdef0123456789abcdef"
    assert skill.extra["version_lineage"] == ["0123", "ff"]
    assert [one["artifact_name"] for one in file.kept] == ["bundle"]


def test_a_file_of_1x_written_anew_keeps_what_is_unknown():
    written = dump_deployed(parse_deployed(OLD))
    old, new = tomllib.loads(OLD.decode()), tomllib.loads(written.decode())
    assert new["format"] == 2
    rows = {one["artifact_name"]: one for one in new["deployed"]}
    assert rows["bundle"] == old["deployed"][2]
    for name in ("version_lineage", "merge_base_snapshot", "platform", "profile_root_dir", "artifact_path"):
        assert rows["pdf"][name] == old["deployed"][0][name]
    assert rows["pdf"]["deployed_at"] == "2025-03-01T10:00:00.123456+00:00"


def test_what_merging_has_to_remember_survives():
    server = read_payload(MergeKind.SERVERS, "db", b'{"db": {"url": "x"}}')
    merged = merge(b'{"mcpServers": {"db": {\n"url":\t"y"}}}', server, overwrite=True)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    one = Deployed(ArtifactKind.MCP, "db", "default", SERVERS_PATH, at, server.oid, keys=merged.owned)
    file = DeployedFile((one,), {".mcp.json": (Container((), None), Container(("mcpServers",), " \r\n"))})
    assert parse_deployed(dump_deployed(file)) == file
    assert one.project_path == ".mcp.json"


def test_an_empty_file():
    assert parse_deployed(b"").empty
    assert parse_deployed(dump_deployed(DeployedFile())) == DeployedFile()
    assert not parse_deployed(OLD).empty
    assert not parse_deployed(b"[theirs]\na = 1\n").empty


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "deployed = 1",
        "deployed = [1]",
        "[deployed]",
        'format = "2"',
        "format = true",
        "format = 0",
        "a = " + "[" * 5000,
        row(artifact_name=None),
        row(artifact_name='""'),
        row(artifact_name="1"),
        row(artifact_type=None),
        row(from_collection=None),
        row(deployed_at=None),
        row(deployed_at='"yesterday"'),
        row(deployed_at="2025-03-01"),
        row(deployed_at='"0001-01-01T00:00:00+14:00"'),
        row(artifact_path=None),
        row(local_modifications='"no"'),
        row(content_oid="1"),
        row(artifact_name='"a\\u0000"'),
        row(artifact_name=f'"{"n" * 301}"'),
        row(from_collection='"a\\u0000"'),
        row(content_oid='"\\u0000"'),
        row(artifact_uuid='"\\u0000"'),
        row(keys='[{section = "\\u0000", label = "a", identity = "a", oid = "a"}]'),
        row(keys='[{section = "a", label = "a", identity = "a", oid = "a", beside = ["\\u0000"]}]'),
        row(keys="[1]"),
        row(keys='[{section = "a"}]'),
        row(keys='[{section = "a", label = "a", identity = "a", oid = "a", beside = [1]}]'),
        row() + row(),
        '[[containers]]\nfile = "x"\npath = "a"',
        '[[containers]]\nfile = "x"\npath = ["a"]\ninner = "evil"',
    ],
    ids=lambda text: text[:40],
)
def test_nonsense(text):
    with pytest.raises(ManifestInvalid):
        parse_deployed(text.encode())


def test_bytes_that_are_no_text():
    with pytest.raises(ManifestInvalid):
        parse_deployed(b"\xff")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", "", ".", "a//b", "a\\\\b", "../.mcp.json/x", "a\\u0000"]
)
def test_paths_out_of_the_project(path):
    with pytest.raises(UnsafePath):
        parse_deployed(row(artifact_path=f'"{path}"').encode())


def test_a_newer_format():
    with pytest.raises(FormatTooNew):
        parse_deployed(b"format = 3\n" + row(artifact_name="1").encode())


texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=10)
plain = texts | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.datetimes(timezones=st.just(UTC))
extras = st.dictionaries(
    texts.map("x_{}".format),
    st.recursive(plain, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2)),
    max_size=3,
)
keys = st.builds(
    OwnedKey, texts, texts, texts, texts, texts, texts, st.lists(texts, max_size=2).map(tuple), st.none() | texts
)
deployments = st.builds(
    Deployed,
    st.sampled_from(ArtifactKind),
    texts.filter(bool),
    texts,
    st.sampled_from(["skills/x", "commands/a/b.md", SERVERS_PATH]),
    st.datetimes(timezones=st.just(UTC)),
    st.none() | texts.filter(bool),
    st.sampled_from(Profile),
    texts,
    st.booleans(),
    st.none() | texts.filter(bool),
    st.lists(keys, max_size=2).map(tuple),
    extras,
)
containers = st.lists(
    st.builds(Container, st.lists(texts, max_size=2).map(tuple), st.none() | st.text(" \t\r\n", max_size=3)),
    min_size=1,
    max_size=3,
    unique_by=lambda one: one.path,
).map(lambda found: tuple(sorted(found, key=lambda one: one.path)))
files = st.builds(
    DeployedFile,
    st.lists(deployments, max_size=3, unique_by=lambda one: one.identity).map(
        lambda found: tuple(sorted(found, key=lambda one: one.identity))
    ),
    st.dictionaries(texts, containers, max_size=2),
    st.lists(extras.map(lambda one: {**one, "artifact_type": "workflow"}), max_size=2).map(tuple),
    extras,
)


@given(files)
def test_what_was_written_is_read_again(file):
    written = dump_deployed(file)
    assert parse_deployed(written) == file
    assert dump_deployed(parse_deployed(written)) == written


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_read_or_refused(data):
    try:
        parse_deployed(data)
    except (ManifestInvalid, UnsafePath, FormatTooNew):
        return
