"""Two columns out of one: which old line stands beside which new one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import NamedTuple

from skillmeat_site.core.diffs.types import Line


class Row(NamedTuple):
    """``old`` and ``new`` are the same line where nothing changed; None is an empty half."""

    old: Line | None
    new: Line | None

    @property
    def is_pair(self) -> bool:
        """Whether one line stands for another."""
        return self.old is not None and self.new is not None and self.old is not self.new


def side_by_side(lines: Iterable[Line]) -> Iterator[Row]:
    """Lay out a hunk in two columns. The left one holds all its old lines in order, the right one all its new ones.

    Of a run of changes the first removed line stands beside the first added one, and so on.
    """
    removed: list[Line] = []
    added: list[Line] = []
    for line in lines:
        if line.origin == " ":
            yield from _run(removed, added)
            removed, added = [], []
            yield Row(line, line)
        elif line.origin == "-":
            if added:  # a new run: git tells removed lines before added ones
                yield from _run(removed, added)
                removed, added = [], []
            removed.append(line)
        else:
            added.append(line)
    yield from _run(removed, added)


def _run(removed: list[Line], added: list[Line]) -> Iterator[Row]:
    yield from (Row(old, new) for old, new in zip_longest(removed, added))
