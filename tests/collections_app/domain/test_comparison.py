"""What became of a file, told from the ids that it has in each place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collections_app.domain.comparison import Verdict, compare_files

NAMES = ("base", "upstream", "collection")


def places(*found, names=NAMES):
    """The same file in places; None: it is not there, "?": nobody could look."""
    return {
        name: ({} if content is None else {"a": content})
        for name, content in zip(names, found, strict=True)
        if content != "?"
    }


@pytest.mark.parametrize(
    ("base", "upstream", "here", "verdict"),
    [
        ("1", "1", "1", Verdict.SAME),
        ("1", "1", "2", Verdict.HERE),
        ("1", "1", None, Verdict.HERE),
        (None, None, "2", Verdict.HERE),
        ("1", "2", "1", Verdict.UPSTREAM),
        ("1", None, "1", Verdict.UPSTREAM),
        (None, "2", None, Verdict.UPSTREAM),
        ("1", "2", "2", Verdict.ALIKE),
        ("1", None, None, None),
        ("1", "2", "3", Verdict.BOTH),
        ("1", None, "3", Verdict.BOTH),
        (None, "2", "3", Verdict.BOTH),
        ("?", "1", "1", Verdict.SAME),
        ("?", "1", "2", Verdict.DIFFERS),
        ("?", "1", None, Verdict.ONLY_UPSTREAM),
        ("?", None, "1", Verdict.ONLY_HERE),
        ("1", "?", "1", Verdict.SAME),
        ("1", "?", "2", Verdict.HERE),
        ("1", "2", "?", Verdict.UPSTREAM),
        ("1", "1", "?", Verdict.SAME),
        ("?", "?", "1", Verdict.SAME),
    ],
)
def test_verdicts(base, upstream, here, verdict):
    (row,) = compare_files(places(base, upstream, here))
    assert row.verdict is (verdict or Verdict.ALIKE)


def test_letters_say_what_is_equal():
    rows = compare_files(
        {"base": {"a": "1", "b": "1"}, "collection": {"a": "2", "c": "1"}, "p1": {"a": "1"}, "p2": {}}
    )
    assert {row.path: dict(row.letters) for row in rows} == {
        "a": {"base": "A", "collection": "B", "p1": "A", "p2": ""},
        "b": {"base": "A", "collection": "", "p1": "", "p2": ""},
        "c": {"base": "", "collection": "A", "p1": "", "p2": ""},
    }


def test_a_deployed_copy_that_differs_is_told_and_what_differs_comes_first():
    same = {"a": "1", "z": "1"}
    rows = compare_files({"base": same, "collection": same, "project": {"a": "1", "z": "2"}})
    assert [(row.path, row.verdict) for row in rows] == [("z", Verdict.ELSEWHERE), ("a", Verdict.SAME)]


states = st.dictionaries(st.sampled_from("abc"), st.sampled_from("123"), max_size=3)


@given(st.dictionaries(st.sampled_from([*NAMES, "p1", "p2"]), states, min_size=1))
def test_every_file_of_every_place_is_told_once(found):
    rows = compare_files(found)
    assert sorted(row.path for row in rows) == sorted({path for state in found.values() for path in state})
    for row in rows:
        for one in found:
            for other in found:
                equal = found[one].get(row.path) == found[other].get(row.path)
                assert (row.letters[one] == row.letters[other]) is equal
        if row.verdict is Verdict.SAME:
            assert len({state.get(row.path) for state in found.values()}) == 1
