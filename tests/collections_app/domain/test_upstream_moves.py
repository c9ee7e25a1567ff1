"""Where an artifact went: one other place of its content that nobody else follows, or nowhere."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collections_app.domain.upstream_moves import Followed, Moves

Tree = dict[str, str]
"""Path → content."""


def moves(followed: Sequence[Followed], tree: Tree) -> Moves:
    return Moves(
        followed,
        is_there=lambda one: one.path in tree,
        places_of=lambda type_, oid: [path for path, content in tree.items() if content == oid],
    )


@pytest.mark.parametrize(
    ("followed", "tree", "expected"),
    [
        ([("old", "A")], {"new": "A"}, "new"),
        ([("old", "A")], {"new": "B"}, ""),
        ([("old", "A")], {}, ""),
        ([("old", "A")], {"new": "A", "copy": "A"}, ""),
        ([("old", "A"), ("new", "A")], {"new": "A"}, ""),  # deleted, and its twin is still there
        ([("old", "A"), ("new", "A")], {"new": "A", "third": "A"}, "third"),
        ([("old", "A"), ("other", "A")], {"new": "A"}, ""),  # two went, and one came
        ([("old", "A"), ("other", "B")], {"new": "A", "newer": "B"}, "new"),
    ],
)
def test_table(followed: list[tuple[str, str]], tree: Tree, expected: str) -> None:
    known = [Followed("skill", path, base) for path, base in followed]
    assert moves(known, tree).new_place("skill", ["A"]) == expected


def test_what_was_seen_last_counts_first() -> None:
    known = [Followed("skill", "old", "A")]
    assert moves(known, {"new": "B", "ancient": "A"}).new_place("skill", ["B", "A"]) == "new"
    assert moves(known, {"new": "B", "copy": "B", "ancient": "A"}).new_place("skill", ["B", "A"]) == ""
    assert moves(known, {"ancient": "A"}).new_place("skill", ["B", "A"]) == "ancient"
    assert moves(known, {"empty": ""}).new_place("skill", [""]) == ""


CONTENTS = st.sampled_from("ABC")
PATHS = st.sampled_from("pqrstu")


@given(st.dictionaries(PATHS, CONTENTS), st.dictionaries(PATHS, CONTENTS))
def test_no_two_artifacts_are_ever_led_to_one_place(before: Tree, now: Tree) -> None:
    known = [Followed("skill", path, content) for path, content in before.items()]
    found = moves(known, now)
    gone = [one for one in known if one.path not in now]
    places = [place for one in gone if (place := found.new_place("skill", [one.base]))]
    assert len(set(places)) == len(places)
    assert not set(places) & set(before)
    assert all(now[place] in {one.base for one in gone} for place in places)
