"""Remembers ids of files whose inode has not changed, so that large collections need not be read again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

VERSION = 1
RACY_NS = 2_000_000_000

_State = tuple[int, int, int, int, int]


def _state(stat: os.stat_result) -> _State:
    return (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev)


class StatCache:
    """Ids by path, valid while size, times, inode and device are the same.

    A file changed less than two seconds before it was read is not remembered: another change within the clock's
    grain would go unseen (git's racy rule). Paths are those that the caller hands in; ``content_of`` hands in the
    absolute ones.
    """

    def __init__(self, *, clock: Callable[[], int] = time.time_ns) -> None:
        self._known: dict[str, tuple[_State, str]] = {}
        self._used: dict[str, tuple[_State, str]] = {}
        self._clock = clock

    def get(self, path: str, stat: os.stat_result) -> str | None:
        """The id of the file in this state, if it is known."""
        found = self._used.get(path) or self._known.get(path)
        if found is None or found[0] != _state(stat):
            return None
        self._used[path] = found
        return found[1]

    def put(self, path: str, stat: os.stat_result, oid: str) -> None:
        """Remember the id of a file that was in this state before and after it was read."""
        if self._clock() - max(stat.st_mtime_ns, stat.st_ctime_ns) >= RACY_NS:
            self._used[path] = (_state(stat), oid)

    @classmethod
    def load(cls, file: Path) -> StatCache:
        """Read a saved cache; one that is missing, damaged or of another version is an empty one."""
        cache = cls()
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            stored = json.loads(file.read_bytes())
            if stored["version"] == VERSION:
                cache._known = {str(path): (_five(row[:5]), str(row[5])) for path, row in stored["files"].items()}
        return cache

    def save(self, file: Path) -> None:
        """Write what was asked for or put since loading; entries of files that are gone fall away.

        A cache: not fsynced, and a failure to write it is no failure (the next reading is slower).
        """
        rows = {path: [*state, oid] for path, (state, oid) in sorted(self._used.items())}
        temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
        with suppress(OSError):
            temporary.write_text(json.dumps({"version": VERSION, "files": rows}, separators=(",", ":")))
            temporary.replace(file)
        temporary.unlink(missing_ok=True)


def _five(row: list[object]) -> _State:
    size, mtime, ctime, inode, device = (number if isinstance(number, int) else -1 for number in row)
    return (size, mtime, ctime, inode, device)
