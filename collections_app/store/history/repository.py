"""The bare repository: making it, opening it, its refs and raw objects."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pygit2
from pygit2.enums import ConfigLevel, ObjectType

from collections_app.store.history.errors import HistoryBusy, HistoryDamaged, no_room, unwritable
from collections_app.store.history.trees import Node, parse_tree
from skillmeat_site.core.errors import DiskFull, InvalidParameter

SNAPSHOTS = "refs/snapshots/"
NEWEST = "refs/collections/"
BASES = "refs/bases/"
INDEX_FOLDER = "skillmeat-index"

# pygit2 raises OSError for a file that libgit2 cannot read, write or lock; without a number.
_GIT_ERRORS = (KeyError, ValueError, OSError, pygit2.GitError)
_Answer = TypeVar("_Answer")

_ATTEMPTS = 60
_PAUSE = 0.25
_REFUSALS = 4
_LOCK_LIFE = 10
"""Seconds. A ref is locked for as long as one small file takes to become durable."""

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tlogAllRefUpdates = false
\thooksPath = no-hooks
[gc]
\tauto = 0
[maintenance]
\tauto = false
[receive]
\tautogc = false
"""


def configure_library() -> None:
    """Make libgit2 durable and deaf to the configuration of whoever runs the server. Holds for the whole process.

    ``owner_validation`` guards against foreign repositories whose configuration runs programs. libgit2 runs none, and
    a volume that a container mounts is often owned by another user.
    """
    pygit2.settings.enable_fsync_gitdir(True)
    pygit2.settings.owner_validation = False
    for level in (ConfigLevel.PROGRAMDATA, ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
        pygit2.settings.search_path[level] = ""


def create_repository(path: Path) -> None:
    """Make an empty bare repository, whole or not at all: it is made beside its place and renamed to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        for folder in ("objects/pack", "objects/info", "refs/heads", INDEX_FOLDER):
            (made / folder).mkdir(parents=True)
        for name, text in (("HEAD", "ref: refs/heads/none\n"), ("config", _CONFIG)):
            with (made / name).open("w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        made.chmod(0o700)
        fsync_folder(made)
        # Another process made it meanwhile: a rename onto a folder that is not empty is refused.
        with contextlib.suppress(OSError):
            made.rename(path)
        fsync_folder(path.parent)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def check_slug(slug: str) -> None:
    """Raise InvalidParameter where a collection of this name could have no ref."""
    if "/" in slug or slug.startswith((".", "-")) or not pygit2.reference_is_valid_name(f"{NEWEST}{slug}"):
        raise InvalidParameter(f"{slug!r} is no name of a collection")


class Store:
    """The repository with exactly what the history needs of pygit2. Not for several threads at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._repository: pygit2.Repository | None = None

    @property
    def git(self) -> pygit2.Repository:
        """The repository; made where it is missing.

        Raises HistoryDamaged where something else is in its place, or it cannot be made; DiskFull.
        """
        if self._repository is None:
            configure_library()
            if not (self.path / "HEAD").exists():
                try:
                    create_repository(self.path)
                except OSError as error:
                    raise unwritable(error) from error
            try:
                self._repository = pygit2.Repository(str(self.path))
            except pygit2.GitError as error:
                raise HistoryDamaged("the store of the history is no git repository") from error
        return self._repository

    def reopen(self) -> None:
        """Forget what is known of packs: another process may have replaced them."""
        if self._repository is not None:
            self._repository.free()
            self._repository = None

    def read(self, oid: str) -> bytes:
        """Return an object's bytes. Raises HistoryDamaged where it is missing or broken."""
        return self._found(oid, lambda: self.git.odb.read(oid)[1])

    def size(self, oid: str) -> int:
        """Return an object's size without reading it. Raises HistoryDamaged where it is missing."""
        return self._found(oid, lambda: self.git.odb.read_header(oid)[1])

    def _found(self, oid: str, look: Callable[[], _Answer]) -> _Answer:
        try:
            return look()
        except _GIT_ERRORS:
            # A maintenance may have moved it to another pack.
            self.reopen()
        try:
            return look()
        except _GIT_ERRORS as error:
            raise HistoryDamaged(f"object {oid} cannot be read") from error

    def tree(self, oid: str) -> list[Node]:
        """Return the entries of a tree. Raises HistoryDamaged where it is missing or broken."""
        try:
            return parse_tree(self.read(oid))
        except (KeyError, ValueError) as error:
            raise HistoryDamaged(f"object {oid} is no tree") from error

    def write_blob(self, content: bytes) -> str:
        """Write a file's bytes; one that is there already counts as written now."""
        return str(self.git.odb.write(int(ObjectType.BLOB), content))

    def write_tree_object(self, body: bytes) -> str:
        return str(self.git.odb.write(int(ObjectType.TREE), body))

    def refs(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Yield names and targets of the refs below ``prefix``, sorted by name."""
        for raw in sorted(self.git.raw_listall_references()):
            name = raw.decode("utf-8", "replace")
            if name.startswith(prefix) and (target := self.target(name)):
                yield name, target

    def target(self, name: str) -> str | None:
        """Return what a ref points to, or None where there is none."""
        reference = self.git.references.get(name)
        return None if reference is None else str(reference.target)

    def create_ref(self, name: str, oid: str) -> bool:
        """Make a ref. False where it exists already. Raises HistoryBusy."""
        made = False

        def unless_there(old: str | None) -> str:
            nonlocal made
            made = old is None
            return old or oid

        self.edit_ref(name, unless_there)
        return made

    def edit_ref(self, name: str, edit: Callable[[str | None], str | None]) -> None:
        """Replace what a ref points to by ``edit`` of it; None stands for no ref. Nobody's change is overwritten.

        ``edit`` runs again where another process moved the ref meanwhile. Raises HistoryBusy where the ref stays
        locked, DiskFull. A lock older than any write takes was left by a process that was killed, and is removed.
        """
        refused = 0
        for _ in range(_ATTEMPTS):
            reference = self.git.references.get(name)
            old = None if reference is None else str(reference.target)
            new = edit(old)
            try:
                if new == old:
                    return
                if reference is None:
                    self.git.references.create(name, str(new))
                elif new is None:
                    reference.delete()
                else:
                    # Compared, under the ref's lock, with what this object was read as.
                    reference.set_target(new)
            except _GIT_ERRORS as error:
                if no_room(self.path, error):
                    raise DiskFull from error
                refused += not self._is_contended(name, old)
                # Once or twice, the other one may just have finished.
                if refused > _REFUSALS:
                    raise HistoryDamaged(f"{name} cannot be written") from error
                time.sleep(_PAUSE)
            else:
                return
        raise HistoryBusy()

    def _is_contended(self, name: str, old: str | None) -> bool:
        """Tell whether another process may be the reason that a ref could not be written; remove its dead locks."""
        locked = False
        for path in (self.path / f"{name}.lock", self.path / "packed-refs.lock"):
            with contextlib.suppress(FileNotFoundError):
                locked = True
                if time.time() - path.stat().st_mtime > _LOCK_LIFE:
                    path.unlink()
        return locked or self.target(name) != old

    def delete_ref(self, name: str) -> None:
        """Remove a ref; one that is gone already is fine. Raises HistoryBusy."""
        self.edit_ref(name, lambda _: None)

    def pack_folder(self) -> Path:
        folder = Path(self.git.path) / "objects" / "pack"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(error) from error
        return folder


def fsync_folder(path: Path) -> None:
    """Make what was created, renamed or removed in a folder last."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
