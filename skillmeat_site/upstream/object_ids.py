"""Git's ids of files and folders, computed without git."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

from skillmeat_site.upstream.types import FileMode, TreeItem

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The id of a tree with nothing in it."""

_CHUNK = 1024 * 1024


class TreeEntry(NamedTuple):
    """One line of a tree object."""

    name: bytes
    mode: str
    oid: str


def blob_oid(content: bytes) -> str:
    """Return the id of these bytes as a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def stream_oid(file: BinaryIO, size: int) -> str:
    """Return the id of a file of ``size`` bytes without loading it. Raises OSError where it is not that long."""
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    seen = 0
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        seen += len(chunk)
    if seen != size:
        raise OSError("the file changed while it was read")
    return digest.hexdigest()


def tree_order(name: bytes, mode: str) -> bytes:
    """Return what git sorts the entries of a tree by: a folder counts as if its name ended with a slash."""
    return name + b"/" if mode == FileMode.TREE else name


def tree_oid(entries: Iterable[TreeEntry]) -> str:
    """Return the id of the tree with these entries, in whatever order they come."""
    body = b"".join(
        # The one mode with a leading zero is stored without it.
        mode.lstrip("0").encode() + b" " + name + b"\0" + bytes.fromhex(oid)
        for name, mode, oid in sorted(entries, key=lambda entry: tree_order(entry.name, entry.mode))
    )
    return hashlib.sha1(b"tree %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def root_oid(items: Iterable[TreeItem]) -> str:
    """Return the id of the tree whose whole recursive listing this is; what lies deeper is in its folders' ids."""
    return tree_oid(TreeEntry(path.encode(), mode, oid) for path, mode, oid, _ in items if "/" not in path)
