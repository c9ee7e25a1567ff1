"""One swap: done, undone, or brought to its end from wherever a dead process left it.

Where a swap stands is read off the disk, never remembered: where the staged content is (it keeps its inode), and which
of target, staging place and backup are taken. So each of these functions may be killed and called again.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from collections_app.errors import ChangedOnDisk
from collections_app.store.checkpoints import checkpoint
from collections_app.store.content_ids import NO_LIMITS, Limits
from collections_app.store.content_on_disk import content_at
from collections_app.store.disk import exchange, fsync_folder, lstat, move, open_folder
from collections_app.store.journal import ANYTHING, Journal, Swap
from skillmeat_site.core.errors import DomainError


class _Slot(NamedTuple):
    """A place: an open folder and a name in it. ``path`` is relative to the root."""

    fd: int
    name: str
    path: str

    @property
    def at(self) -> tuple[int, str]:
        return self.fd, self.name

    @property
    def inode(self) -> int | None:
        """The inode of what is there, None where nothing is."""
        found = lstat(self.name, self.fd)
        return None if found is None else found.st_ino


class _Slots(NamedTuple):
    """The places of a swap. ``staged`` of a deletion is one where nothing ever is."""

    target: _Slot
    staged: _Slot
    backup: _Slot


@dataclass(slots=True)
class Ground:
    """The root that a transaction works on, and the trash, for what nobody can account for."""

    root_fd: int
    journal: Journal
    trash: Path
    kept: list[str] = field(default_factory=list)

    def keep(self, slot: _Slot) -> None:
        """Move what is there into the home's trash: somebody's content that has no place any more."""
        self.trash.mkdir(parents=True, exist_ok=True)
        stem = f"{self.journal.op}-{slot.path.replace('/', '-')[-100:]}"
        number = 0
        while os.path.lexists(place := self.trash / f"{stem}-{number}"):
            number += 1
        try:
            os.rename(slot.name, place, src_dir_fd=slot.fd)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.move(Path(self.journal.root) / slot.path, place)
        self.kept.append(place.name)


def _slot(stack: ExitStack, ground: Ground, path: str) -> _Slot:
    *folders, name = path.split("/")
    return _Slot(stack.enter_context(open_folder(ground.root_fd, folders, make=[])), name, path)


@contextmanager
def _slots(ground: Ground, swap: Swap) -> Iterator[_Slots]:
    """Open the folders of a swap's places; missing ones are made (the journal names them). Durable at the end."""
    paths = swap.target, swap.staged or f"{ground.journal.stage}/none", swap.backup
    with ExitStack() as stack:
        target, staged, backup = (_slot(stack, ground, path) for path in paths)
        yield _Slots(target, staged, backup)
        for slot in (target, staged, backup):
            fsync_folder(slot.fd)


def do(ground: Ground, swap: Swap, limits: Limits, number: int = 0) -> None:
    """Bring the new content to the target and the old one to the backup.

    Raises ``changed_on_disk`` where the target is not what it was; other errors as the disk has them (OSError too).
    After any error ``undo`` brings back what was.
    """
    with _slots(ground, swap) as (target, staged, backup):
        seen = _check(target, swap, limits)
        checkpoint(f"checked:{number}")
        if seen is None:
            if swap.staged is not None:
                move(staged.at, target.at)
        elif swap.staged is None:
            move(target.at, backup.at)
            _same(backup, seen)
        elif exchange(staged.at, target.at):
            checkpoint(f"exchanged:{number}")
            _same(staged, seen)
            move(staged.at, backup.at)
        else:
            move(target.at, backup.at)
            checkpoint(f"set_aside:{number}")
            _same(backup, seen)
            move(staged.at, target.at)
    checkpoint(f"swapped:{number}")


