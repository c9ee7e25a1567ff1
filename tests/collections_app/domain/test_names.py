"""Names are safe everywhere or refused, and lead to a path and back."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collections_app.domain.names import (
    artifact_at,
    artifact_path,
    check_name,
    check_relative,
    check_slug,
    collision_key,
    is_dot_git,
    renamed,
)
from collections_app.domain.types import ArtifactKind
from collections_app.errors import UnsafePath

KINDS = st.sampled_from(ArtifactKind)
BAD = [
    "",
    ".",
    "..",
    "../x",
    "/etc",
    "a/b",
    "a\\b",
    ".hidden",
    "CON",
    "con",
    "nul.txt",
    "COM1",
    "lpt9.md",
    "a.",
    "a ",
    " a",
]
BAD += [
    "a\0b",
    "a\nb",
    "a\u202eb",
    "a\u200bb",
    "\ud800",
    "x" * 300,
    "e\u0301",
    "a?",
    "a*",
    "a|b",
    "a:",
    ":a",
    "a::b",
    "a:..:b",
]


@pytest.mark.parametrize("kind", ArtifactKind, ids=str)
@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_refused(kind, name):
    with pytest.raises(UnsafePath) as refused:
        check_name(kind, name)
    assert len(refused.value.detail) < 250


@given(KINDS, st.text(max_size=300))
def test_a_name_that_passes_is_safe_and_comes_back(kind, name):
    try:
        path = artifact_path(kind, name)
    except UnsafePath:
        return
    assert artifact_at(path) == (kind, name)
    for part in check_relative(path):
        assert part not in ("", ".", "..")
        assert part[0] != "."
        assert len(part.encode()) <= 255
        assert part == unicodedata.normalize("NFC", part).rstrip(". ")
        assert not any(unicodedata.category(mark) == "Cc" for mark in part)


@given(st.text(alphabet=st.sampled_from("./\\a\0é:~gitGIT \u200c"), max_size=30))
def test_a_relative_path_never_leads_out(path):
    try:
        parts = check_relative(path)
    except UnsafePath:
        return
    assert "/".join(parts) == path
    assert not {"", ".", ".."} & set(parts)
    assert not any(is_dot_git(part) for part in parts)


@pytest.mark.parametrize(
    "name", [".git", ".GIT", "git~1", "GIT~1", ".git.", ".git ", ".git. .", ".g\u200cit", ".git::$INDEX_ALLOCATION"]
)
def test_disguises_of_dot_git(name):
    assert is_dot_git(name)


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes", "git", "x.git", ".github"])
def test_no_disguises(name):
    assert not is_dot_git(name)


def test_namespaces():
    assert artifact_path(ArtifactKind.COMMAND, "team:review") == "commands/team/review.md"
    assert artifact_at("agents/a/b/c.md") == (ArtifactKind.AGENT, "a:b:c")
    assert artifact_at("skills/a/b") is None
    assert artifact_at("commands/x.txt") is None
    assert artifact_at("elsewhere/x.md") is None
    with pytest.raises(UnsafePath):
        artifact_path(ArtifactKind.SKILL, "team:review")


def test_length_counts_the_suffix():
    check_name(ArtifactKind.SKILL, "x" * 255)
    check_name(ArtifactKind.COMMAND, "x" * 252)
    with pytest.raises(UnsafePath):
        check_name(ArtifactKind.COMMAND, "x" * 253)


def test_collisions():
    assert collision_key("Straße") == collision_key("STRASSE")
    assert collision_key("e\u0301") == collision_key("É")
    assert collision_key("a") != collision_key("b")


@given(KINDS, st.text(alphabet="aé", min_size=1, max_size=260), st.integers(0, 5))
def test_renamed_is_free_and_valid(kind, name, count):
    try:
        check_name(kind, name)
    except UnsafePath:
        return
    taken = {collision_key(name)}
    for _ in range(count):
        other = renamed(name, taken, kind=kind)
        assert other is not None
        assert check_name(kind, other) == other
        assert collision_key(other) not in taken
        taken.add(collision_key(other))


def test_renamed_keeps_the_namespace_and_ends():
    assert renamed("ns:a", {"ns:a-1"}, kind=ArtifactKind.COMMAND) == "ns:a-2"
    assert renamed("a", {"a-1", "a-2"}, kind=ArtifactKind.SKILL, limit=2) is None


@pytest.mark.parametrize("slug", ["", "-a", "a-", "A", "a b", "con", "..", "a/b", "x" * 64])
def test_slugs(slug):
    assert check_slug("default-1") == "default-1"
    with pytest.raises(UnsafePath):
        check_slug(slug)
