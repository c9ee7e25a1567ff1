"""What differs between two states, file by file; the lines only when asked for."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pygit2

from collections_app.store.history.layout import ReadTree, pairs
from collections_app.store.history.repository import Store
from collections_app.store.history.trees import object_id
from collections_app.store.history.types import (
    Change,
    ChangeStatus,
    Content,
    DiffLimits,
    FileDiff,
)
from skillmeat_site.core.diffs.types import DiffKind, Hunk, Line
from skillmeat_site.upstream.types import FileMode

_PROBE = 8_000
"""Git looks for a zero byte in this much of a file to call it binary."""

MAX_SECONDS = 3.0
"""For the lines of one difference: some texts of a megabyte take ten seconds, and a page compares two dozen."""
QUICK_BYTES = 32 * 1024
"""What is compared in milliseconds whatever it says: it is compared after that time as well."""

Load = Callable[[str, Content, int], "bytes | int | None"]
"""Gives a side's bytes by path and content; its size where that is over the cap; None where it is gone."""


class Diff:
    """``changes`` are sorted by path; ``lines`` of one are computed when asked for, in a bounded time altogether."""

    def __init__(
        self, changes: list[Change], old: Load, new: Load, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.changes = changes
        self._old = old
        self._new = new
        self._clock = clock
        self._spent = 0.0

    def lines(self, change: Change, limits: DiffLimits = DiffLimits()) -> FileDiff:  # noqa: B008 - frozen
        """Compare a change line by line, within limits; after MAX_SECONDS a large one is too large."""
        most = limits.max_bytes if self._spent < MAX_SECONDS else min(limits.max_bytes, QUICK_BYTES)
        old = b"" if change.old is None else self._old(change.path, change.old, most)
        new = b"" if change.new is None else self._new(change.path, change.new, most)
        sizes = (_size(old) if change.old else None, _size(new) if change.new else None)
        if old is None or new is None:
            return FileDiff(DiffKind.UNAVAILABLE, *sizes)
        if isinstance(old, int) or isinstance(new, int):
            return FileDiff(DiffKind.TOO_LARGE, *sizes)
        if is_binary(old) or is_binary(new):
            return FileDiff(DiffKind.BINARY, *sizes)
        began = self._clock()
        try:
            return compare(old, new, limits)
        finally:
            self._spent += self._clock() - began


def is_binary(data: bytes) -> bool:
    """Tell, as git does, whether bytes are no text."""
    return b"\0" in data[:_PROBE]


def changes(old: Content | None, new: Content | None, read: ReadTree, path: str = "") -> Iterator[Change]:
    """Yield every file that differs between two trees. A file that became a folder is removed, its files are added."""
    for name, before, after in pairs(old, new, read):
        child = f"{path}/{name}" if path else name
        before_file = None if before is None or before.is_folder else before
        after_file = None if after is None or after.is_folder else after
        if before_file or after_file:
            yield Change(child, status_of(before_file, after_file), before_file, after_file)
        yield from changes(before, after, read, child)


def file_changes(old: Mapping[str, Content], new: Mapping[str, Content]) -> list[Change]:
    """Every file that differs between two lists of files by path, sorted. As ``changes`` tells it of two trees."""
    return [
        Change(path, status_of(old.get(path), new.get(path)), old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    ]


def status_of(old: Content | None, new: Content | None) -> ChangeStatus:
    """How two different versions of a file differ; one of them may be missing."""
    if old is None:
        return ChangeStatus.ADDED
    if new is None:
        return ChangeStatus.REMOVED
    if (old.mode == FileMode.SYMLINK) != (new.mode == FileMode.SYMLINK):
        return ChangeStatus.TYPE_CHANGED
    return ChangeStatus.MODE_CHANGED if old.oid == new.oid else ChangeStatus.MODIFIED


def stored_side(store: Store) -> Load:
    """Sides whose bytes are in the store."""

    def load(path: str, content: Content, limit: int) -> bytes | int | None:
        size = store.size(content.oid)
        return size if size > limit else store.read(content.oid)

    return load


def disk_side(directory: Path) -> Load:
    """Sides whose bytes lie in a directory. One that changed since it was walked is not passed off as the same."""

    def load(path: str, content: Content, limit: int) -> bytes | int | None:
        file = directory / path
        try:
            found = file.lstat()
            if stat.S_ISLNK(found.st_mode):
                data = os.fsencode(os.readlink(file))
            elif not stat.S_ISREG(found.st_mode):
                return None
            elif found.st_size > limit:
                return found.st_size
            else:
                data = file.read_bytes()
        except OSError:
            return None
        return data if object_id("blob", data) == content.oid else None

    return load


def memory_side(files: Mapping[str, bytes]) -> Load:
    """Sides whose bytes are here, by path."""

    def load(path: str, content: Content, limit: int) -> bytes | int | None:
        data = files[path]
        return len(data) if len(data) > limit else data

    return load


def compare(old: bytes, new: bytes, limits: DiffLimits) -> FileDiff:
    """Compare two texts line by line. Of longer differences only the lines within the limits are told."""
    # From bytes, not from blobs: no attribute or driver can be looked up for those.
    patch = pygit2.Patch.create_from(old, new, context_lines=limits.context)
    stats = patch.line_stats
    end = limits.skip + limits.max_lines
    hunks: list[Hunk] = []
    at = 0
    for hunk in patch.hunks:
        if at >= end:
            break
        lines = [line for line in hunk.lines if line.origin in "+- "]
        told = tuple(_line(line) for line in lines[max(0, limits.skip - at) : end - at])
        if told:
            hunks.append(Hunk(hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines, told))
        at += len(lines)
    total = sum(stats)
    return FileDiff(DiffKind.TEXT, len(old), len(new), tuple(hunks), total > end, stats[1], stats[2], total)


def _line(line: pygit2.DiffLine) -> Line:
    text = line.raw_content.decode("utf-8", "replace")
    return Line(
        line.origin,
        text,
        line.old_lineno if line.old_lineno > 0 else None,
        line.new_lineno if line.new_lineno > 0 else None,
    )


def _size(side: bytes | int | None) -> int | None:
    return len(side) if isinstance(side, bytes) else side
