"""One artifact in several places: what became of each of its files. Pure.

A place is known by ids only; whatever two of them share is the same content.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What became of a file, seen from what was imported. ``DIFFERS``: nobody knows what that was."""

    SAME = "same"
    HERE = "changed_here"
    UPSTREAM = "changed_upstream"
    BOTH = "changed_both"
    ALIKE = "changed_alike"
    """Both sides made the same change."""
    ONLY_HERE = "only_here"
    ONLY_UPSTREAM = "only_upstream"
    DIFFERS = "differs"
    ELSEWHERE = "changed_elsewhere"
    """The same here and upstream; a deployed copy is another."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file in all places that could be read. ``letters``: by place; equal letters are equal content, "" is none."""

    path: str
    verdict: Verdict
    letters: Mapping[str, str]


State = Mapping[str, Hashable]
"""What stands at each path of one place."""


def compare_files(
    places: Mapping[str, State], *, base: str = "base", here: str = "collection", upstream: str = "upstream"
) -> list[FileRow]:
    """Compare places, in the order in which letters are given. Sorted: what differs first, then by path.

    Those of ``base``, ``here`` and ``upstream`` that are no key of ``places`` could not be read.
    """
    paths = sorted({path for state in places.values() for path in state})
    rows = []
    for path in paths:
        at = {name: state.get(path) for name, state in places.items()}
        rows.append(FileRow(path, _verdict(at, base, here, upstream), _letters(list(at.items()))))
    return sorted(rows, key=lambda row: (row.verdict is Verdict.SAME, row.path))


def _letters(found: Sequence[tuple[str, Hashable | None]]) -> dict[str, str]:
    known: dict[Hashable, str] = {}
    letters = {}
    for name, content in found:
        if content is not None:
            # More than 26 versions of one file would need as many places.
            known.setdefault(content, chr(ord("A") + min(len(known), 25)))
        letters[name] = "" if content is None else known[content]
    return letters


def _verdict(at: Mapping[str, Hashable | None], base: str, here: str, upstream: str) -> Verdict:
    others_same = len(set(at.values())) == 1
    if here in at and upstream in at:
        found = _three_way(at[base], at[here], at[upstream]) if base in at else _two_way(at[here], at[upstream])
    elif base in at and here in at:
        found = Verdict.SAME if at[here] == at[base] else Verdict.HERE
    elif base in at and upstream in at:
        found = Verdict.SAME if at[upstream] == at[base] else Verdict.UPSTREAM
    else:
        found = Verdict.SAME
    return Verdict.ELSEWHERE if found is Verdict.SAME and not others_same else found


def _three_way(base: Hashable | None, here: Hashable | None, upstream: Hashable | None) -> Verdict:
    if here == base:
        return Verdict.SAME if upstream == base else Verdict.UPSTREAM
    if upstream == base:
        return Verdict.HERE
    return Verdict.ALIKE if here == upstream else Verdict.BOTH


def _two_way(here: Hashable | None, upstream: Hashable | None) -> Verdict:
    if here == upstream:
        return Verdict.SAME
    if upstream is None:
        return Verdict.ONLY_HERE
    return Verdict.ONLY_UPSTREAM if here is None else Verdict.DIFFERS
