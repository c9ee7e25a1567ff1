"""Git's tree objects as bytes: reading, writing, and the names that git refuses in them.

pygit2's own TreeBuilder takes text only; names on disk are bytes. A name here is text with surrogate escapes
(``os.fsdecode``), so that every byte survives.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from collections_app.store.history.types import Content
from skillmeat_site.upstream.object_ids import tree_order
from skillmeat_site.upstream.types import FileMode

# A Mac takes a name for the one without these; git's list (utf8.c).
_IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# Windows takes `.git `, `.git.`, `.git::$INDEX_ALLOCATION` and the short name `git~1` for `.git`; git's rule (path.c).
_GIT_FOR_NTFS = re.compile(r"(\.git|git~1)[ .]*(:.*|\\.*)?", re.IGNORECASE | re.DOTALL)


class Node(NamedTuple):
    """One entry of a tree."""

    name: str
    mode: FileMode
    oid: str

    @property
    def content(self) -> Content:
        return Content(self.mode, self.oid)


_MODES = {mode.value.lstrip("0").encode(): mode for mode in FileMode}


def parse_tree(body: bytes) -> list[Node]:
    """Read a tree object. Raises KeyError or ValueError where it is none that this history writes."""
    nodes = []
    at = 0
    while at < len(body):
        space = body.index(b" ", at)
        end = body.index(b"\0", space)
        nodes.append(Node(os.fsdecode(body[space + 1 : end]), _MODES[body[at:space]], body[end + 1 : end + 21].hex()))
        at = end + 21
    return nodes


def tree_body(nodes: Iterable[Node]) -> bytes:
    """Return the tree object with these entries, in git's order."""
    entries = [(os.fsencode(node.name), node.mode, node.oid) for node in nodes]
    entries.sort(key=lambda entry: tree_order(entry[0], entry[1]))
    return b"".join(
        b"%s %s\0%s" % (mode.lstrip("0").encode(), name, bytes.fromhex(oid)) for name, mode, oid in entries
    )


def object_id(kind: str, body: bytes) -> str:
    """Return git's id of an object."""
    return hashlib.sha1(f"{kind} {len(body)}\0".encode() + body, usedforsecurity=False).hexdigest()


def is_git_name(name: str) -> bool:
    """Tell whether git, on some system, would take an entry of this name for its own folder, and so refuses it."""
    if _GIT_FOR_NTFS.fullmatch(name):
        return True
    return not name.isascii() and _IGNORED_BY_HFS.sub("", name).lower() == ".git"


def parse_commit_tree(body: bytes) -> str:
    """Return the tree of a commit."""
    return body[5:45].decode("ascii", "replace")
