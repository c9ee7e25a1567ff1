"""Snapshots of a collection: take one, go back to one, let old ones go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from collections_app.errors import ManifestInvalid, PathBlocked
from collections_app.models import Collection, Snapshot
from collections_app.services.changing import committing
from collections_app.services.holding import HeldCollection, held_collection
from collections_app.services.homes import history, limits
from collections_app.services.indexing import note_problem, plan_for, write_index
from collections_app.services.recovery import disk_transaction
from collections_app.services.results import Restored, Retained, Taken
from collections_app.store.content_ids import NO_LIMITS
from collections_app.store.history.commits import moment_of
from collections_app.store.history.types import ExcludedReason, Unit
from collections_app.store.history.types import Snapshot as Stored
from collections_app.store.reader import read_collection
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import FieldProblem, InvalidParameter, NotFound
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.reporting import Report, SilentReport
from skillmeat_site.core.text import storable

BEFORE_RESTORE = "before-restore"
BY_HAND = "manual"
MAX_REASON = 100
KEEP_DELETED = timedelta(days=30)
"""So long the snapshots of a deleted collection stay in the store."""


def take_snapshot(held: HeldCollection, *, reason: str, actor: Actor, job_id: UUID | None = None) -> Snapshot:
    """Record every byte of a held collection. Raises DiskFull, HistoryDamaged; nothing is changed then."""
    stored = history().snapshot(
        held.folder,
        held.row.slug,
        reason=reason,
        job=str(job_id or ""),
        actor=actor.name,
        now=timezone.now(),
    )
    return _row(held.row, stored, job_id, held.row.revision)


def find_snapshot(collection: Collection, snapshot_id: str) -> Snapshot:
    """A snapshot by id, or by its name in the store. Raises NotFound."""
    chosen = Snapshot.objects.filter(collection=collection)
    try:
        row = chosen.filter(pk=UUID(snapshot_id)).first()
    except ValueError:
        # No name holds a zero byte, and PostgreSQL takes none in a question.
        row = None if "\0" in snapshot_id else chosen.filter(key=snapshot_id).first()
    if row is None:
        raise NotFound(f"The collection {collection.slug} has no snapshot {snapshot_id[:60]!r}.")
    return row


def snapshot_collection(
    slug: str, *, reason: str = "", actor: Actor, report: Report, job_id: UUID | None = None, dry_run: bool = False
) -> Taken:
    """Take a snapshot because somebody asks for one. Raises NotFound (no folder either), CollectionBusy, DiskFull."""
    reason = clean_reason(reason)
    with held_collection(slug, report) as held:
        if not held.folder.is_dir():
            raise NotFound(f"The collection {slug} has no folder: there is nothing to take a snapshot of.")
        if dry_run:
            return Taken(slug, reason, None)
        row = take_snapshot(held, reason=reason, actor=actor, job_id=job_id)
        AuditEvent.record(actor, "snapshot.taken", held.row, job_id=job_id, snapshot=str(row.pk), reason=row.reason)
    return Taken(slug, reason, row)


def restore_snapshot(
    slug: str, snapshot_id: str, *, actor: Actor, report: Report, job_id: UUID | None = None, dry_run: bool = False
) -> Restored:
    """Give back every byte of the collection as it was, after a safety snapshot of what it is now.

    All or nothing. Raises NotFound, HistoryDamaged, CollectionBusy, PathBlocked where something lies in the way that
    no snapshot holds (``.git`` in an artifact, a socket): it would be lost.
    """
    with held_collection(slug, report) as held:
        row = find_snapshot(held.row, snapshot_id)
        store = history()
        stored = store.get(slug, row.key)
        if not dry_run:
            held.folder.mkdir(exist_ok=True)  # gone altogether: all the more reason to give it back
        with _folder_or_empty(held.folder) as folder:
            units = store.changed_units(stored, folder)
        _refuse_loss(units)
        changed = tuple(unit.path for unit in units)
        if dry_run or not units:
            return Restored(slug, str(row.pk), None, changed, dry_run)
        safety = take_snapshot(held, reason=BEFORE_RESTORE, actor=actor, job_id=job_id)
        with disk_transaction(held.root, held.lease, kind="restore", limits=NO_LIMITS) as disk:
            for unit in units:
                report.tick()
                now = unit.now.oid if unit.now else None
                if unit.then is None:
                    disk.delete(unit.path, expected=now)
                else:
                    make = partial(store.materialise_content, unit.then)
                    disk.put(unit.path, disk.stage.add_made(make, expected_oid=unit.then.oid), expected=now)
            disk.apply(together=True)
            write = _index_after(held)
            with committing(disk, held):
                write()
                AuditEvent.record(
                    actor, "collection.restored", held.row, job_id=job_id, snapshot=str(row.pk), safety=str(safety.pk)
                )
        return Restored(slug, str(row.pk), str(safety.pk), changed)


def _index_after(held: HeldCollection) -> Callable[[], None]:
    """What brings the index up to date with the restored files. The bytes come back even if they are nonsense."""
    try:
        plan = plan_for(held.row, read_collection(held.folder, limits=limits()), keep_imported=False)
    except ManifestInvalid as error:
        return partial(note_problem, held.row, error)
    return partial(write_index, held.row, plan)


@contextmanager
def _folder_or_empty(folder: Path) -> Iterator[Path]:
    if folder.exists():
        yield folder
        return
    with TemporaryDirectory() as empty:
        yield Path(empty)


def apply_retention(now: datetime | None = None, report: Report | None = None) -> Retained:
    """Drop what the retention rule lets go, and the space that nothing needs any more. Idempotent.

    A row whose snapshot is gone goes as well. Of a deleted collection the snapshots stay for ``KEEP_DELETED``.
    """
    now, report = now or timezone.now(), report or SilentReport()
    store = history()
    dropped = 0
    slugs = set()
    for collection in Collection.objects.order_by("pk"):
        report.tick()
        slugs.add(collection.slug)
        store.retain(collection.slug, keep=settings.SKILLMEAT_SNAPSHOT_KEEP, now=now)
        known = list(Snapshot.objects.filter(collection=collection).values_list("key", flat=True))
        # Rows are written after the snapshot: one without it is not on its way, but left behind.
        left = set(known) - set(store.identifiers(collection.slug))
        dropped += Snapshot.objects.filter(collection=collection, key__among=sorted(left)).delete()[0]
    forgotten = 0
    for slug in sorted(set(store.slugs()) - slugs):
        newest = max(store.identifiers(slug), default="")
        if not newest or moment_of(newest) < now - KEEP_DELETED:
            store.drop_collection(slug)
            forgotten += 1
    store.maintain(now=now)
    return Retained(dropped, forgotten)


def register_snapshots(held: HeldCollection) -> int:
    """Write the rows of snapshots that only the store knows: after a crash, or in a new database. Returns how many."""
    known = set(Snapshot.objects.filter(collection=held.row).values_list("key", flat=True))
    new = [stored for stored in history().snapshots(held.row.slug) if stored.id not in known]
    for stored in new:
        job = Job.objects.filter(pk=stored.job).first() if _is_uuid(stored.job) else None
        _row(held.row, stored, job.pk if job else None, 0)
    return len(new)


def clean_reason(reason: str) -> str:
    """One line of at most 100 characters. Raises InvalidParameter."""
    line = " ".join(storable(reason).split())
    if len(line) > MAX_REASON:
        detail = f"must be at most {MAX_REASON} characters"
        raise InvalidParameter(f"reason: {detail}", errors=(FieldProblem("/reason", "invalid", detail),))
    return line or BY_HAND


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _row(collection: Collection, stored: Stored, job_id: UUID | None, revision: int) -> Snapshot:
    return Snapshot.objects.create(
        collection=collection,
        key=stored.id,
        commit_oid=stored.commit_oid,
        tree_oid=stored.tree_oid,
        reason=stored.reason[:100],
        artifact_count=stored.artifact_count,
        revision=revision,
        job_id=job_id,
        created_at=stored.created_at,
    )


def _refuse_loss(units: list[Unit]) -> None:
    kept = [left.path for unit in units for left in unit.excluded if left.reason is not ExcludedReason.EMPTY_FOLDER]
    if kept:
        raise PathBlocked(f"No snapshot holds {', '.join(kept[:5])}: move it away first, or it would be lost.")
