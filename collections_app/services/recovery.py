"""Finishing or undoing what a dead process left on disk, as the database tells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError

from collections_app.models import DiskOperation
from collections_app.services.homes import home, project_roots
from collections_app.store.content_ids import Limits
from collections_app.store.layout import Root
from collections_app.store.recovery import Outcome, Recovered, recover, unfinished
from collections_app.store.transaction import DiskTransaction
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.leases import Lease

log = structlog.get_logger(__name__)


def recover_disk() -> list[Recovered]:
    """Settle every unfinished disk transaction whose process is dead. Cheap where there is none: one look at a folder.

    Called when a command or the server starts, and by whoever takes the lease of a collection or a project.
    """
    if not _anything_to_do():
        return []
    settled = recover(home(), _is_committed, roots=project_roots())
    for row in settled:
        if row.outcome is not Outcome.ALIVE:
            log.warning("disk.recovered", **{name: value for name, value in row._asdict().items() if name != "root"})
    return settled


def settle_disk(folder: Path, busy: type[DomainError], **data: Any) -> None:
    """Settle what dead processes left, and make sure that no living one is in the middle of changing the folder.

    Raises ``busy`` otherwise. Ask before taking the folder's lease, so as not to take it from one that is only slow,
    and once more after: from then on nobody else begins (``disk_transaction``).
    """
    recover_disk()
    if unfinished(home(), folder):
        raise busy("A change of its files is not finished yet.", data=data)


@contextmanager
def disk_transaction(root: Root, lease: Lease, *, kind: str, limits: Limits) -> Iterator[DiskTransaction]:
    """A disk transaction of one that holds the lease of what it changes.

    The lease is proven once the journal can be seen: either the next holder finds the journal, or this one finds its
    lease lost. So no two are ever at work in one folder, however long one of them was stopped. Raises LeaseLost, and
    as ``DiskTransaction``.
    """
    with DiskTransaction(home(), root, kind=kind, limits=limits) as disk:
        lease.renew()
        yield disk


def _anything_to_do() -> bool:
    try:
        return any(home().journal.iterdir())
    except FileNotFoundError:
        return False


def _is_committed(op: str) -> bool:
    """Whether the transaction that told of the change was committed; if not, it never will be.

    Its row is the commit point: a process that was only thought dead finds its id taken, and rolls back.
    """
    row, _ = DiskOperation.objects.get_or_create(id=op, defaults={"abandoned": True})
    return not row.abandoned


def prune_operations(before: datetime) -> int:
    """Delete the rows of disk operations from before a moment whose journal is gone. Returns how many.

    While there is a journal its row decides what becomes of the files, however old it is.
    """
    try:
        unfinished = {
            path.name.lstrip(".").partition("~")[0].removesuffix(".json") for path in home().journal.iterdir()
        }
    except FileNotFoundError:
        unfinished = set()
    old = DiskOperation.objects.filter(created_at__lt=before)
    return old.exclude(pk__in=[op for op in unfinished if _is_op(op)]).delete()[0]


def _is_op(name: str) -> bool:
    try:
        return bool(UUID(name))
    except ValueError:
        return False


@contextmanager
def committed_disk(disk: DiskTransaction) -> Iterator[None]:
    """Finish ``disk`` if the database transaction inside, which writes its DiskOperation, is committed; else undo it.

    A commit whose answer never came, or a signal right after it, is no reason to undo: the row tells. Where not even
    that can be asked, everything is left to the next recovery.
    """
    try:
        yield
    except BaseException:
        try:
            committed = DiskOperation.objects.filter(pk=disk.op, abandoned=False).exists()
        except DatabaseError:
            disk.leave()
            raise
        if committed:
            disk.finish()
        raise
    disk.finish()
