"""GitHub's tree answer gives the same listing as git; a hostile one gives an error or a warning."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import UpstreamInvalid
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.github_tree import read_github_tree
from skillmeat_site.upstream.types import RepositoryAddress, TreeItem
from tests.upstream.conftest import Repo

OID = "1" * 40


def entry(path: Any = "a", **changes: Any) -> dict[str, Any]:
    return {"path": path, "mode": "100644", "type": "blob", "sha": OID, "size": 3, "url": "https://x"} | changes


def answer(*entries: Any, **changes: Any) -> bytes:
    return json.dumps({"sha": OID, "url": "https://x", "tree": list(entries), "truncated": False} | changes).encode()


def test_the_same_listing_as_gits(repo: Repo, provider: GitProvider, local_address: RepositoryAddress) -> None:
    repo.commit({"a/SKILL.md": b"x", "a.b": b"y", "ü/x y": b"z"})
    listing = provider.listing(local_address, provider.resolve(local_address))
    kinds = {"040000": "tree"}
    entries = [entry(i.path, mode=i.mode, sha=i.oid, type=kinds.get(i.mode, "blob")) for i in listing.items]
    for item in entries:
        if item["type"] == "tree":
            del item["size"]
    ours = read_github_tree(answer(*entries, sha=listing.tree_oid), commit=listing.commit)
    assert [item._replace(size=None) for item in ours.items] == list(listing.items)
    assert (ours.commit, ours.tree_oid, ours.complete) == (listing.commit, listing.tree_oid, True)


def test_every_mode() -> None:
    listing = read_github_tree(
        answer(
            entry("f"),
            entry("x", mode="100755"),
            entry("l", mode="120000"),
            entry("old", mode="100664"),
            entry("t", mode="040000", type="tree", size=None),
            entry("s", mode="160000", type="commit", size=None),
        )
    )
    assert [item.mode for item in listing.items] == ["100644", "100755", "120000", "100644", "040000", "160000"]
    assert listing.items[0] == TreeItem("f", "100644", OID, 3)


def test_gzip_is_unpacked_and_its_end_is_asked_for() -> None:
    packed = gzip.compress(answer(entry()))
    assert read_github_tree(packed) == read_github_tree(answer(entry()))
    for damaged in (packed[:-1], packed[:-8], packed[:20], packed + b"x", packed[:-8] + b"12345678", b"\x1f\x8b"):
        with pytest.raises(UpstreamInvalid):
            read_github_tree(damaged)


def test_truncated_is_incomplete() -> None:
    listing = read_github_tree(answer(entry(), truncated=True))
    assert not listing.complete
    assert [warning.code for warning in listing.warnings] == ["listing_truncated"]
    assert len(listing.items) == 1


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "", "/a", "a/", "a//b", "..", "../a", "a/../b", "./a", "a/."])
def test_a_path_that_cannot_be_stored_is_left_out(path: str) -> None:
    listing = read_github_tree(answer(entry(path), entry("good")))
    assert [item.path for item in listing.items] == ["good"]
    assert [warning.code for warning in listing.warnings] == ["unsafe_path"]
    json.dumps([warning.path for warning in listing.warnings]).encode()
    assert all(warning.path.isprintable() for warning in listing.warnings)


@pytest.mark.parametrize("path", ["...", "a/..b", ".claude", "a\nb", "\u202e", "x" * 4000, "#%2F"])
def test_an_odd_path_is_kept_as_it_is(path: str) -> None:
    assert read_github_tree(answer(entry(path))).items[0].path == path


def test_of_many_warnings_some_are_told_and_the_rest_counted() -> None:
    listing = read_github_tree(answer(*(entry(f"../{n}") for n in range(1000))))
    assert len(listing.warnings) == 101
    assert "900" in listing.warnings[-1].detail


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html>",
        b'{"sha": "1"}',
        b"[" * 200_000,
        b"\xff\xfe",
        answer(entry())[:-5],
        answer(sha="xyz"),
        answer(sha=None),
        answer(truncated="no"),
        answer(tree={}),
        answer("text"),
        answer(None),
        answer([]),
        answer({}),
        answer(entry(5)),
        answer(entry(mode="999999")),
        answer(entry(mode=[])),
        answer(entry(type="tree")),
        answer(entry(sha="A" * 40)),
        answer(entry(sha=5)),
        answer(entry(size=-1)),
        answer(entry(size="3")),
        answer(entry(size=True)),
        answer(entry(), entry()),
        answer(entry([])),
    ],
)
def test_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(UpstreamInvalid):
        read_github_tree(body)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_size_is_bounded_before_anything_is_parsed(pack: Callable[[bytes], bytes]) -> None:
    body = pack(b" " * 10_000_000 + answer())
    with pytest.raises(LimitExceeded):
        read_github_tree(body, max_bytes=1_000_000)


def test_more_entries_than_allowed() -> None:
    listing = read_github_tree(answer(*(entry(str(n)) for n in range(5))), max_entries=2)
    assert [item.path for item in listing.items] == ["0", "1"]
    assert not listing.complete


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["path", "sha", "mode", "tree"]), inner)
    ),
    max_leaves=8,
)


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(entry(), _JSON)) | _JSON, max_size=3))
def test_no_other_error_comes_out(entries: list[Any]) -> None:
    with suppress(UpstreamInvalid):
        read_github_tree(answer(*entries))
