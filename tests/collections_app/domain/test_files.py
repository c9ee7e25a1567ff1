"""collection.toml and collection.lock: whole or refused, nothing lost on the way through."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collections_app.domain.lockfile import Lock, LockEntry, parse_lock, write_lock
from collections_app.domain.manifest import ArtifactRecord, Manifest, parse_manifest, write_manifest
from collections_app.domain.types import ArtifactRef
from collections_app.errors import ManifestInvalid

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
TIMES = st.datetimes(timezones=st.just(UTC))
SCALARS = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
SCALARS |= st.floats(allow_nan=False) | st.datetimes() | st.dates() | st.times()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
UNKNOWN = st.dictionaries(TEXT.map(lambda key: "x-" + key), VALUES, max_size=3)
RECORDS = st.builds(
    ArtifactRecord,
    type=st.sampled_from(["skill", "command", "workflow"]) | TEXT,
    name=TEXT,
    path=TEXT,
    origin=TEXT,
    added=TIMES,
    uuid=st.uuids().map(lambda found: found.hex),
    upstream=st.none() | TEXT,
    pin=st.none() | TEXT,
    last_updated=st.none() | TIMES,
    tags=st.lists(TEXT, max_size=3).map(tuple),
    metadata=UNKNOWN,
    extra=UNKNOWN,
)
LOCK_ENTRIES = st.builds(
    LockEntry,
    ref=st.builds(ArtifactRef, TEXT.filter(lambda text: ":" not in text), TEXT),
    content_hash=TEXT,
    fetched=TIMES,
    extra=UNKNOWN,
)


MINIMAL = (
    b'[collection]\nname = "c"\n[[artifacts]]\nname = "a"\ntype = "skill"\npath = "skills/a"\norigin = "local"\n'
    b"added = 2026-01-01T00:00:00Z\n"
)


@given(st.lists(RECORDS, max_size=4), UNKNOWN, UNKNOWN, TEXT)
def test_a_manifest_comes_back(records, collection, extra, name):
    manifest = Manifest(name=name, created=NOW, collection=collection, extra=extra).with_records(records)
    raw = write_manifest(manifest)
    assert parse_manifest(raw) == manifest
    assert write_manifest(parse_manifest(raw)) == raw
    assert tomllib.loads(raw.decode())["format"] == 2


@given(st.lists(LOCK_ENTRIES, max_size=4), UNKNOWN, UNKNOWN)
def test_a_lock_comes_back(entries, lock, extra):
    found = Lock(lock=lock, extra=extra).with_entries(entries)
    raw = write_lock(found)
    assert parse_lock(raw) == found
    assert write_lock(parse_lock(raw)) == raw


def test_a_number_that_is_none_is_equal_in_two_readings():
    raw = MINIMAL + b"metadata = {score = nan, more = [{low = -nan}, inf]}\n"
    assert parse_manifest(raw) == parse_manifest(raw)
    assert parse_manifest(write_manifest(parse_manifest(raw))).records == parse_manifest(raw).records


OLD = b"""
# by hand
title = "mine"
[collection]
name = "default"
version = "1.0.0"
created = "2025-01-01T00:00:00"
colour = "blue"

[[artifacts]]
name = "b"
type = "workflow"
path = "workflows/b"
origin = "local"
added = 2025-01-01T10:00:00+02:00

[[artifacts]]
name = "a"
type = "skill"
path = "skills/a/"
origin = "github"
added = "2025-01-01T00:00:00.5"
tags = ["one"]
stars = 3
[artifacts.metadata]
tags = ["two", "one"]
license = "MIT"

