"""What changed within a line: never a character that is the same on both sides without need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillmeat_site.core.diffs.words import changed_words


def marked(text, spans):
    for begin, end in reversed(spans):
        text = f"{text[:begin]}[{text[begin:end]}]{text[end:]}"
    return text


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("the old way home", "the new way home", ("the [old] way home", "the [new] way home")),
        ("run it", "run it now", ("run it", "run it[ now]")),
        ("a(b, c)", "a(b, d, c)", ("a(b, c)", "a(b, [d, ]c)")),
        ("one two three four", "one 2 three 4", ("one [two] three [four]", "one [2] three [4]")),
        ("same", "same", ("same", "same")),
        ("", "new", ("", "new")),
        ("completely different", "nothing alike 123456", ("completely different", "nothing alike 123456")),
        ("x" * 1000 + " a " + "y" * 1000, "x" * 1000 + " b " + "y" * 1000, None),
    ],
)
def test_words(old, new, shown):
    left, right = changed_words(old, new)
    if shown is None:
        assert (left, right) == ([(1001, 1002)], [(1001, 1002)])
    else:
        assert (marked(old, left), marked(new, right)) == shown


def without(text, spans):
    kept, at = [], 0
    for begin, end in spans:
        assert at <= begin < end <= len(text)
        kept.append(text[at:begin])
        at = end
    return "".join(kept) + text[at:]


@given(st.text(alphabet="ab ,\t", max_size=60), st.text(alphabet="ab ,\t", max_size=60))
def test_what_is_not_marked_is_the_same_on_both_sides(old, new):
    left, right = changed_words(old, new)
    if left or right:
        assert without(old, left) == without(new, right)
