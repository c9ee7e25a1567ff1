"""Keeping what was imported, by key, so that a later refresh finds the base of its merge."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from collections_app.store.history.packs import PackWriter
from collections_app.store.history.repository import BASES, Store, check_slug
from collections_app.store.history.snapshots import NewObjects
from collections_app.store.history.trees import Node, is_git_name, tree_body
from collections_app.store.history.types import Content
from collections_app.store.history.walk import Walker
from skillmeat_site.core.errors import InvalidParameter, NotFound
from skillmeat_site.upstream.types import FileMode

_FILE_MODES = (FileMode.FILE, FileMode.EXECUTABLE, FileMode.SYMLINK)
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


def write_paths(store: Store, slug: str, paths: Sequence[Path]) -> list[Content]:
    """Store files and folders of the disk. See ``History.write_paths``."""
    check_slug(slug)
    with PackWriter(store.pack_folder()) as pack:
        sink = NewObjects(store, slug, pack)
        written = []
        for path in paths:
            content = Walker(sink=sink).content(path)
            if content is None:
                raise NotFound(f"nothing of {path.name!r} can be stored")
            written.append(content)
    return written


def write_tree(store: Store, files: Mapping[str, tuple[FileMode, bytes]]) -> Content:
    """Store a folder given by path. See ``History.write_tree``."""
    leaves: dict[str, tuple[FileMode, bytes]] = {}
    below: dict[str, dict[str, tuple[FileMode, bytes]]] = {}
    for path, file in files.items():
        name, slash, rest = path.partition("/")
        if name in ("", ".", "..") or "\0" in name or is_git_name(name) or file[0] not in _FILE_MODES:
            raise InvalidParameter(f"git cannot hold {path!r}")
        if slash:
            below.setdefault(name, {})[rest] = file
        else:
            leaves[name] = file
    if clash := leaves.keys() & below.keys():
        raise InvalidParameter(f"{min(clash)!r} is a file and a folder")
    nodes = [Node(name, mode, store.write_blob(data)) for name, (mode, data) in leaves.items()]
    nodes += [Node(name, FileMode.TREE, write_tree(store, inner).oid) for name, inner in below.items()]
    return Content(FileMode.TREE, store.write_tree_object(tree_body(nodes)))


def keep_base(store: Store, slug: str, bases: Mapping[str, Content | None]) -> None:
    """Change entries of a collection's bases at once. See ``History.keep_base``."""
    check_slug(slug)
    for key, content in bases.items():
        if not _KEY.fullmatch(key):
            raise InvalidParameter(f"{key!r} is no key of a base")
        if content is not None:
            # A ref that leads to nothing would damage the store for everybody.
            store.size(content.oid)

    def edit(old: str | None) -> str | None:
        nodes = {} if old is None else {node.name: node for node in store.tree(old)}
        for key, content in bases.items():
            if content is None:
                nodes.pop(key, None)
            else:
                nodes[key] = Node(key, content.mode, content.oid)
        return store.write_tree_object(tree_body(nodes.values())) if nodes else None

    store.edit_ref(BASES + slug, edit)


def bases(store: Store, slug: str) -> dict[str, Content]:
    """Return what is kept for a collection, by key."""
    check_slug(slug)
    kept = store.target(BASES + slug)
    return {} if kept is None else {node.name: node.content for node in store.tree(kept)}
