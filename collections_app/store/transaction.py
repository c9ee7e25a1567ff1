"""One disk transaction: the only way anything of the user's on disk is changed.

::

    with DiskTransaction(home, home.root_of(slug), kind="import") as disk:
        staged = disk.stage.add_folder(files, expected_oid=entry.content_oid)
        disk.put("skills/a", staged, expected=None)       # None: nothing may be there
        disk.delete("skills/b", expected=record.content_oid)
        swapped = disk.apply()                            # failed ones are undone one by one, the rest stays
        disk.put("collection.toml", disk.stage.add_file(new), expected=blob_oid(old))
        disk.apply(together=True)                         # one fails: all of this call are undone, and it raises
        with atomic():
            ...                                           # rows, and one that says that disk.op is committed
        disk.finish()                                     # old copies dropped, journal removed

Left without ``finish``, by an error or otherwise, everything is undone. Killed anywhere, ``recovery.recover`` undoes
or finishes it, as the committed row tells.
"""

from __future__ import annotations

import logging
import os
import uuid
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from collections_app.domain.names import check_relative
from collections_app.errors import UnsafeLink, UnsafePath
from collections_app.store import journal as journals
from collections_app.store import swaps
from collections_app.store.checkpoints import checkpoint
from collections_app.store.content_ids import DEFAULT_LIMITS, Limits
from collections_app.store.disk import fsync_folder, lstat, meaning, open_folder
from collections_app.store.ending import drop, remove_journal, undo_all
from collections_app.store.journal import Journal, Swap
from collections_app.store.layout import Home, Root
from collections_app.store.owner import LEASE_SECONDS, this_process
from collections_app.store.staging import Stage, Staged
from collections_app.store.swaps import Ground
from skillmeat_site.core.errors import DomainError, LeaseLost

logger = logging.getLogger(__name__)


class Whatever(Enum):
    """Stands for any content or none."""

    WHATEVER = "whatever"


WHATEVER = Whatever.WHATEVER
Expected = str | None | Whatever
"""What the caller saw at the target: a content id, None for nothing, or ``WHATEVER`` (the caller has a copy)."""


class Swapped(NamedTuple):
    """How one swap went: ``error`` is None, or why the target is as it was. ``new_oid`` None: deleted."""

    target: str
    new_oid: str | None
    error: DomainError | None