def _check(target: _Slot, swap: Swap, limits: Limits) -> int | None:
    """The inode of what is at the target, None for nothing; raises ``changed_on_disk`` if that is not as expected."""
    seen = target.inode
    if swap.before == ANYTHING:
        return seen
    if seen is not None and swap.before is None and _is_empty(target, limits):
        return seen  # as in git, a folder without files is nothing
    if (seen is None) != (swap.before is None):
        raise ChangedOnDisk(
            f"{target.path}: " + ("nothing is there any more" if seen is None else "something is there")
        )
    if seen is not None:
        content = content_at(target.fd, target.name, limits=limits, any_links=True)
        if content is None or content.oid != swap.before or target.inode != seen:
            raise ChangedOnDisk(f"{target.path}: the content is not what it was")
    return seen


def _is_empty(slot: _Slot, limits: Limits) -> bool:
    content = content_at(slot.fd, slot.name, limits=limits, any_links=True)
    return content is not None and content.is_folder and not content.files


def _same(slot: _Slot, seen: int) -> None:
    if slot.inode != seen:
        raise ChangedOnDisk(f"{slot.path}: something else came there at the last moment")


def undo(ground: Ground, swap: Swap) -> None:
    """Bring back what was at the target. Content that came there since is left, and the old one goes to the trash.

    Raises OSError and what ``content_of`` raises; may be called again.
    """
    if swap.skipped or _not_begun(ground, swap):
        return
    with _slots(ground, swap) as slots:
        new = _new(slots, swap)
        old = next((slot for slot in (slots.backup, slots.staged) if slot != new and slot.inode is not None), None)
        if new is slots.target:
            _undo_done(ground, slots, swap, old)
        elif old is not None:
            if slots.target.inode is None:  # deleted, or killed between two renames
                move(old.at, slots.target.at)
            else:
                ground.keep(old)


def _not_begun(ground: Ground, swap: Swap) -> bool:
    """Whether the target was never touched. Its folder is not opened for that: it may be what stood in the way."""
    with ExitStack() as stack:
        backup = _slot(stack, ground, swap.backup)
        if backup.inode is not None:
            return False
        return swap.staged is None or _slot(stack, ground, swap.staged).inode == swap.inode


def _undo_done(ground: Ground, slots: _Slots, swap: Swap, old: _Slot | None) -> None:
    if not _untouched(slots.target, swap):
        if old is not None:
            ground.keep(old)
        return
    if old is None:
        move(slots.target.at, slots.staged.at)
    elif not exchange(old.at, slots.target.at):
        if old is slots.staged:  # exchanged once and not a second time: the other place is free
            move(slots.target.at, slots.backup.at)
        else:
            move(slots.target.at, slots.staged.at)
        checkpoint("undo:set_aside")
        move(old.at, slots.target.at)


def _untouched(slot: _Slot, swap: Swap) -> bool:
    """Whether the new content is still what was put there. What cannot be read is somebody's doing."""
    try:
        content = content_at(slot.fd, slot.name, limits=NO_LIMITS, any_links=True)
    except DomainError:
        return False
    return content is not None and content.oid == swap.new


def _new(slots: _Slots, swap: Swap) -> _Slot | None:
    """Where the new content is now; None where it is gone, or where there never was one."""
    if swap.staged is None:
        return None
    for slot in slots:
        if slot.inode == swap.inode:
            return slot
    # No inode matches: the folder was copied from elsewhere, or somebody has replaced the new content.
    if swap.new != swap.before:
        for slot in slots:
            if slot.inode is not None and _untouched(slot, swap):
                return slot
    return None


def finish(ground: Ground, swap: Swap) -> None:
    """Bring a swap to its end whose transaction is committed: it is done already, or all but done.

    Where that cannot be, as somebody changed the target meanwhile, the new content goes to the trash.
    """
    if swap.skipped:
        return
    with _slots(ground, swap) as slots:
        if swap.staged is None:
            pending = slots.backup.inode is None and slots.target.inode is not None
        else:
            pending = _new(slots, swap) is slots.staged
        if pending and slots.backup.inode is not None and slots.target.inode is None:
            move(slots.staged.at, slots.target.at)
            pending = False
    if not pending:
        return
    try:
        do(ground, swap, NO_LIMITS)
    except ChangedOnDisk:
        with _slots(ground, swap) as slots:
            if slots.staged.inode is not None:
                ground.keep(slots.staged)
