"""Remembering which bytes a file had, by what ``lstat`` says of it. A hint: losing or breaking it costs time only."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from pathlib import Path
from typing import NamedTuple

_VERSION = "skillmeat-index 1"
SLACK_NS = 2_000_000_000
"""A file that changed this shortly before it was read may change again within one tick of its file system's clock,
and look the same. So it is not remembered ("racily clean"); the coarsest clock in use ticks every two seconds."""


class Stamp(NamedTuple):
    """What tells one state of a file from another. A person can set back ``mtime``, but not ``ctime``."""

    mtime_ns: int
    ctime_ns: int
    size: int
    inode: int
    device: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Stamp:
        return cls(stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino, stat.st_dev)


class StatCache:
    """The ids of a collection's files as of the last walk. Read whole, written whole, by one process at a time.

    Two at once: the last one wins, and both wrote the truth.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _load(path)
        self._seen: dict[str, tuple[int | str, ...]] = {}
        self._newest_trusted = time.time_ns() - SLACK_NS

    def get(self, path: str, stamp: Stamp) -> str | None:
        """Return the id of the file's content if it was remembered in just this state."""
        entry = self._known.get(path)
        if entry is None or entry[:5] != stamp:
            return None
        self._seen[path] = entry
        return str(entry[5])

    def put(self, path: str, stamp: Stamp, oid: str) -> None:
        """Remember a file's content, which was read after this stamp was taken and before an equal one was."""
        if stamp.ctime_ns < self._newest_trusted:
            self._seen[path] = (*stamp, oid)

    def save(self) -> None:
        """Write what this walk saw; nothing where that is what the file holds. Not made durable: it is a hint."""
        if self._seen == self._known:
            return
        body = json.dumps([[path, *entry] for path, entry in self._seen.items()], separators=(",", ":"))
        temporary = self._path.with_name(f"tmp_{secrets.token_hex(8)}")
        try:
            self._path.parent.mkdir(exist_ok=True)
            temporary.write_text(f"{_VERSION} {_checksum(body)}\n{body}", encoding="ascii")
            temporary.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()


def _load(path: Path) -> dict[str, tuple[int | str, ...]]:
    try:
        head, _, body = path.read_text(encoding="ascii").partition("\n")
        if head != f"{_VERSION} {_checksum(body)}":
            return {}
        return {entry[0]: tuple(entry[1:]) for entry in json.loads(body)}
    except (OSError, ValueError):
        return {}


def _checksum(body: str) -> str:
    return hashlib.sha1(body.encode("ascii"), usedforsecurity=False).hexdigest()
