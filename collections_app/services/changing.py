"""The one way a collection's files are changed: artifacts, its two documents and the rows, whole or not at all.

A chunk of changes is one disk transaction, whose commit point is a row in the database transaction that tells of it
(``store.transaction``, ``services.recovery``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from collections_app.domain.lockfile import LOCK_NAME, OLD_LOCK_NAME, LockEntry, write_lock
from collections_app.domain.manifest import (
    FORMAT,
    MANIFEST_NAME,
    OLD_MANIFEST_NAME,
    ArtifactRecord,
    Manifest,
    write_manifest,
)
from collections_app.domain.types import ArtifactRef
from collections_app.errors import ChangedOnDisk
from collections_app.models import Collection, DiskOperation
from collections_app.services.holding import HeldCollection
from collections_app.services.homes import limits
from collections_app.services.recovery import committed_disk, disk_transaction
from collections_app.services.standing import what_is_at
from collections_app.store.content_ids import blob_oid
from collections_app.store.reader import Files, read_files
from collections_app.store.staging import NewFile, Stage, Staged
from collections_app.store.transaction import DiskTransaction, Expected
from skillmeat_site.core.errors import DomainError

CHUNK = 100
"""So many artifacts share one journal, one manifest write and one database transaction."""


@dataclass(frozen=True, slots=True)
class Put:
    """An artifact to be put at ``record.path``. ``files``: of a folder; of a single file one, whose path is ""; or the
    path of what is to be copied, a file or a folder.

    ``replaces``: the content id that the plan saw there, None for nothing. ``record.content_oid`` is what the staged
    files must come to. ``made_from``: the record that ``record`` was made from, None for one of no other.
    """

    record: ArtifactRecord
    files: Sequence[NewFile] | Path
    replaces: Expected
    lock: LockEntry | None
    made_from: ArtifactRecord | None = None

    @property
    def ref(self) -> ArtifactRef:
        return self.record.ref


@dataclass(frozen=True, slots=True)
class Drop:
    """An artifact to be taken away; ``present`` as seen by the plan, None where its files are gone already."""

    ref: ArtifactRef
    path: str
    present: Expected


@dataclass(frozen=True, slots=True)
class Note:
    """A record to be written anew whose files stay as they are: tags, a pin, a title. ``lock`` None leaves its own.

    ``made_from`` as in ``Put``.
    """

    record: ArtifactRecord
    lock: LockEntry | None = None
    made_from: ArtifactRecord | None = None

    @property
    def ref(self) -> ArtifactRef:
        return self.record.ref


Change = Put | Drop | Note
Rows = Callable[[Mapping[ArtifactRef, Change]], None]
"""Writes the rows of the changes that came about; called inside the transaction, which it may abort by raising."""


def change_collection(
    held: HeldCollection, changes: Iterable[Change], *, kind: str, write_rows: Rows
) -> dict[ArtifactRef, DomainError]:
    """Carry out at most ``CHUNK`` changes; return those that failed, which are as they were.

    A change whose files or record are no longer what it was planned on fails with ChangedOnDisk: whoever edited them
    meanwhile loses nothing. Everything else is done when this returns: files, collection.toml, collection.lock and
    rows agree. Raises LeaseLost, ManifestInvalid, DiskFull or what ``write_rows`` raises: then nothing has changed.
    """
    with disk_transaction(held.root, held.lease, kind=kind, limits=limits()) as disk:
        planned = {change.ref: change for change in changes}
        files = read_files(held.folder)
        records = files.manifest.by_ref() if files.manifest else {}
        failed: dict[ArtifactRef, DomainError] = {}
        targets: dict[str, ArtifactRef] = {}
        for change in planned.values():
            held.report.tick()
            try:
                _refuse_other_record(records, change)
                target = _plan(disk, change)
            except DomainError as error:
                failed[change.ref] = error
            else:
                if target is not None:
                    targets[target] = change.ref
        for swapped in disk.apply():
            if swapped.error is not None:
                failed[targets[swapped.target]] = swapped.error
        done = {ref: change for ref, change in planned.items() if ref not in failed}
        if done:
            _put_documents(disk, held, list(done.values()), files)
            with committing(disk, held):
                write_rows(done)
        return failed


def present(held: HeldCollection, path: str) -> Expected:
    """What stands at a path of the collection, as a change has to expect it. Raises as ``what_is_at``."""
    return what_is_at(held.folder, path)


@contextmanager
def committing(disk: DiskTransaction, held: HeldCollection) -> Iterator[None]:
    """The database transaction that tells of what ``disk`` did: from its end on that stays, else it is undone.

    Begun by proving the lease; counts the collection's revision up. Raises LeaseLost, and RuntimeError inside another
    transaction: that one's end, which nobody here sees, would be the commit point.
    """
    with committed_disk(disk), transaction.atomic(durable=True):
        held.lease.fence()
        DiskOperation.objects.create(id=disk.op)
        Collection.objects.filter(pk=held.row.pk).update(revision=F("revision") + 1, updated_at=timezone.now())
        yield


def _refuse_other_record(records: Mapping[ArtifactRef, ArtifactRecord], change: Change) -> None:
    """Raises ChangedOnDisk: the manifest was edited between the plan and now."""
    if isinstance(change, Drop) or change.made_from is None:
        return
    if records.get(change.ref) != change.made_from:
        raise ChangedOnDisk(f"Its record in {MANIFEST_NAME} has changed meanwhile.")


def _plan(disk: DiskTransaction, change: Change) -> str | None:
    match change:
        case Put(record=record):
            disk.put(record.path, _staged(disk.stage, change), expected=change.replaces)
            return record.path
        case Drop(path=path, present=present) if present is not None:
            disk.delete(path, expected=present)
            return path
    return None


def _staged(stage: Stage, put: Put) -> Staged:
    kind = put.ref.kind
    if isinstance(put.files, Path):
        return stage.add_copy(put.files, expected_oid=put.record.content_oid, limits=limits())
    if kind is None or kind.is_folder:
        return stage.add_folder(put.files, expected_oid=put.record.content_oid, limits=limits())
    (file,) = put.files
    return stage.add_file(file.data, expected_oid=put.record.content_oid, limits=limits())


def _put_documents(disk: DiskTransaction, held: HeldCollection, done: Sequence[Change], files: Files) -> None:
    """collection.toml and collection.lock with these changes; of a 1.x collection the old ones are kept as well.

    ``files``: as they were read before. What was edited since stays, but not in the records of these changes: then
    ChangedOnDisk is raised, and all of them are undone.
    """
    now = timezone.now()
    files = read_files(held.folder, known=files)
    raw_manifest, raw_lock = files.raw_manifest, files.raw_lock
    manifest, lock = files.manifest, files.lock
    records_now = manifest.by_ref() if manifest else {}
    for change in done:
        _refuse_other_record(records_now, change)
    gone = [change.ref for change in done if isinstance(change, Drop)]
    records = [change.record for change in done if not isinstance(change, Drop)]
    manifest = (manifest or new_manifest(held.row, now)).without(gone, updated=now).with_records(records, updated=now)
    entries = [change.lock for change in done if not isinstance(change, Drop) and change.lock is not None]
    lock = lock.without(gone).with_entries(entries)
    put_document(disk, MANIFEST_NAME, raw_manifest, write_manifest(manifest))
    put_document(disk, LOCK_NAME, raw_lock, write_lock(lock))
    if raw_manifest and manifest.source_format < FORMAT:
        _keep_old(disk, held, OLD_MANIFEST_NAME, raw_manifest)
    if raw_lock and lock.source_format < FORMAT:
        _keep_old(disk, held, OLD_LOCK_NAME, raw_lock)
    disk.apply(together=True)


def put_document(disk: DiskTransaction, name: str, old: bytes, new: bytes) -> None:
    """Plan a new version of a file of the collection that was read as ``old`` (empty: it was not there)."""
    if new != old:
        disk.put(name, disk.stage.add_file(new), expected=blob_oid(old) if old else None)


def _keep_old(disk: DiskTransaction, held: HeldCollection, name: str, raw: bytes) -> None:
    if not (held.folder / name).exists():
        disk.put(name, disk.stage.add_file(raw), expected=None)


def new_manifest(collection: Collection, now: datetime) -> Manifest:
    return Manifest(name=collection.name or collection.slug, created=now, updated=now)
