"""The journal of a disk transaction: one file that says what is to be swapped, and whose it is.

``<op>.json`` is written by the transaction; ``<op>~<owner>.json`` is the same file, taken over by a recovery: renaming
is how exactly one of several gets it. ``.<op>~<owner>.tmp`` is one that is just being written.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from collections_app.domain.names import check_relative
from collections_app.errors import JournalInvalid, UnsafePath
from collections_app.store.checkpoints import checkpoint
from collections_app.store.disk import fsync_folder, meaning
from collections_app.store.layout import WORK
from collections_app.store.owner import Owner

VERSION = 1
ANYTHING = "*"
"""Stands in ``Swap.before`` for any content or none."""

MAX_BYTES = 16 * 1024 * 1024
_NAME = re.compile(r"(?P<dot>\.?)(?P<op>[0-9a-f]{32})(?:~(?P<token>[0-9a-f.-]+))?\.(?P<end>json|tmp)")
_OID = re.compile(r"[0-9a-f]{40}")

running: set[str] = set()
"""Transactions and recoveries that this process is at: others of its journals were left behind by an error."""


@dataclass(frozen=True, slots=True)
class Swap:
    """One swap. Paths are relative to the root.

    ``staged`` None: the target is deleted. ``inode``: that of the staged content, which it keeps wherever it is moved.
    ``before`` and ``new``: the ids of the old content (None: nothing was there) and of the new one. ``keep``: what was
    there stays at ``backup``. ``skipped``: this swap failed and was undone; nothing of it is to be done.
    """

    target: str
    backup: str
    staged: str | None = None
    inode: int = 0
    before: str | None = None
    new: str | None = None
    keep: bool = False
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal, read. ``made``: folders that were not there before ("" = the root), in the order of making."""

    op: str
    kind: str
    owner: Owner
    root: str
    work: str
    swaps: tuple[Swap, ...] = ()
    made: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The transaction's own folder, relative to the root."""
        return f"{self.work}/{self.op}"

    @property
    def stage(self) -> str:
        """The folder of staged content, relative to the root."""
        return f"{self.folder}/new"

    @property
    def old(self) -> str:
        """The folder of old content, relative to the root."""
        return f"{self.folder}/old"

    @property
    def dropped(self) -> str:
        """What ``folder`` is renamed to when all is settled and only rubbish is left in it."""
        return f"{self.folder}.done"


@dataclass(frozen=True, slots=True)
class JournalFile:
    """A file found in the journal folder. ``taken_by``: the recovery it was taken over by, if any."""

    path: Path
    op: str
    taken_by: Owner | None
    is_temporary: bool


def identify(path: Path) -> JournalFile:
    """What the file's name says; raises ``journal_invalid`` for a name that no journal has."""
    match = _NAME.fullmatch(path.name)
    if match is None or (match["dot"] == ".") != (match["end"] == "tmp"):
        raise JournalInvalid(f"{path.name!a} is not the name of a journal")
    try:
        owner = Owner.from_token(match["token"]) if match["token"] else None
    except ValueError:
        raise JournalInvalid(f"{path.name!a} is not the name of a journal") from None
    return JournalFile(path, match["op"], owner, match["end"] == "tmp")


def write(folder: Path, journal: Journal) -> int:
    """Write ``<op>.json``, whole and durable, in the place of an older one; its inode, which tells it from others."""
    temporary = folder / f".{journal.op}~{journal.owner.token}.tmp"
    target = folder / f"{journal.op}.json"
    raw = json.dumps({"version": VERSION, **asdict(journal)}, indent=1).encode()
    with meaning("journal"):
        try:
            with temporary.open("wb") as file:
                checkpoint("journal:writing")
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
                inode = os.fstat(file.fileno()).st_ino
            checkpoint("journal:written")
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        checkpoint("journal:renamed")
        fsync_path(folder)
    return inode


def take_over(file: JournalFile, owner: Owner) -> Path | None:
    """Rename the journal to one of ``owner``; its new path, None where another was faster."""
    path = file.path.with_name(f"{file.op}~{owner.token}.json")
    try:
        file.path.rename(path)
    except FileNotFoundError:
        return None
    fsync_path(path.parent)
    return path


def fsync_path(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fsync_folder(fd)
    finally:
        os.close(fd)


def read(file: JournalFile) -> Journal:
    """Read and check a journal; raises ``journal_invalid``: every path it names lies below its root."""
    try:
        fd = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ValueError("too large")
        stored = json.loads(raw)
        if stored["version"] != VERSION:
            raise ValueError("another version")
        journal = _journal(stored)
        if journal.op != file.op:
            raise ValueError("another transaction's")
        for swap in journal.swaps:
            check_swap(journal, swap)
        for path in filter(None, journal.made):
            check_relative(path)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, UnsafePath) as error:
        raise JournalInvalid(f"{file.path.name}: {type(error).__name__}: {str(error)[:200]}") from None
    return journal


def _journal(stored: Mapping[str, Any]) -> Journal:
    fields = {key: value for key, value in stored.items() if key != "version"}
    owner = Owner(**fields.pop("owner"))
    swaps = tuple(Swap(**swap) for swap in fields.pop("swaps"))
    made = tuple(fields.pop("made"))
    journal = Journal(**fields, owner=owner, swaps=swaps, made=made)
    texts = (journal.op, journal.kind, journal.root, journal.work, owner.host, *made)
    numbers = (owner.pid, owner.started, *(swap.inode for swap in swaps))
    if not all(type(text) is str for text in texts) or not all(type(number) is int for number in numbers):
        raise TypeError("a field of another type")
    if not isinstance(owner.until, int | float):
        raise TypeError("a field of another type")
    if not Path(journal.root).is_absolute() or ".." in Path(journal.root).parts:
        raise ValueError("the root is not absolute")
    if check_relative(journal.work)[-1] != WORK:
        raise ValueError("not a working folder")
    return replace(journal, owner=replace(owner, until=float(owner.until)))


def check_swap(journal: Journal, swap: Swap) -> None:
    """Refuse a swap that leaves the root, or touches what is not its own in the working folder."""
    if type(swap.keep) is not bool or type(swap.skipped) is not bool:
        raise TypeError("a field of another type")
    for oid in (swap.before, swap.new):
        if oid not in (None, ANYTHING) and not _OID.fullmatch(oid):
            raise ValueError("no content id")
    outside = [swap.target, *([swap.backup] if swap.keep else [])]
    for path in outside:
        check_relative(path)
        if f"{path}/".startswith(f"{journal.work}/") or f"{journal.work}/".startswith(f"{path}/"):
            raise ValueError("a target in the working folder")
    if not swap.keep:
        _check_inside(swap.backup, journal.old)
    if swap.staged is not None:
        _check_inside(swap.staged, journal.stage)


def _check_inside(path: str, folder: str) -> None:
    check_relative(path)
    if path.rpartition("/")[0] != folder:
        raise ValueError("a path that is not the transaction's own")
