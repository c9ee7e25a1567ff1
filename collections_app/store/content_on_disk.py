"""Reading what stands on disk: its content id and its files. No link is ever followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collections_app.domain.names import is_dot_git
from collections_app.domain.types import FileMode
from collections_app.errors import ChangedOnDisk, SpecialFile, UnsafeLink, UnsafePath
from collections_app.store.content_ids import (
    DEFAULT_LIMITS,
    Content,
    FileEntry,
    Limits,
    Tally,
    blob_hasher,
    blob_oid,
    check_links,
    tree_oid,
)
from collections_app.store.disk import FOLDER_FLAGS, is_link, lstat, meaning
from collections_app.store.stat_cache import StatCache
from skillmeat_site.core.errors import LimitExceeded, NotFound

_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK = 1024 * 1024
_ATTEMPTS = 3


def content_of(path: Path, *, limits: Limits = DEFAULT_LIMITS, cache: StatCache | None = None) -> Content:
    """Read what stands at ``path``: an ordinary file or a folder; no link is followed, ``path`` itself neither.

    Raises ``not_found``; ``unsafe_link`` (links that leave the folder or go in circles; ``path`` being one);
    ``unsafe_path`` (``.git`` and its disguises); ``special_file``; ``limit_exceeded``; ``disk_denied`` for what
    cannot be read; ``changed_on_disk`` where a file is written to all the while. Never passes over anything.
    """
    with meaning(path.name):
        fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = content_at(fd, path.name, limits=limits, cache=cache, prefix=str(path.parent))
    finally:
        os.close(fd)
    if found is None:
        raise NotFound(f"{path.name}: nothing is there")
    return found


def content_oid(path: Path, *, limits: Limits = DEFAULT_LIMITS, cache: StatCache | None = None) -> str | None:
    """The id of what stands at ``path``, None where nothing does; raises as ``content_of``."""
    try:
        return content_of(path, limits=limits, cache=cache).oid
    except NotFound:
        return None


def content_at(
    dir_fd: int,
    name: str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    cache: StatCache | None = None,
    prefix: str = "",
    any_links: bool = False,
) -> Content | None:
    """``content_of`` for a name in an open folder; None where nothing is. ``prefix``: its path, for the cache.

    ``any_links``: only tell what is there, links that leave it and a link at the place itself included. For whoever
    compares or gives back, never for what comes in.
    """
    with meaning(name):
        found = lstat(name, dir_fd)
        if found is None:
            return None
        walk = _Walk(limits, cache, f"{prefix}/{name}")
        if stat.S_ISDIR(found.st_mode):
            walk.folder(dir_fd, name)
            return walk.as_folder(any_links=any_links)
        walk.file(dir_fd, name, "", found)
    if walk.links and not any_links:
        raise UnsafeLink(f"{name!a} is a link")
    return Content(walk.files[0].oid, False, tuple(walk.files), walk.files[0].size)


class _Walk:
    """Collects the files below one place."""

    def __init__(self, limits: Limits, cache: StatCache | None, place: str) -> None:
        self.tally = Tally(limits)
        self.cache = cache
        self.place = place
        self.files: list[FileEntry] = []
        self.links: dict[str, str] = {}

    def as_folder(self, *, any_links: bool) -> Content:
        if not any_links:
            check_links(self.links)
        self.files.sort()
        oid = tree_oid((path, mode, oid) for path, mode, oid, _ in self.files)
        return Content(oid, True, tuple(self.files), self.tally.bytes)

    def folder(self, dir_fd: int, name: str, path: str = "") -> None:
        if path.count("/") + bool(path) >= self.tally.limits.depth:
            raise LimitExceeded(f"folders more than {self.tally.limits.depth} deep")
        with _opened(name, FOLDER_FLAGS, dir_fd) as fd:
            for below in sorted(os.listdir(fd)):
                inner = f"{path}/{below}" if path else below
                if is_dot_git(below):
                    raise UnsafePath(f"{inner!a} is '.git', or what some file system takes for it")
                found = lstat(below, fd)
                if found is None:
                    raise ChangedOnDisk(f"{inner!a} vanished while it was read")
                if stat.S_ISDIR(found.st_mode):
                    self.folder(fd, below, inner)
                else:
                    self.file(fd, below, inner, found)

    def file(self, dir_fd: int, name: str, path: str, found: os.stat_result) -> None:
        self.tally.add(path, found.st_size)
        if stat.S_ISLNK(found.st_mode):
            target = os.readlink(name, dir_fd=dir_fd)
            self.links[path] = target
            raw = os.fsencode(target)
            self.files.append(FileEntry(path, FileMode.SYMLINK, blob_oid(raw), len(raw)))
        elif stat.S_ISREG(found.st_mode):
            mode = FileMode.EXECUTABLE if found.st_mode & stat.S_IXUSR else FileMode.FILE
            self.files.append(FileEntry(path, mode, self._oid(dir_fd, name, path, found), found.st_size))
        else:
            raise SpecialFile(f"{path or name!a} is neither file, folder nor link")

    def _oid(self, dir_fd: int, name: str, path: str, found: os.stat_result) -> str:
        place = f"{self.place}/{path}"
        known = self.cache.get(place, found) if self.cache else None
        if known is None:
            known, found = _read(dir_fd, name, found)
            if self.cache:
                self.cache.put(place, found, known)
        return known


@contextmanager
def _opened(name: str, flags: int, dir_fd: int) -> Iterator[int]:
    try:
        fd = os.open(name, flags, dir_fd=dir_fd)
    except NotADirectoryError:
        if is_link(name, dir_fd):
            raise UnsafeLink(f"{name!a} is a link") from None
        raise
    try:
        yield fd
    finally:
        os.close(fd)


def _read(dir_fd: int, name: str, before: os.stat_result) -> tuple[str, os.stat_result]:
    """The id of a file, and its state, which was the same before and after reading."""
    with _opened(name, _FILE_FLAGS, dir_fd) as fd:
        for _ in range(_ATTEMPTS):
            opened = os.fstat(fd)
            if not stat.S_ISREG(opened.st_mode) or (opened.st_dev, opened.st_ino) != (before.st_dev, before.st_ino):
                break
            if opened.st_size != before.st_size:
                break
            os.lseek(fd, 0, os.SEEK_SET)
            hasher, read = blob_hasher(opened.st_size), 0
            while read <= opened.st_size and (chunk := os.read(fd, _CHUNK)):
                hasher.update(chunk)
                read += len(chunk)
            after = os.fstat(fd)
            if read == opened.st_size == after.st_size and after.st_mtime_ns == opened.st_mtime_ns:
                return hasher.hexdigest(), after
    raise ChangedOnDisk(f"{name!a} is being written to")
