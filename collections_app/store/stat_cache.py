"""Remembers ids of files whose inode has not changed, so that large collections need not be read again."""

from __future__ import annotations

import os
from pathlib import Path


class StatCache:
    """Ids by path, valid while size, times, inode and device are the same.

    A file changed less than two seconds before it was read is not remembered: another change within the clock's
    grain would go unseen (git's racy rule).
    """

    def __init__(self) -> None:
        raise NotImplementedError

    def get(self, path: str, stat: os.stat_result) -> str | None:
        """The id of the file in this state, if it is known."""
        raise NotImplementedError

    def put(self, path: str, stat: os.stat_result, oid: str) -> None:
        """Remember the id of a file that was in this state before and after it was read."""
        raise NotImplementedError

    @classmethod
    def load(cls, file: Path) -> StatCache:
        """Read a saved cache; one that is missing, damaged or of another version is an empty one."""
        raise NotImplementedError

    def save(self, file: Path) -> None:
        """Write what was asked for or put since loading; entries of files that are gone fall away."""
        raise NotImplementedError