[[groups]]
name = "g"
members = ["a"]
"""


def test_an_old_file_by_hand():
    manifest = parse_manifest(OLD)
    assert manifest.source_format == 1
    assert [str(record.ref) for record in manifest.records] == ["skill:a", "workflow:b"]
    a, b = manifest.records
    assert a.tags == ("one", "two")
    assert a.metadata == {"license": "MIT"}
    assert a.extra == {"stars": 3}
    assert a.added == datetime(2025, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)
    assert b.added == datetime(2025, 1, 1, 8, tzinfo=UTC)
    assert b.ref.kind is None
    again = parse_manifest(write_manifest(manifest))
    assert again.source_format == 2
    assert again.records == manifest.records
    assert again.extra == {"title": "mine", "groups": [{"name": "g", "members": ["a"]}]}
    assert again.collection == {"colour": "blue"}


def test_edits():
    manifest = parse_manifest(OLD)
    with_ids = manifest.with_uuids(lambda: uuid4().hex)
    assert all(len(record.uuid) == 32 for record in with_ids.records)
    less = with_ids.without([ArtifactRef("skill", "a"), ArtifactRef("skill", "nobody")])
    assert [record.name for record in less.records] == ["b"]
    more = less.with_records([with_ids.records[0]], updated=NOW)
    assert more.records == with_ids.records
    assert more.updated == NOW
    assert more.get(ArtifactRef("skill", "a")) == with_ids.records[0]


HEAD = b'[collection]\nname = "x"\n'
GOOD = b'[[artifacts]]\nname="a"\ntype="skill"\npath="skills/a"\norigin="local"\nadded="2025-01-01"\n'
BAD = {
    b"\xff": "UTF-8",
    b"a = ": "no TOML",
    b"": "collection",
    b"format = 3\n" + HEAD: "newer",
    b"format = true\n" + HEAD: "format",
    b'format = "2"\n' + HEAD: "format",
    b"collection = 1": "table",
    b"[collection]": "name",
    b"artifacts = 1\n" + HEAD: "artifacts",
    b"artifacts = [1]\n" + HEAD: "artifacts[0]",
    HEAD + GOOD.replace(b'"skill"', b"3"): "type",
    HEAD + GOOD.replace(b'name="a"', b""): "name",
    HEAD + GOOD.replace(b"2025-01-01", b"yesterday"): "added",
    HEAD + GOOD + b'tags = ["a", 1]': "tags[1]",
    HEAD + GOOD + b'uuid = "zz"': "uuid",
    HEAD + GOOD + GOOD: "twice",
    HEAD + GOOD + b"big = 99999999999999999999": "64 bits",
    HEAD + GOOD + b'added2 = "x"\n' + b"x = " + b"[" * 5000: "no TOML",
    HEAD + b"y = " + b"[" * 60 + b"]" * 60: "deep",
}


@pytest.mark.parametrize(("raw", "word"), BAD.items(), ids=range(len(BAD)))
def test_nonsense_is_refused_with_its_place(raw, word):
    with pytest.raises(ManifestInvalid) as refused:
        parse_manifest(raw)
    assert word in refused.value.detail


def test_two_with_one_uuid():
    uuid = f'uuid = "{uuid4()}"\n'.encode()
    with pytest.raises(ManifestInvalid, match="one uuid"):
        parse_manifest(HEAD + GOOD + uuid + GOOD.replace(b'"a"', b'"b"') + uuid)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw):
    for parse in (parse_manifest, parse_lock):
        try:
            parse(HEAD + raw)
        except ManifestInvalid:
            continue


@pytest.mark.parametrize(
    "raw",
    [b"format = 3", b"lock = 1", b'[lock.entries."a"]', b'[lock.entries."a::skill"]\ncontent_hash = 1'],
    ids=range(4),
)
def test_a_lock_of_nonsense(raw):
    with pytest.raises(ManifestInvalid):
        parse_lock(raw)


OLD_LOCK = b"""
[lock]
version = "1.0.0"
[lock.entries."a:b::skill"]
content_hash = "h"
fetched = "2025-01-01T00:00:00"
x = 1
"""


def test_an_old_lock():
    lock = parse_lock(OLD_LOCK)
    (entry,) = lock.entries
    assert lock.source_format == 1
    assert entry.ref == ArtifactRef("skill", "a:b")
    assert entry.fetched.tzinfo is UTC
    assert entry.extra == {"x": 1}
    assert parse_lock(b"").entries == ()
