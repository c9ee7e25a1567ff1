"""Listing a plain folder as git would see it, without git: the same ids, so that content compares with a repository's.

Nothing is followed, written or executed. ``.git`` is left out at every level, as git does; ignore files, filters and
conversions of line ends do not apply.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import ContentMismatch, UpstreamNotFound
from skillmeat_site.upstream.object_ids import TreeEntry, blob_oid, stream_oid, tree_oid, tree_order
from skillmeat_site.upstream.process import TICK_SECONDS
from skillmeat_site.upstream.trees import TreeCollector
from skillmeat_site.upstream.types import Blobs, FileMode, Listing, Tick, TreeItem, Unread, no_tick

_BLOB_MODES = frozenset({FileMode.FILE.value, FileMode.EXECUTABLE.value, FileMode.SYMLINK.value})


@dataclass(frozen=True, slots=True)
class FolderLimits:
    """What a folder may cost: entries looked at, bytes hashed, folders inside one another, bytes read at once."""

    max_entries: int = 500_000
    max_bytes: int = 4 * 1024**3
    max_depth: int = 100
    max_read_bytes: int = 256 * 1024**2


DEFAULT_LIMITS = FolderLimits()


def list_folder(root: Path, limits: FolderLimits = DEFAULT_LIMITS, *, tick: Tick = no_tick) -> Listing:
    """List everything below ``root``: paths as in a repository, sizes, and the ids of the bytes as they are now.

    ``commit`` of the listing is empty. Folders without any file are not listed, as git knows none. What is neither
    file, folder nor link is left out with a warning; so is what cannot be read or is beyond a limit, and then the
    listing is incomplete. Raises UpstreamNotFound where ``root`` is no folder.
    """
    if not root.is_dir():
        raise UpstreamNotFound("there is no folder at this path")
    collector = TreeCollector(limits.max_entries)
    nodes = _Walk(collector, limits, tick).folder(os.fsencode(root), b"", limits.max_depth)
    for path, node in _flatten(nodes, b""):
        collector.add_raw(path, node.mode, node.oid, node.size)
    return collector.finish("", _oid_of(nodes))


def read_folder(
    root: Path,
    items: Iterable[TreeItem],
    oids: Sequence[str],
    *,
    max_bytes: int,
    limits: FolderLimits = DEFAULT_LIMITS,
) -> Blobs:
    """Read blobs of a listing made by ``list_folder`` by their ids, as ``Provider.read`` does.

    A file that has vanished since is MISSING. Raises ContentMismatch where one has changed since, LimitExceeded where
    all together are larger than the limits allow.
    """
    wanted = set(oids)
    paths = {item.oid: item for item in items if item.oid in wanted and item.mode in _BLOB_MODES}
    found: dict[str, bytes] = {}
    unread = dict.fromkeys(wanted - paths.keys(), Unread.MISSING)
    total = 0
    for oid, item in paths.items():
        try:
            content = _read_capped(os.fsencode(root / item.path), item.mode, max_bytes)
        except OSError:
            unread[oid] = Unread.MISSING
            continue
        if len(content) > max_bytes:
            unread[oid] = Unread.TOO_LARGE
            continue
        if blob_oid(content) != oid:
            raise ContentMismatch("a file has changed since the folder was listed")
        total += len(content)
        if total > limits.max_read_bytes:
            raise LimitExceeded(f"the files read at once are larger than {limits.max_read_bytes} bytes")
        found[oid] = content
    return Blobs(found, unread)


def _read_capped(path: bytes, mode: str, max_bytes: int) -> bytes:
    """Return the content of a file, or the target of a link; of a larger file one byte more than ``max_bytes``."""
    if mode == FileMode.SYMLINK:
        return os.readlink(path)
    with _open_file(path)[0] as file:
        return file.read(max_bytes + 1)


def _open_file(path: bytes) -> tuple[BinaryIO, int]:
    """Open a regular file, and tell its size. Raises OSError for anything else: a link, or a pipe put in its place."""
    file = open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # noqa: SIM115
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise OSError("not a regular file")
    return file, status.st_size


class _Node(NamedTuple):
    """A file, link or folder with its id; ``below`` holds what is in a folder, in git's order."""

    name: bytes
    mode: str
    oid: str
    size: int | None
    below: Sequence[_Node] = ()