class DiskTransaction:
    """See the module. Not shared between threads. Holds no lock: the caller holds the collection's lease."""

    def __init__(
        self,
        home: Home,
        root: Root,
        *,
        kind: str,
        limits: Limits = DEFAULT_LIMITS,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        """``root.path`` is made if its parent exists. ``limits`` hold for reading what is at the targets."""
        check_relative(root.work)
        self.op = uuid.uuid4().hex
        self._home = home
        self._root = root
        self._limits = limits
        self._lease_seconds = lease_seconds
        self._folder = Path(os.path.realpath(root.path))
        owner = this_process(lease_seconds)
        self._journal = Journal(self.op, kind, owner, str(self._folder), root.work)
        self._inode = 0
        self._ground: Ground | None = None
        self._stage: Stage | None = None
        self._planned: list[Swap] = []

    @property
    def stage(self) -> Stage:
        """Where new content is staged; only while the transaction is entered."""
        assert self._stage is not None, "the transaction is not entered"
        return self._stage

    def __enter__(self) -> Self:
        """Write the journal, make the working folder.

        Raises ``disk_full``, ``disk_denied``, ``path_blocked``, ``unsafe_link``, ``not_found`` (no parent folder).
        """
        if self._root.path.is_symlink():
            raise UnsafeLink(f"{self._root.path.name} is a link")
        with meaning("journal"):
            self._home.journal.mkdir(parents=True, exist_ok=True)
        journals.running.add(self.op)
        try:
            self._open()
        except BaseException:
            self._abandon()
            raise
        return self

    def _open(self) -> None:
        with meaning(self._folder.name):
            is_new = not os.path.lexists(self._folder)
            missing = [path for path in _above(self._journal.work) if not os.path.lexists(self._folder / path)]
        self._journal = replace(self._journal, made=(*([""] if is_new else []), *missing))
        self._inode = journals.write(self._home.journal, self._journal)
        checkpoint("begun")
        with meaning(self._folder.name):
            if is_new:
                self._folder.mkdir(exist_ok=True)
                journals.fsync_path(self._folder.parent)
            root_fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            self._ground = Ground(root_fd, self._journal, self._home.trash)
            for folder in (self._journal.stage, self._journal.old):
                with open_folder(root_fd, folder.split("/"), make=[]) as fd:
                    fsync_folder(fd)
        self._stage = Stage(root_fd, self._journal.stage, self._folder)
        checkpoint("opened")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Undo, unless finished. Another error that this meets is logged: the next recovery tries again."""
        if self._ground is None:
            return
        try:
            self.undo()
        except (DomainError, OSError):
            logger.exception("Disk transaction %s could not be undone; it stays in the journal", self.op)

    def put(self, target: str, staged: Staged, *, expected: Expected) -> None:
        """Plan that ``staged`` comes to ``target`` (relative to the root); raises ``unsafe_path``.

        Each target once in a transaction; each staged content once.
        """
        self._plan(target, staged=staged.path, new=staged.oid, expected=expected)

    def delete(self, target: str, *, expected: Expected, keep_as: str | None = None) -> None:
        """Plan that what is at ``target`` goes; ``keep_as``: to this path (``trash/…``), where it stays.

        Raises ``unsafe_path``. Folders that this leaves empty go too, but for those directly below the root.
        """
        self._plan(target, expected=expected, keep_as=keep_as)

    def _plan(
        self,
        target: str,
        *,
        expected: Expected,
        staged: str | None = None,
        new: str | None = None,
        keep_as: str | None = None,
    ) -> None:
        number = len(self._journal.swaps) + len(self._planned)
        before = journals.ANYTHING if isinstance(expected, Whatever) else expected
        backup = keep_as or f"{self._journal.old}/{number}"
        swap = Swap(target, backup, staged, 0, before, new, keep_as is not None)
        try:
            journals.check_swap(self._journal, swap)
        except ValueError as error:
            raise UnsafePath(f"{target[:80]!a}: {error}") from None
        if any(other.target == target and not other.skipped for other in (*self._journal.swaps, *self._planned)):
            raise ValueError(f"{target!a} is a target already")
        self._planned.append(swap)

    def apply(self, *, together: bool = False) -> tuple[Swapped, ...]:
        """Swap what was planned since the last call, in order; one row for each.

        A swap that fails (``changed_on_disk``, ``path_blocked``, ``unsafe_link``, ``disk_…``) is undone by itself and
        reported. With ``together`` the first failure undoes all swaps of this call and is raised. Raises
        ``lease_lost`` where another process has taken the journal over. On return everything is durable.
        """
        ground = self._entered()
        self._check_ours()
        first = len(self._journal.swaps)
        self._extend(ground)
        rows: list[Swapped] = []
        for number, swap in list(enumerate(self._journal.swaps))[first:]:
            error = self._swap(ground, swap, number)
            rows.append(Swapped(swap.target, swap.new, error))
            if error is not None and together:
                for earlier in reversed(range(first, number)):
                    self._undo_one(ground, earlier)
                self._skip(range(first, len(self._journal.swaps)))
                raise error
        failed = [first + place for place, row in enumerate(rows) if row.error is not None]
        if failed:
            self._skip(failed)
        checkpoint("applied")
        return tuple(rows)

    def _extend(self, ground: Ground) -> None:
        """Write the planned swaps into the journal, with the inodes and the folders that recovery needs to know."""
        new = [replace(swap, inode=self._inode_of(ground, swap)) for swap in self._planned]
        made = dict.fromkeys(self._journal.made)
        for swap in new:
            for path in (swap.target, *([swap.backup] if swap.keep else [])):
                made.update((above, None) for above in _above(path) if not os.path.lexists(self._folder / above))
        self._planned = []
        self._write(replace(self._journal, swaps=(*self._journal.swaps, *new), made=tuple(made)))

    def _inode_of(self, ground: Ground, swap: Swap) -> int:
        if swap.staged is None:
            return 0
        *folders, name = swap.staged.split("/")
        with meaning(swap.target), open_folder(ground.root_fd, folders) as fd:
            found = lstat(name, fd)
        assert found is not None, "staged content is gone"
        return found.st_ino

    def _swap(self, ground: Ground, swap: Swap, number: int) -> DomainError | None:
        self._check_ours()
        try:
            with meaning(swap.target):
                swaps.do(ground, swap, self._limits, number)
        except DomainError as error:
            self._undo_one(ground, number)
            return error
        return None

    def _undo_one(self, ground: Ground, number: int) -> None:
        swap = self._journal.swaps[number]
        with meaning(swap.target):
            swaps.undo(ground, swap)
        checkpoint(f"taken_back:{number}")

    def _skip(self, numbers: list[int] | range) -> None:
        skipped = set(numbers)
        rows = enumerate(self._journal.swaps)
        swapped = tuple(replace(swap, skipped=True) if number in skipped else swap for number, swap in rows)
        self._write(replace(self._journal, swaps=swapped))

    def renew(self) -> None:
        """Put off the end of the lease; called now and then in a long staging. Raises ``lease_lost``."""
        self._write(self._journal)

    def _write(self, journal: Journal) -> None:
        self._check_ours()
        journal = replace(journal, owner=journal.owner.renewed(self._lease_seconds))
        self._inode = journals.write(self._home.journal, journal)
        self._journal = journal
        self._entered().journal = journal
        self._check_ours()

    def _check_ours(self) -> None:
        path = self._home.journal / f"{self.op}.json"
        with suppress(OSError):
            if path.stat().st_ino == self._inode and not any(self._home.journal.glob(f"{self.op}~*.json")):
                return
        raise LeaseLost("Another process has taken the disk transaction over")

    def _entered(self) -> Ground:
        assert self._ground is not None, "the transaction is not entered, or ended"
        return self._ground

    def finish(self) -> None:
        """Drop old copies and the journal. Never raises: what cannot be dropped now, the next recovery drops."""
        ground = self._entered()
        try:
            self._check_ours()
            drop(ground, committed=True)
            remove_journal(self._home.journal / f"{self.op}.json")
        except (DomainError, OSError):
            logger.exception("Disk transaction %s is committed; its old copies stay until the next recovery", self.op)
        self._close()

    def undo(self) -> None:
        """Put everything back. What cannot be put back stays in the journal for the next recovery, and it raises."""
        ground = self._entered()
        try:
            self._check_ours()
            undo_all(ground)
            drop(ground, committed=False)
            with meaning("journal"):
                remove_journal(self._home.journal / f"{self.op}.json")
        finally:
            self._close()

    def leave(self) -> None:
        """Leave everything as it is to the next recovery: nobody can tell here whether it is committed."""
        self._close()

    def _abandon(self) -> None:
        """Remove what an entering that failed has left."""
        with suppress(DomainError, OSError):
            if self._ground is not None:
                drop(self._ground, committed=False)
            remove_journal(self._home.journal / f"{self.op}.json")
        self._close()

    def _close(self) -> None:
        if self._ground is not None:
            os.close(self._ground.root_fd)
        self._ground = None
        self._stage = None
        journals.running.discard(self.op)


def _above(path: str) -> list[str]:
    """The folders that a path lies in, outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
