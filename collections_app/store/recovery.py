"""What a dead process left: finished or undone, as the database tells."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from collections_app.errors import JournalInvalid
from collections_app.store import journal as journals
from collections_app.store.checkpoints import checkpoint
from collections_app.store.disk import FOLDER_FLAGS, meaning
from collections_app.store.ending import drop, finish_all, remove_journal, undo_all
from collections_app.store.journal import Journal, JournalFile
from collections_app.store.layout import Home
from collections_app.store.owner import Alive, Owner, is_alive, this_process
from collections_app.store.swaps import Ground
from skillmeat_site.core.errors import DomainError

logger = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What became of one journal."""

    FINISHED = "finished"
    UNDONE = "undone"
    ALIVE = "alive"  # its process lives, or may: not touched
    INVALID = "invalid"  # no journal, or one that names a place outside: not touched
    FAILED = "failed"  # code and detail tell; the next recovery tries again


class Recovered(NamedTuple):
    """One journal. ``kept``: names in the home's trash of content that nobody could account for."""

    op: str
    outcome: Outcome
    kind: str = ""
    root: str = ""
    code: str = ""
    detail: str = ""
    kept: tuple[str, ...] = ()


def recover(
    home: Home,
    committed: Callable[[str], bool],
    *,
    roots: Sequence[Path] = (),
    alive: Alive = is_alive,
) -> list[Recovered]:
    """Finish or undo every transaction whose process is dead; one row per journal, never an error for one.

    ``committed(op)`` tells whether the caller's database holds the row of the transaction, and must settle that for
    good: a process that was only thought dead must not be able to commit afterwards. What it raises is passed on.
    ``roots``: the folders besides the home in which transactions may have worked (projects). Killed in the middle, the
    next call goes on. Several processes may call it at once: each journal is taken by one. Raises ``disk_denied``
    where the journal folder cannot be read.
    """
    with meaning("journal"):
        try:
            names = sorted(os.listdir(home.journal))
        except FileNotFoundError:
            return []
    rows = (_recover(home, home.journal / name, committed, roots, alive) for name in names)
    found = [row for row in rows if row is not None]
    for row in found:
        logger.log(logging.INFO if row.outcome in _WELL else logging.WARNING, "Journal %s: %s", row.op, row)
    return found


_WELL = frozenset({Outcome.FINISHED, Outcome.UNDONE, Outcome.ALIVE})


def unfinished(home: Home, folder: Path) -> list[str]:
    """The ids of transactions that are at work in the folder, or were and could not be settled.

    Whoever holds a lease on the folder asks after ``recover``: a transaction that a living process is still at may be
    stopped between any two of its steps, lease or no lease, and would go on in the middle of what another does. Raises
    ``disk_denied`` where the journal folder cannot be read.
    """
    place = Path(os.path.realpath(folder))
    with meaning("journal"):
        try:
            names = sorted(os.listdir(home.journal))
        except FileNotFoundError:
            return []
    return [journal.op for name in names for journal in _readable(home.journal / name) if _touches(journal, place)]


def _readable(path: Path) -> Iterator[Journal]:
    with suppress(FileNotFoundError, JournalInvalid):
        file = journals.identify(path)
        if not file.is_temporary:
            yield journals.read(file)


def _touches(journal: Journal, folder: Path) -> bool:
    """Whether the folder is the transaction's root, or a target of one that moves whole folders, or may become one."""
    root = Path(journal.root)
    if not journal.swaps:
        return folder.is_relative_to(root)
    return folder == root or any(folder == root / swap.target for swap in journal.swaps)


def _recover(
    home: Home, path: Path, committed: Callable[[str], bool], roots: Sequence[Path], alive: Alive
) -> Recovered | None:
    try:
        file = journals.identify(path)
        if file.is_temporary:
            _sweep(file, alive)
            return None
        journal = journals.read(file)
        _check_root(Path(journal.root), home, roots, journal)
    except FileNotFoundError:
        return None
    except JournalInvalid as error:
        return Recovered(path.name, Outcome.INVALID, code=error.code, detail=error.detail)
    row = Recovered(journal.op, Outcome.ALIVE, journal.kind, journal.root)
    if _lives(file.taken_by or journal.owner, journal.op, alive):
        return row
    taken = journals.take_over(file, this_process())
    if taken is None:
        return row
    journals.running.add(journal.op)
    try:
        checkpoint("recovery:taken")
        return _settle(home, taken, journal, committed(journal.op), row)
    except (DomainError, OSError) as error:
        logger.exception("Journal %s could not be settled", journal.op)
        code = error.code if isinstance(error, DomainError) else "disk_error"
        detail = error.detail if isinstance(error, DomainError) else type(error).__name__
        return row._replace(outcome=Outcome.FAILED, code=code, detail=detail)
    finally:
        journals.running.discard(journal.op)


def _lives(owner: Owner, op: str, alive: Alive) -> bool:
    me = this_process()
    if (owner.host, owner.pid, owner.started) == (me.host, me.pid, me.started):
        return op in journals.running
    return alive(owner)


def _sweep(file: JournalFile, alive: Alive) -> None:
    """Remove a journal that was never whole: nothing had begun, or the older one still stands."""
    if file.taken_by is not None and not _lives(file.taken_by, file.op, alive):
        file.path.unlink(missing_ok=True)


def _check_root(root: Path, home: Home, roots: Sequence[Path], journal: Journal) -> None:
    """Refuse a root that is not below the home's collections or one of ``roots``, or is reached through a link."""
    if os.path.realpath(root) != str(root):
        raise JournalInvalid(f"{journal.op}: the root is reached through a link")
    own = Path(os.path.realpath(home.path))
    if root == own:
        targets = [swap.target for swap in journal.swaps]
        kept = [swap.backup for swap in journal.swaps if swap.keep]
        if all(place.startswith(("collections/", "trash/")) for place in (*targets, *kept)):
            return
    elif any(root.is_relative_to(os.path.realpath(place)) for place in (home.collections, *roots)):
        return
    raise JournalInvalid(f"{journal.op}: the root is not a place of ours")


def _settle(home: Home, path: Path, journal: Journal, is_committed: bool, row: Recovered) -> Recovered:
    outcome = Outcome.FINISHED if is_committed else Outcome.UNDONE
    kept: list[str] = []
    if "" not in journal.made or os.path.lexists(journal.root):  # else it was killed before the root was made
        with meaning(Path(journal.root).name):
            root_fd = os.open(journal.root, FOLDER_FLAGS)
        try:
            ground = Ground(root_fd, journal, home.trash, kept)
            if is_committed:
                finish_all(ground)
            else:
                undo_all(ground)
            drop(ground, committed=is_committed)
        finally:
            os.close(root_fd)
    with meaning("journal"):
        remove_journal(path)
    code = "changed_on_disk" if kept else ""
    detail = "Content that nobody could account for was put into the trash" if kept else ""
    return row._replace(outcome=outcome, code=code, detail=detail, kept=tuple(kept))
