"""Two columns out of one: whatever the texts, each column is its side, whole and in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collections_app.store.history.differences import compare
from collections_app.store.history.types import DiffLimits
from skillmeat_site.core.diffs.align import side_by_side
from skillmeat_site.core.diffs.types import Line

lines = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "a b\r\n"]), max_size=30)
texts = st.tuples(lines, st.sampled_from(["", "tail", "\r"])).map(lambda parts: "".join(parts[0]) + parts[1])
EVERYTHING = DiffLimits(max_lines=10_000, context=1_000)


@given(texts, texts)
def test_each_column_is_its_side(old, new):
    hunks = compare(old.encode(), new.encode(), EVERYTHING).hunks
    if old == new:
        assert hunks == ()
        return
    rows = [row for hunk in hunks for row in side_by_side(hunk.lines)]
    assert "".join(row.old.text for row in rows if row.old) == old
    assert "".join(row.new.text for row in rows if row.new) == new
    assert all(row.old or row.new for row in rows)
    assert all(row.old is row.new for row in rows if " " in (row.old or row.new).origin)


@given(texts, texts, st.integers(0, 40), st.integers(1, 40))
def test_pages_of_lines_are_the_whole(old, new, skip, size):
    whole = [line for hunk in compare(old.encode(), new.encode(), EVERYTHING).hunks for line in hunk.lines]
    part = compare(old.encode(), new.encode(), DiffLimits(max_lines=size, context=1_000, skip=skip))
    assert [line for hunk in part.hunks for line in hunk.lines] == whole[skip : skip + size]
    assert (part.total, part.truncated) == (len(whole), len(whole) > skip + size)
    assert part.added == sum(line.origin == "+" for line in whole)
    assert part.removed == sum(line.origin == "-" for line in whole)


def test_a_removed_line_stands_beside_the_added_one_of_its_run():
    def line(origin, text):
        return Line(origin, text, None, None)

    told = [line(*parts) for parts in (("-", "1"), ("-", "2"), ("+", "A"), (" ", "same"), ("+", "B"), ("-", "3"))]
    rows = [(row.old and row.old.text, row.new and row.new.text) for row in side_by_side(told)]
    assert rows == [("1", "A"), ("2", None), ("same", "same"), (None, "B"), ("3", None)]
