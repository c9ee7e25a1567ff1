"""Which parts of a collection's tree are artifacts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from collections_app.store.history.trees import Node
from collections_app.store.history.types import Content
from skillmeat_site.upstream.types import FileMode

ReadTree = Callable[[str], list[Node]]
"""Gives the entries of a tree by its id."""

_FOLDERS = frozenset({"skills", "plugins"})
_FILES = {"commands": ".md", "agents": ".md", "hooks": ".json", "mcp": ".json"}
_NAMESPACED = frozenset({"commands", "agents"})


def descends(path: str) -> bool:
    """Tell whether a folder holds units, rather than being one: the root, a type's folder, a namespace."""
    top, _, rest = path.partition("/")
    return not rest or top in _NAMESPACED


def count_artifacts(root: str, read: ReadTree) -> int:
    """Count the artifacts of a collection's tree."""
    count = 0
    for top in read(root):
        if top.mode == FileMode.TREE and top.name in _FOLDERS:
            count += sum(node.mode == FileMode.TREE for node in read(top.oid))
        elif top.mode == FileMode.TREE and top.name in _FILES:
            count += _count_files(top.oid, read, _FILES[top.name], deep=top.name in _NAMESPACED)
    return count


def _count_files(oid: str, read: ReadTree, suffix: str, *, deep: bool) -> int:
    count = 0
    for node in read(oid):
        if node.mode != FileMode.TREE:
            count += node.name.endswith(suffix)
        elif deep:
            count += _count_files(node.oid, read, suffix, deep=True)
    return count


def pairs(
    old: Content | None, new: Content | None, read: ReadTree
) -> list[tuple[str, Content | None, Content | None]]:
    """Return what differs directly in two folders by name, sorted; what is no folder counts as an empty one."""
    before, after = (
        {node.name: node.content for node in read(side.oid)} if side is not None and side.is_folder else {}
        for side in (old, new)
    )
    names = sorted(set(chain(before, after)))
    return [(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]
