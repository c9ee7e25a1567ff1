"""Snapshots of a collection: take one, go back to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from collections_app.domain.types import FileMode
from collections_app.errors import PathBlocked
from collections_app.models import Collection, Snapshot
from collections_app.services.changing import committing
from collections_app.services.holding import HeldCollection, held_collection
from collections_app.services.homes import history, home, limits
from collections_app.services.indexing import known_rows, plan_index, write_index
from collections_app.store.history import History
from collections_app.store.history.types import ExcludedReason, StoredFile, Unit
from collections_app.store.history.types import Snapshot as Stored
from collections_app.store.reader import read_collection
from collections_app.store.staging import NewFile, Stage, Staged
from collections_app.store.transaction import DiskTransaction
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import NotFound
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import ItemOutcome, JobStatus

BEFORE_RESTORE = "before-restore"


@dataclass(frozen=True, slots=True)
class Restored:
    """``changed``: the artifacts and files that were swapped. ``safety``: the snapshot taken before."""

    collection: str
    snapshot_id: str
    safety_id: str | None
    changed: tuple[str, ...]
    dry_run: bool = False

    @property
    def job_status(self) -> JobStatus:
        return JobStatus.SUCCEEDED

    @property
    def item_outcome(self) -> ItemOutcome:
        return ItemOutcome.UPDATED if self.changed else ItemOutcome.UNCHANGED

    @property
    def code(self) -> str:
        return ""

    def to_json(self) -> dict[str, Any]:
        return {
            "collection": self.collection,
            "outcome": self.item_outcome.value,
            "snapshot_id": self.snapshot_id,
            "safety_snapshot_id": self.safety_id,
            "changed": list(self.changed),
            "dry_run": self.dry_run,
        }


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
    return _row(held.row, stored, job_id)


def find_snapshot(collection: Collection, snapshot_id: str) -> Snapshot:
    """A snapshot by id, or by its name in the store. Raises NotFound."""
    chosen = Snapshot.objects.filter(collection=collection)
    try:
        row = chosen.filter(pk=UUID(snapshot_id)).first()
    except ValueError:
        row = chosen.filter(key=snapshot_id).first()
    if row is None:
        raise NotFound(f"The collection {collection.slug} has no snapshot {snapshot_id[:60]!r}.")
    return row


def restore_snapshot(
    slug: str, snapshot_id: str, *, actor: Actor, report: Report, job_id: UUID | None = None, dry_run: bool = False
) -> Restored:
    """Give back every byte of the collection as it was, after a safety snapshot of what it is now.

    All or nothing. Raises NotFound, CollectionBusy, PathBlocked where something lies in the way that no snapshot
    holds (``.git`` in an artifact, a socket): it would be lost.
    """
    with held_collection(slug, report) as held:
        row = find_snapshot(held.row, snapshot_id)
        store = history()
        stored = store.get(slug, row.key)
        units = store.changed_units(stored, held.folder)
        _refuse_loss(units)
        changed = tuple(unit.path for unit in units)
        if dry_run or not units:
            return Restored(slug, str(row.pk), None, changed, dry_run)
        safety = take_snapshot(held, reason=BEFORE_RESTORE, actor=actor, job_id=job_id)
        with DiskTransaction(home(), held.root, kind="restore", limits=limits()) as disk:
            for unit in units:
                report.tick()
                now = unit.now.oid if unit.now else None
                if unit.then is None:
                    disk.delete(unit.path, expected=now)
                else:
                    disk.put(unit.path, _stage(disk.stage, store, stored, unit), expected=now)
            disk.apply(together=True)
            plan = plan_index(read_collection(held.folder, limits=limits()), known_rows(held.row, keep_imported=False))
            with committing(disk, held):
                write_index(held.row, plan)
                AuditEvent.record(
                    actor, "collection.restored", held.row, job_id=job_id, snapshot=str(row.pk), safety=str(safety.pk)
                )
        return Restored(slug, str(row.pk), str(safety.pk), changed)


def apply_retention(now: Any = None) -> Mapping[str, int]:
    """Drop what the retention rule lets go, and the space that nothing needs any more."""
    now = now or timezone.now()
    store = history()
    dropped = 0
    for collection in Collection.objects.order_by("pk"):
        keys = store.retain(collection.slug, keep=settings.SKILLMEAT_SNAPSHOT_KEEP, now=now)
        dropped += Snapshot.objects.filter(collection=collection, key__in=keys).delete()[0]
    store.maintain(now=now)
    return {"dropped": dropped}


def _row(collection: Collection, stored: Stored, job_id: UUID | None) -> Snapshot:
    return Snapshot.objects.create(
        collection=collection,
        key=stored.id,
        commit_oid=stored.commit_oid,
        tree_oid=stored.tree_oid,
        reason=stored.reason[:100],
        artifact_count=stored.artifact_count,
        job_id=job_id,
        created_at=stored.created_at,
    )


def _refuse_loss(units: list[Unit]) -> None:
    kept = [left.path for unit in units for left in unit.excluded if left.reason is not ExcludedReason.EMPTY_FOLDER]
    if kept:
        raise PathBlocked(f"No snapshot holds {', '.join(kept[:5])}: move it away first, or it would be lost.")


def _stage(stage: Stage, store: History, stored: Stored, unit: Unit) -> Staged:
    files = store.files(stored, unit.path)
    if unit.then is not None and unit.then.is_folder:
        return stage.add_folder(
            [_new_file(store, stored, file, unit.path) for file in files], expected_oid=unit.then.oid, limits=limits()
        )
    (file,) = files
    return stage.add_file(
        store.read(stored, file.path),
        expected_oid=file.oid,
        executable=FileMode(file.mode.value) is FileMode.EXECUTABLE,
        limits=limits(),
    )


def _new_file(store: History, stored: Stored, file: StoredFile, folder: str) -> NewFile:
    return NewFile(file.path[len(folder) + 1 :], store.read(stored, file.path), FileMode(file.mode.value))
