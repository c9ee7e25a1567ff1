"""The files that differ between two states, for people: renamed ones told as such, a page at a time. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from collections_app.store.history.differences import Diff
from collections_app.store.history.types import Change, ChangeStatus, Content, DiffLimits
from skillmeat_site.core.diffs.types import DiffKind, FileStatus, FileView

MAX_LINES = 300
"""Lines of one file's difference among others."""
MAX_LINES_AT_ONCE = 5_000
"""Lines of all files of one page; of the rest only is told how much they differ."""
MAX_BYTES = 1024 * 1024
"""The largest side of a file that is compared line by line."""


class Differing(NamedTuple):
    """One file. ``gone``: the same content at another path before, so that it was only moved."""

    change: Change
    gone: Change | None = None


def with_renames(changes: Sequence[Change]) -> list[Differing]:
    """Pair what was removed with what was added with the same bytes and mode, each once, in the order of paths."""
    removed: dict[object, list[Change]] = {}
    for change in reversed(changes):
        if change.status is ChangeStatus.REMOVED:
            removed.setdefault(change.old, []).append(change)
    paired = {
        change.path: removed[change.new].pop()
        for change in changes
        if change.status is ChangeStatus.ADDED and removed.get(change.new)
    }
    gone = {change.path for change in paired.values()}
    return [Differing(change, paired.get(change.path)) for change in changes if change.path not in gone]


class ComparedFiles:
    """A difference as pages show it (``core.admin.diff_page.Compared``).

    ``prepare`` is told which contents will be read next; it may raise DomainError.
    """

    def __init__(self, diff: Diff, prepare: Callable[[list[Content]], None] = lambda contents: None) -> None:
        self._diff = diff
        self._prepare = prepare
        self.differing = with_renames(diff.changes)

    def __len__(self) -> int:
        return len(self.differing)

    def files(self, first: int, size: int) -> list[FileView]:
        left = MAX_LINES_AT_ONCE
        views = []
        chosen = self.differing[first : first + size]
        self._prepare(_sides(chosen))
        for each in chosen:
            view, _ = self._view(each, DiffLimits(MAX_BYTES, max(0, min(MAX_LINES, left))))
            left -= sum(len(hunk.lines) for hunk in view.hunks)
            views.append(view)
        return views

    def alone(self, path: str, skip: int, size: int) -> tuple[FileView, int] | None:
        each = next((each for each in self.differing if each.change.path == path), None)
        if each is None:
            return None
        self._prepare(_sides([each]))
        return self._view(each, DiffLimits(MAX_BYTES, size, skip=skip))

    def _view(self, each: Differing, limits: DiffLimits) -> tuple[FileView, int]:
        change = each.change
        modes = [side.mode.value if side else None for side in (change.old, change.new)]
        if each.gone is not None:
            status = FileStatus.RENAMED.value
            view = FileView(path=change.path, status=status, kind=DiffKind.TEXT, old_path=each.gone.path)
            return view, 0
        lines = self._diff.lines(change, limits)
        told = sum(len(hunk.lines) for hunk in lines.hunks)
        view = FileView(
            path=change.path,
            status=change.status.value,
            kind=lines.kind,
            old_mode=modes[0],
            new_mode=modes[1],
            old_size=lines.old_size,
            new_size=lines.new_size,
            hunks=lines.hunks,
            added=lines.added,
            removed=lines.removed,
            left_out=max(0, lines.total - told - limits.skip),
        )
        return view, lines.total


def _sides(differing: Iterable[Differing]) -> list[Content]:
    changes = [each.change for each in differing if each.gone is None]
    return [side for change in changes for side in (change.old, change.new) if side is not None]
