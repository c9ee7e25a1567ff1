"""Three-way merges: lines by libgit2, files of an artifact by a table of our own.

The conflicts of a file are what is left between merging it in favour of ours and in favour of theirs: bytes, not the
text with markers in it that libgit2 would hand out and that could not be told from a file about markers.
"""

from __future__ import annotations

from collections.abc import Iterator

import pygit2
from pygit2.enums import MergeFavor, MergeFlag

from collections_app.store.history.differences import is_binary
from collections_app.store.history.repository import Store
from collections_app.store.history.trees import Node, tree_body
from collections_app.store.history.types import ConflictHunk, Content, Favour, FileMerge, TreeMerge
from skillmeat_site.upstream.object_ids import EMPTY_TREE
from skillmeat_site.upstream.types import FileMode

MAX_MERGED = 8 * 1024 * 1024
"""A larger file is merged as a whole, as a binary one is."""
_NAME = "file"


def merge_file(store: Store, base: bytes | None, ours: bytes, theirs: bytes, favour: Favour) -> FileMerge:
    """Merge three versions of a file. See ``History.merge_file``."""
    if ours == theirs or theirs == base:
        return FileMerge(ours)
    if ours == base:
        return FileMerge(theirs)
    if any(is_binary(side) or len(side) > MAX_MERGED for side in (base or b"", ours, theirs)):
        settled = {Favour.OURS: ours, Favour.THEIRS: theirs}.get(favour)
        return FileMerge(settled, binary=True)
    trees = (_tree_of(store, base), _tree_of(store, ours), _tree_of(store, theirs))
    with_ours = _merged(store, trees, MergeFavor.OURS)
    with_theirs = _merged(store, trees, MergeFavor.THEIRS)
    conflicts = tuple(_conflicts(with_ours, with_theirs))
    if favour is Favour.THEIRS:
        return FileMerge(with_theirs, conflicts)
    return FileMerge(with_ours if favour is Favour.OURS or not conflicts else None, conflicts)


def _tree_of(store: Store, data: bytes | None) -> str:
    nodes = [] if data is None else [Node(_NAME, FileMode.FILE, store.write_blob(data))]
    return store.write_tree_object(tree_body(nodes))


def _merged(store: Store, trees: tuple[str, str, str], favour: MergeFavor) -> bytes:
    index = store.git.merge_trees(*trees, favor=favour, flags=MergeFlag(0))
    return store.read(str(index[_NAME].id))


def _conflicts(ours: bytes, theirs: bytes) -> Iterator[ConflictHunk]:
    for hunk in pygit2.Patch.create_from(ours, theirs, context_lines=0).hunks:
        sides = {sign: b"".join(line.raw_content for line in hunk.lines if line.origin == sign) for sign in ("-", "+")}
        yield ConflictHunk(hunk.old_start, sides["-"], sides["+"])


class TreeMerger:
    """Merges three versions of a tree; what cannot be settled keeps ours and is told."""

    def __init__(self, store: Store, favour: Favour) -> None:
        self._store = store
        self._favour = favour
        self._conflicts: dict[str, FileMerge | None] = {}

    def merge(self, base: Content | None, ours: Content | None, theirs: Content | None) -> TreeMerge:
        """Merge and store the outcome."""
        return TreeMerge(self._one("", base, ours, theirs), self._conflicts)

    def _one(self, path: str, base: Content | None, ours: Content | None, theirs: Content | None) -> Content | None:
        if ours == theirs or theirs == base:
            return ours
        if ours == base:
            return theirs
        if self._descends(base, ours, theirs):
            return self._folder(path, base, ours, theirs)
        if ours is not None and theirs is not None and _are_files(ours, theirs):
            return self._file(path, base, ours, theirs)
        # Deleted or retyped on one side, changed on the other.
        return self._settle(path, ours, theirs, None)

    def _descends(self, base: Content | None, ours: Content | None, theirs: Content | None) -> bool:
        """Two folders; or one that a side deleted, in which the other's changes are to be found."""
        sides = [side for side in (ours, theirs) if side is not None]
        deleted = len(sides) == 1 and base is not None and base.is_folder
        return all(side.is_folder for side in sides) and (len(sides) == 2 or deleted)

    def _folder(self, path: str, *versions: Content | None) -> Content | None:
        base, ours, theirs = (
            {node.name: node.content for node in self._store.tree(side.oid)} if side and side.is_folder else {}
            for side in versions
        )
        nodes = []
        for name in sorted({*base, *ours, *theirs}):
            child = f"{path}/{name}" if path else name
            merged = self._one(child, base.get(name), ours.get(name), theirs.get(name))
            if merged is not None and merged.oid != EMPTY_TREE:
                nodes.append(Node(name, merged.mode, merged.oid))
        return Content(FileMode.TREE, self._store.write_tree_object(tree_body(nodes))) if nodes else None

    def _file(self, path: str, base: Content | None, ours: Content, theirs: Content) -> Content | None:
        is_base_file = base is not None and _are_files(base)
        mode = theirs.mode if base is not None and ours.mode == base.mode else ours.mode
        if ours.oid == theirs.oid:
            return Content(mode, ours.oid)
        if max(map(self._store.size, (ours.oid, theirs.oid))) > MAX_MERGED:
            return self._settle(path, ours, theirs, FileMerge(None, binary=True))
        before = self._store.read(base.oid) if base is not None and is_base_file else None
        ours_bytes, theirs_bytes = self._store.read(ours.oid), self._store.read(theirs.oid)
        merged = merge_file(self._store, before, ours_bytes, theirs_bytes, self._favour)
        if merged.content is None:
            return self._settle(path, ours, theirs, merged)
        return Content(mode, self._store.write_blob(merged.content))

    def _settle(
        self, path: str, ours: Content | None, theirs: Content | None, merge: FileMerge | None
    ) -> Content | None:
        if self._favour is Favour.NEITHER:
            self._conflicts[path] = merge
        return theirs if self._favour is Favour.THEIRS else ours


def _are_files(*contents: Content) -> bool:
    return all(content.mode in (FileMode.FILE, FileMode.EXECUTABLE) for content in contents)
