"""Files out of snapshots. Our own checkout: no attribute, filter or setting of git ever touches a byte."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from collections_app.store.history.errors import HistoryDamaged
from collections_app.store.history.repository import Store, fsync_folder
from collections_app.store.history.trees import Node, is_git_name
from collections_app.store.history.types import Content, StoredFile
from skillmeat_site.core.errors import LimitExceeded, NotFound
from skillmeat_site.upstream.types import FileMode


def lookup(store: Store, root: Content, path: str) -> Content:
    """Return what lies at a path; the empty path is the root. Raises NotFound."""
    found = root
    for part in PurePosixPath(path).parts:
        nodes = store.tree(found.oid) if found.is_folder else []
        node = next((node for node in nodes if node.name == part), None)
        if node is None:
            raise NotFound(f"the snapshot has no {path!r}")
        found = node.content
    return found


def stored_files(store: Store, root: Content, prefix: str) -> Iterator[StoredFile]:
    """Yield the files and links at and below a path, each folder's sorted by name. Raises NotFound."""
    yield from _below(store, lookup(store, root, prefix), prefix)


def _below(store: Store, content: Content, path: str) -> Iterator[StoredFile]:
    if not content.is_folder:
        yield StoredFile(path, content.mode, content.oid, store.size(content.oid))
        return
    for node in sorted(store.tree(content.oid)):
        yield from _below(store, node.content, f"{path}/{node.name}" if path else node.name)


def read_file(store: Store, root: Content, path: str, max_bytes: int | None) -> bytes:
    """Return the bytes of a file, or the target of a link. Raises NotFound, LimitExceeded."""
    found = lookup(store, root, path)
    if found.is_folder:
        raise NotFound(f"{path!r} is a folder")
    if max_bytes is not None and store.size(found.oid) > max_bytes:
        raise LimitExceeded(f"{path!r} is larger than {max_bytes} bytes")
    return store.read(found.oid)


def materialise(store: Store, root: Content, paths: Sequence[str] | None, into: Path) -> None:
    """Write parts of a tree below ``into``. See ``History.materialise``."""
    into.mkdir(parents=True, exist_ok=True)
    if paths is None:
        _write_children(store, root.oid, into)
        return
    # All are looked up before the first is written.
    wanted = [(PurePosixPath(path), lookup(store, root, path)) for path in paths]
    for path, content in wanted:
        folder = into
        for part in path.parts[:-1]:
            folder = folder / part
            if not folder.is_dir() or folder.is_symlink():
                folder.mkdir()
                fsync_folder(folder.parent)
        _write(store, Node(path.name, content.mode, content.oid), folder)
        fsync_folder(folder)


def write_content(store: Store, content: Content, target: Path) -> None:
    """Write a stored content to a path. See ``History.materialise_content``."""
    _write(store, Node(target.name, content.mode, content.oid), target.parent)
    fsync_folder(target.parent)


def _write(store: Store, node: Node, folder: Path) -> None:
    """Write one entry into a folder that is ours; whatever is there already is never followed or replaced."""
    if "/" in node.name or node.name in ("", ".", "..") or is_git_name(node.name):
        raise HistoryDamaged("the store holds a name that no snapshot has")
    path = folder / node.name
    if node.mode == FileMode.TREE:
        path.mkdir(mode=0o755)
        path.chmod(0o755)
        _write_children(store, node.oid, path)
    elif node.mode == FileMode.SYMLINK:
        path.symlink_to(os.fsdecode(store.read(node.oid)))
    elif node.mode in (FileMode.FILE, FileMode.EXECUTABLE):
        write_file(path, store.read(node.oid), executable=node.mode == FileMode.EXECUTABLE)
    else:
        raise HistoryDamaged("the store holds a mode that no snapshot has")


def _write_children(store: Store, tree: str, folder: Path) -> None:
    for node in store.tree(tree):
        _write(store, node, folder)
    fsync_folder(folder)


def write_file(path: Path, data: bytes, *, executable: bool) -> None:
    """Write a new file durably, with the mode that git means whatever the umask. Raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        os.fchmod(descriptor, 0o755 if executable else 0o644)
        file.flush()
        os.fsync(descriptor)