def _oid_of(nodes: Iterable[_Node]) -> str:
    return tree_oid(TreeEntry(node.name, node.mode, node.oid) for node in nodes)


def _flatten(nodes: Iterable[_Node], prefix: bytes) -> Iterator[tuple[bytes, _Node]]:
    """Give every node with its path, a folder before what is in it."""
    for node in nodes:
        path = prefix + node.name
        yield path, node
        yield from _flatten(node.below, path + b"/")


class _Walk:
    """One listing under way: what it may still cost, and whom to tell."""

    def __init__(self, collector: TreeCollector, limits: FolderLimits, tick: Tick) -> None:
        self._collector, self._tick = collector, tick
        self._entries_left, self._bytes_left = limits.max_entries, limits.max_bytes
        self._next_tick = time.monotonic() + TICK_SECONDS

    def folder(self, path: bytes, shown: bytes, depth_left: int) -> list[_Node]:
        """Return what is in a folder, in git's order. ``shown`` is its path below the root, for warnings."""
        try:
            with os.scandir(path) as scan:
                entries = list(islice(scan, self._entries_left + 1))
        except OSError:
            self._leave_out("unreadable", "the folder cannot be read", shown)
            return []
        nodes = []
        for entry in entries:
            if entry.name.lower() == b".git":
                continue
            if self._entries_left <= 0:
                self._collector.incomplete("listing_capped", "the folder holds more entries than may be listed")
                break
            self._entries_left -= 1
            self._maybe_tick()
            node = self._node(entry, shown + entry.name, depth_left)
            if node is not None:
                nodes.append(node)
        return sorted(nodes, key=lambda node: tree_order(node.name, node.mode))

    def _node(self, entry: os.DirEntry[bytes], shown: bytes, depth_left: int) -> _Node | None:
        try:
            if entry.is_symlink():
                target = os.readlink(entry.path)
                return _Node(entry.name, FileMode.SYMLINK.value, blob_oid(target), len(target))
            if entry.is_dir(follow_symlinks=False):
                return self._subfolder(entry, shown, depth_left)
            if entry.is_file(follow_symlinks=False):
                return self._file(entry, shown)
        except OSError:
            self._leave_out("unreadable", "the file cannot be read", shown)
            return None
        self._collector.warn("not_a_file", "this is neither a file, a folder nor a link", shown)
        return None

    def _subfolder(self, entry: os.DirEntry[bytes], shown: bytes, depth_left: int) -> _Node | None:
        if depth_left <= 0:
            self._leave_out("too_deep", "the folder lies too deep inside others", shown)
            return None
        below = self.folder(entry.path, shown + b"/", depth_left - 1)
        return _Node(entry.name, FileMode.TREE.value, _oid_of(below), None, below) if below else None

    def _file(self, entry: os.DirEntry[bytes], shown: bytes) -> _Node | None:
        file, size = _open_file(entry.path)
        with file:
            if size > self._bytes_left:
                self._leave_out("listing_capped", "the files of the folder are too large together", shown)
                return None
            self._bytes_left -= size
            executable = os.fstat(file.fileno()).st_mode & stat.S_IXUSR
            mode = FileMode.EXECUTABLE if executable else FileMode.FILE
            return _Node(entry.name, mode.value, stream_oid(file, size), size)

    def _leave_out(self, code: str, detail: str, shown: bytes) -> None:
        self._collector.warn(code, detail, shown)
        self._collector.complete = False

    def _maybe_tick(self) -> None:
        if time.monotonic() >= self._next_tick:
            self._next_tick = time.monotonic() + TICK_SECONDS
            self._tick()
