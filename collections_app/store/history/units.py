"""What a restore has to swap: whole artifacts and single files, as few as possible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collections_app.store.history.layout import ReadTree, descends, pairs
from collections_app.store.history.types import Content, Excluded, Unit


def changed_units(now: Content | None, then: Content, read: ReadTree, excluded: Sequence[Excluded] = ()) -> list[Unit]:
    """Compare two states of a collection, sorted by path.

    A unit is the deepest thing that can be swapped by itself: a skill or plugin as a whole, a command or agent file
    below its namespaces, a file at the top. No unit lies inside another.
    """
    return [
        Unit(path, old, new, tuple(item for item in excluded if item.path == path or item.path.startswith(path + "/")))
        for path, old, new in _below("", now, then, read)
    ]


def _below(
    path: str, now: Content | None, then: Content | None, read: ReadTree
) -> Iterator[tuple[str, Content | None, Content | None]]:
    for name, old, new in pairs(now, then, read):
        child = f"{path}/{name}" if path else name
        # A folder on one side and a file on the other are swapped for each other.
        folders = all(side is None or side.is_folder for side in (old, new))
        if folders and descends(child):
            yield from _below(child, old, new, read)
        else:
            yield child, old, new
