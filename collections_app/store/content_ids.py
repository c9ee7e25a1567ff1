"""Content ids of files and folders: equal to git's.

``git hash-object`` for a file, ``git mktree`` for a folder. Bytes are taken as they are: .gitattributes, .gitignore
and filters change nothing. Empty folders count for nothing, as in git.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from collections_app.domain.names import is_dot_git
from collections_app.domain.types import FileMode
from collections_app.errors import UnsafeLink, UnsafePath
from skillmeat_site.core.errors import LimitExceeded


@dataclass(frozen=True, slots=True)
class Limits:
    """How large one artifact may be. ``depth``: folders within folders, the artifact's own counted as 1."""

    files: int = 10_000
    bytes: int = 256 * 1024 * 1024
    depth: int = 32


DEFAULT_LIMITS = Limits()
NO_LIMITS = Limits(files=2**62, bytes=2**62, depth=200)
"""For what is there already, or was: it is compared and given back whatever its size."""


class FileEntry(NamedTuple):
    """One file or link of a folder. ``path`` relative to it; as stored, with undecodable bytes as surrogates."""

    path: str
    mode: FileMode
    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class Content:
    """What stands at a path. ``files`` is sorted by path; for a single file it is one entry whose path is ""."""

    oid: str
    is_folder: bool
    files: tuple[FileEntry, ...]
    size: int


EMPTY_TREE = hashlib.sha1(b"tree 0\0", usedforsecurity=False).hexdigest()
_MAX_HOPS = 40  # as many links as Linux follows

_Tree = dict[str, "_Tree | tuple[str, str]"]


def blob_hasher(size: int) -> hashlib._Hash:
    """What is fed the bytes of a file of this size to get its id."""
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def blob_oid(data: bytes) -> str:
    """The id git gives to a file of these bytes."""
    hasher = blob_hasher(len(data))
    hasher.update(data)
    return hasher.hexdigest()


def tree_oid(files: Iterable[tuple[str, str, str]]) -> str:
    """The id git gives to a folder with these files: ``(path, mode, oid)`` each, in any order.

    Raises ``unsafe_path`` where one path is a file and a folder, or comes twice.
    """
    root: _Tree = {}
    for path, mode, oid in files:
        *folders, name = path.split("/")
        tree = root
        for folder in folders:
            below = tree.setdefault(folder, {})
            if not isinstance(below, dict):
                raise UnsafePath(f"{path!a} lies in a file")
            tree = below
        if name in tree:
            raise UnsafePath(f"{path!a} stands there twice")
        tree[name] = (mode, oid)
    return _hash_tree(root)


def _hash_tree(tree: _Tree) -> str:
    rows = []
    for name, item in tree.items():
        raw = name.encode(errors="surrogateescape")
        if isinstance(item, dict):
            rows.append((raw + b"/", b"40000 " + raw, _hash_tree(item)))
        else:
            rows.append((raw, item[0].encode() + b" " + raw, item[1]))
    body = b"".join(head + b"\0" + bytes.fromhex(oid) for _, head, oid in sorted(rows))
    return hashlib.sha1(b"tree %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


class Tally:
    """Counts what was met so far, and refuses what is too much, before it is read."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.files = 0
        self.bytes = 0

    def add(self, path: str, size: int) -> None:
        """One more file; raises ``limit_exceeded``."""
        self.files += 1
        self.bytes += size
        if self.files > self.limits.files:
            raise LimitExceeded(f"more than {self.limits.files} files")
        if self.bytes > self.limits.bytes:
            raise LimitExceeded(f"more than {self.limits.bytes} bytes")
        if path.count("/") + 1 > self.limits.depth:
            raise LimitExceeded(f"folders more than {self.limits.depth} deep")


def check_links(links: Mapping[str, str]) -> None:
    """Check that every link of a folder stays in it: ``links`` has the target of each by its path.

    Chains are resolved part by part, as the system would; what a link points to need not exist. Raises
    ``unsafe_link``: absolute, out of the folder, into ``.git``, round in circles.
    """
    for path in links:
        _resolve(path, links)


def _resolve(path: str, links: Mapping[str, str]) -> None:
    at: list[str] = []
    todo = path.split("/")[::-1]
    hops = 0
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not at:
                raise UnsafeLink(f"{path!a} leads out of the artifact")
            at.pop()
            continue
        if is_dot_git(part):
            raise UnsafeLink(f"{path!a} leads to '.git'")
        at.append(part)
        target = links.get("/".join(at))
        if target is None:
            continue
        hops += 1
        if hops > _MAX_HOPS:
            raise UnsafeLink(f"{path!a} goes round in circles")
        if not target or target.startswith("/") or "\0" in target:
            raise UnsafeLink(f"{path!a} is an absolute link, or leads nowhere")
        at.pop()
        todo.extend(target.split("/")[::-1])
