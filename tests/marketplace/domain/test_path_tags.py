"""What folders say of the artifacts below them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.naming import ARTIFACT_FOLDERS
from marketplace.domain.path_tags import (
    MAX_NORMALIZED,
    MAX_PER_PATH,
    MAX_PER_SOURCE,
    MAX_VALUE,
    FoundTag,
    collect_tags,
    cut_warnings,
    normalize,
    path_tags,
    tag_of,
    tags_for,
    within_bound,
)


def names(path, root_hint=""):
    return [tag.normalized for tag in path_tags(path, root_hint)]


@pytest.mark.parametrize(
    ("segment", "normalized"),
    [
        ("security", "security"),
        ("05-data-ai", "data-ai"),
        ("01_02_Web Development", "web-development"),
        ("2024.reports", "reports"),
        ("Data_AI", "data-ai"),
        ("data — ai", "data-ai"),
        ("ai", "ai"),
        ("c++", "c++"),
        ("C#", "c#"),
        ("node.js", "node.js"),
        ("3d-printing", "3d-printing"),
        ("🚀 launch", "launch"),
        ("(beta) tools!", "beta-tools"),
        ("Ｆｕｌｌｗｉｄｔｈ", "fullwidth"),
        ("Straße", "strasse"),
        ("cafe\u0301", "café"),
        ("数据", "数据"),
        ("हिन्दी", "हिन्दी"),
        ("x" * MAX_NORMALIZED, "x" * MAX_NORMALIZED),
    ],
)
def test_a_folder_as_a_tag(segment, normalized):
    assert tag_of(segment) == (segment, normalized)


@pytest.mark.parametrize(
    "segment",
    [
        "", " ", "-", "...", "05", "2024", "1.2.3", "a", "01-b", "c-", "7-2", "🚀", "①②",
        ".claude", ".git", ".github", ".vscode", ".hidden",
        "skills", "Skills", "01-skills", "commands", "AGENTS", "sub_agents", "hooks", "mcp", "plugins",
        "external_plugins", "src", "lib", "tests", "docs", "examples", "node_modules", "__pycache__", "home", "Users",
        "backups", "plugin-backups", "planned-skills",
        "x" * (MAX_NORMALIZED + 1), "x" * (MAX_VALUE + 1), "ﷺ" * MAX_VALUE,
        "evil\u202egnp", "zero\u200bwidth", "nul\0", "line\nfeed", "bell\x07", "half\ud800", "private\ue000",
        "\u2028x",
    ],
)  # fmt: skip
def test_no_tag(segment):
    assert tag_of(segment) is None


def test_folders_called_after_artifacts_are_no_tags():
    assert [name for name in ARTIFACT_FOLDERS if tag_of(name)] == []


@pytest.mark.parametrize(
    ("path", "root_hint", "expected"),
    [
        ("skills/05-data-ai/etl", "", ["data-ai"]),
        ("commands/security/audit.md", "", ["security"]),
        (".claude/src/lib/deep/skills/etl", "", ["deep"]),  # what is left out takes no place of the three
        ("a1/b2/c3/d4/skill", "", ["a1", "b2", "c3"]),
        ("data/Data/01-data/x", "", ["data"]),
        ("plugins/pdf/skills/pdf", "", []),  # repeats its own name
        ("plugins/office/skills/pdf", "", ["office"]),
        ("plugins/review/agents/review.md", "", []),
        ("etl", "", []),
        (".", "", []),
        ("company/tools/web/x", "company/tools", ["web"]),
        ("company/tools/web/x", "./company/tools/", ["web"]),
        ("company/tools", "company/tools", []),
        ("company/toolsmith/x", "company/tools", []),
        ("web/x", ".", ["web"]),
    ],
)
def test_the_tags_of_a_path(path, root_hint, expected):
    assert names(path, root_hint) == expected


def test_only_approved_tags_go_with_an_entry():
    path = "skills/web/security/audit"
    assert tags_for(path, {"security", "other"}) == ("security",)
    assert tags_for(path, {"security", "web"}) == ("web", "security")
    assert tags_for(path, set()) == ()
    assert tags_for("x/web/security/audit", {"security", "web"}, "x/web") == ("security",)


def test_equal_tags_are_collected_under_their_most_frequent_spelling():
    found = collect_tags(["skills/Data_AI/a", "skills/data-ai/b", "skills/data-ai/c", "skills/web/a", "skills/d"])
    assert found == {"data-ai": FoundTag("data-ai", "data-ai", 3), "web": FoundTag("web", "web", 1)}


def test_the_bound_keeps_known_tags_and_then_the_frequent():
    found = {f"t{n:04}": FoundTag(f"t{n:04}", f"t{n:04}", n) for n in range(MAX_PER_SOURCE + 100)}
    kept = within_bound(found, {"t0000", "elsewhere"})
    assert len(kept) == MAX_PER_SOURCE
    assert "t0000" in kept
    assert "t0001" not in kept
    assert f"t{MAX_PER_SOURCE + 99:04}" in kept
    assert "100 of 600" in cut_warnings(found)[0].detail
    assert cut_warnings(kept) == ()
    assert within_bound(kept) == kept


segments = st.one_of(
    st.text(max_size=120),
    st.sampled_from(["skills", "src", "05-data-ai", "Data_AI", "web", ".claude", "a", "12", "\u202etxt", "x" * 60]),
    st.lists(st.sampled_from("aZ0_-. 🚀é́ßİ①ﬁ٣+#\u200d"), max_size=12).map("".join),
)
paths = st.lists(segments, max_size=8).map("/".join)


@given(st.text(max_size=120))
def test_normalising_twice_is_normalising_once(text):
    assert normalize(normalize(text)) == normalize(text)


@given(segments)
def test_a_tag_is_safe_bounded_and_its_own_spelling(segment):
    tag = tag_of(segment)
    if tag is None:
        return
    assert tag.value == segment
    assert 2 <= len(tag.normalized) <= MAX_NORMALIZED
    assert len(tag.value) <= MAX_VALUE
    assert tag.normalized.isprintable()
    assert " " not in tag.normalized
    assert unicodedata.is_normalized("NFC", tag.normalized)
    assert tag.normalized[0].isalnum()
    assert not tag.normalized.endswith("-")
    tag.value.encode()  # what a database stores
    again = tag_of(tag.normalized)
    assert again is not None
    assert again.normalized == tag.normalized


@given(paths, st.one_of(st.just(""), paths))
def test_any_path_has_at_most_three_tags_each_once(path, root_hint):
    found = names(path, root_hint)
    assert len(found) == len(set(found)) <= MAX_PER_PATH
    assert list(tags_for(path, set(found), root_hint)) == found


@given(st.lists(paths, max_size=20), st.randoms())
def test_collecting_does_not_depend_on_the_order(some, random):
    shuffled = list(some)
    random.shuffle(shuffled)
    assert collect_tags(some) == collect_tags(shuffled)
