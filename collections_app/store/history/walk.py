"""Reading a directory as git would store it: ids of everything, and what could not be taken.

Through folder descriptors and without following a link: whoever swaps a folder for a link meanwhile leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from collections_app.store.history.stat_cache import Stamp, StatCache
from collections_app.store.history.trees import Node, is_git_name, object_id, tree_body
from collections_app.store.history.types import Content, Excluded, ExcludedReason
from skillmeat_site.core.errors import NotFound
from skillmeat_site.upstream.object_ids import EMPTY_TREE, stream_oid
from skillmeat_site.upstream.types import FileMode

WORK_FOLDER = ".skillmeat"
"""At the top of a collection: staged and replaced content, never part of it."""
MAX_DEPTH = 100
_WHOLE = 8 * 1024 * 1024
"""Up to this size a file is read once and held; a larger one is read twice and never held."""
_ATTEMPTS = 3
_ROOT_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FOLDER_FLAGS = _ROOT_FLAGS | os.O_NOFOLLOW
# Not blocking: a pipe may have taken the place of a file since it was looked at.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Sink(Protocol):
    """Where new objects go."""

    def wants(self, oid: str) -> bool: ...
    def add(self, kind: str, body: bytes, oid: str) -> object: ...
    def add_stream(self, source: BinaryIO, size: int, oid: str) -> None: ...


class NoSink:
    """Only ids are wanted."""

    def wants(self, oid: str) -> bool:
        return False

    def add(self, kind: str, body: bytes, oid: str) -> object:
        raise AssertionError("unreachable")

    def add_stream(self, source: BinaryIO, size: int, oid: str) -> None:
        raise AssertionError("unreachable")


@dataclass(slots=True)
class Walked:
    """A directory as a tree. ``trees`` has the entries of every folder in it by id, stored or not."""

    root: str = EMPTY_TREE
    trees: dict[str, list[Node]] = field(default_factory=dict)
    excluded: list[Excluded] = field(default_factory=list)


class _Changing(OSError):
    """The file is not the one, or not in the state, that was looked at."""


class Walker:
    """Walks one directory. ``cache`` spares reading files, ``sink`` takes the objects that it wants."""

    def __init__(self, cache: StatCache | None = None, sink: Sink | None = None) -> None:
        self._cache = cache
        self._sink: Sink = sink or NoSink()
        self._walked = Walked()

    def walk(self, directory: Path) -> Walked:
        """Walk a collection directory. Raises NotFound where it is none."""
        try:
            descriptor = os.open(directory, _ROOT_FLAGS)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound("the collection's directory is missing") from error
        try:
            self._walked.root = self._folder(descriptor, "", 0)
        finally:
            os.close(descriptor)
        if self._sink.wants(self._walked.root):
            self._sink.add("tree", tree_body(self._walked.trees.get(self._walked.root, ())), self._walked.root)
        self._walked.excluded.sort(key=lambda excluded: excluded.path)
        return self._walked

    def content(self, path: Path) -> Content | None:
        """Store one file, link or folder; None where nothing of it can be stored."""
        parent = os.open(path.parent, _ROOT_FLAGS)
        try:
            node = self._entry(parent, path.name, path.name, 1)
        finally:
            os.close(parent)
        return None if node is None else node.content

    def _folder(self, descriptor: int, path: str, depth: int) -> str:
        nodes = []
        with os.scandir(descriptor) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            if depth == 0 and name == WORK_FOLDER:
                continue
            node = self._entry(descriptor, name, f"{path}/{name}" if path else name, depth + 1)
            if node is not None:
                nodes.append(node)
        body = tree_body(nodes)
        oid = object_id("tree", body)
        self._walked.trees[oid] = nodes
        if nodes and self._sink.wants(oid):
            self._sink.add("tree", body, oid)
        if not names and depth > 1:
            self._exclude(path, ExcludedReason.EMPTY_FOLDER)
        return oid

    def _entry(self, parent: int, name: str, path: str, depth: int) -> Node | None:
        if is_git_name(name):
            self._exclude(path, ExcludedReason.GIT_NAME)
            return None
        try:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode):
                return self._file(parent, name, path, found)
            if stat.S_ISDIR(found.st_mode):
                return self._subfolder(parent, name, path, depth)
            if stat.S_ISLNK(found.st_mode):
                return Node(name, FileMode.SYMLINK, self._blob(os.fsencode(os.readlink(name, dir_fd=parent))))
            self._exclude(path, ExcludedReason.SPECIAL)
        except FileNotFoundError:
            pass
        except _Changing:
            self._exclude(path, ExcludedReason.CHANGING)
        except OSError as error:
            # Those say nothing of the file.
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
                raise
            self._exclude(path, ExcludedReason.UNREADABLE)
        return None

    def _subfolder(self, parent: int, name: str, path: str, depth: int) -> Node | None:
        if depth > MAX_DEPTH:
            self._exclude(path, ExcludedReason.TOO_DEEP)
            return None
        descriptor = os.open(name, _FOLDER_FLAGS, dir_fd=parent)
        try:
            oid = self._folder(descriptor, path, depth)
        finally:
            os.close(descriptor)
        return None if oid == EMPTY_TREE else Node(name, FileMode.TREE, oid)

    def _file(self, parent: int, name: str, path: str, found: os.stat_result) -> Node:
        stamp = Stamp.of(found)
        oid = self._cache.get(path, stamp) if self._cache is not None else None
        # What the cache names, but the store may not have, is read again.
        if oid is None or self._sink.wants(oid):
            found, oid = self._read_file(parent, name)
            if self._cache is not None:
                self._cache.put(path, Stamp.of(found), oid)
        return Node(name, FileMode.EXECUTABLE if found.st_mode & stat.S_IXUSR else FileMode.FILE, oid)

    def _read_file(self, parent: int, name: str) -> tuple[os.stat_result, str]:
        for _ in range(_ATTEMPTS):
            with os.fdopen(os.open(name, _FILE_FLAGS, dir_fd=parent), "rb") as file:
                before = os.fstat(file.fileno())
                if not stat.S_ISREG(before.st_mode):
                    raise _Changing("no longer a file")
                oid = self._stored(file, before.st_size)
                if oid is not None and Stamp.of(os.fstat(file.fileno())) == Stamp.of(before):
                    return before, oid
        raise _Changing("written to each time it was read")

    def _stored(self, file: BinaryIO, size: int) -> str | None:
        """Return the id of an open file, its bytes put where they are wanted; None where it changed meanwhile."""
        if size <= _WHOLE:
            data = file.read(size + 1)
            return self._blob(data) if len(data) == size else None
        try:
            oid = stream_oid(file, size)
            if self._sink.wants(oid):
                file.seek(0)
                self._sink.add_stream(file, size, oid)
        except OSError as error:
            if error.errno is not None:
                raise
            return None
        return oid

    def _blob(self, data: bytes) -> str:
        oid = object_id("blob", data)
        if self._sink.wants(oid):
            self._sink.add("blob", data, oid)
        return oid

    def _exclude(self, path: str, reason: ExcludedReason) -> None:
        self._walked.excluded.append(Excluded(path, reason))


def overlay(walked: Walked, stored: Callable[[str], list[Node]]) -> Callable[[str], list[Node]]:
    """Return a reader of trees that knows those of a walk and, beyond, the stored ones."""

    def read(oid: str) -> list[Node]:
        nodes = walked.trees.get(oid)
        return stored(oid) if nodes is None else nodes

    return read
