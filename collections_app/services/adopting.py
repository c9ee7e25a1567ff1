"""Taking over what is there already: collections below the home, a SkillMeat 1.x home, a folder of Claude Code.

What is adopted from elsewhere is copied and never written to; nothing here is overwritten by it.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from collections_app.domain.lockfile import LOCK_NAME, LockEntry
from collections_app.domain.manifest import MANIFEST_NAME, ArtifactRecord, Manifest, write_manifest
from collections_app.domain.names import FOLDERS, check_relative, check_slug
from collections_app.domain.places import Places
from collections_app.domain.types import ArtifactRef, Origin
from collections_app.errors import UnsafePath
from collections_app.models import Artifact, Collection
from collections_app.services.changing import (
    CHUNK,
    Change,
    Note,
    Put,
    change_collection,
    committing,
    new_manifest,
    present,
    put_document,
)
from collections_app.services.holding import HeldCollection, held_collection
from collections_app.services.homes import home, limits
from collections_app.services.indexing import plan_for, read_index, write_index
from collections_app.services.rows import row_id
from collections_app.services.settled_rows import STOPS
from collections_app.services.snapshots import register_snapshots
from collections_app.store.content_on_disk import content_oid
from collections_app.store.reader import CollectionOnDisk, read_collection, read_files
from collections_app.store.transaction import DiskTransaction
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import DomainError, InvalidParameter, NotFound
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import BulkResult, ItemOutcome, ObjectRef, Row

_OURS = dict.fromkeys((MANIFEST_NAME, LOCK_NAME), "the collection's own file")


@dataclass(frozen=True, slots=True)
class Adoptable:
    """A folder that can become a collection, and what the collection would be called (empty: nothing can)."""

    slug: str
    folder: Path


def adopt_in_place(*, actor: Actor, report: Report, dry_run: bool = False) -> BulkResult:
    """Index every folder below ``collections/``, one row each; files are only read. A name that is no slug fails."""
    place = home().collections
    names = sorted(path.name for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
    run = _Run(actor, report, dry_run)
    rows: list[Row] = []
    for name in names:
        report.tick()
        rows += _settled(name, partial(_adopt_here, run, name))
    return BulkResult(tuple(rows), dry_run)


def adopt_from(path: Path, *, actor: Actor, report: Report, dry_run: bool = False) -> BulkResult:
    """Copy what ``path`` holds into collections: a row for each collection, and one for each artifact.

    ``unchanged``: it is here already, byte for byte. ``conflict``: another content is. Raises NotFound,
    InvalidParameter for a folder that is nothing of the kind.
    """
    run = _Run(actor, report, dry_run)
    rows: list[Row] = []
    for found in find_adoptable(path):
        report.tick()
        label = found.slug or found.folder.name
        rows += _settled(label, partial(_copy, run, found))
    return BulkResult(tuple(rows), dry_run)


def find_adoptable(path: Path) -> list[Adoptable]:
    """A 1.x home's collections, a collection, or the artifacts of a ``.claude`` folder. Raises as ``adopt_from``."""
    folder = Path(path).expanduser().absolute()
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder.name!r}.")
    inside = folder / "collections"
    if not (folder / MANIFEST_NAME).exists() and inside.is_dir():
        found = sorted(below for below in inside.iterdir() if (below / MANIFEST_NAME).exists() and below.is_dir())
        if found:
            return [Adoptable(slug_of(below.name), below) for below in found]
    if (folder / MANIFEST_NAME).exists() or any((folder / name).is_dir() for name in FOLDERS.values()):
        name = folder.parent.name if folder.name.startswith(".") else folder.name
        return [Adoptable(slug_of(name), folder)]
    detail = "is neither a SkillMeat home, nor a collection, nor a folder with skills, commands or agents"
    raise InvalidParameter(f"{folder.name!r} {detail}.")


def slug_of(name: str) -> str:
    """A slug like the name, or "" where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].strip("-")


@dataclass(frozen=True, slots=True)
class _Run:
    actor: Actor
    report: Report
    dry_run: bool


def _settled(label: str, work: Callable[[], list[Row]]) -> list[Row]:
    try:
        return work()
    except STOPS:
        raise
    except DomainError as error:
        return [Row(ObjectRef("collection", label, label), ItemOutcome.FAILED, error.code, error.detail)]


def _adopt_here(run: _Run, slug: str) -> list[Row]:
    check_slug(slug)
    ref = ObjectRef("collection", slug, slug)
    known = Collection.objects.filter(slug=slug).exists()
    if run.dry_run and not known:
        found = read_collection(home().collection(slug), limits=limits())
        return [Row(ref, ItemOutcome.CREATED, detail={"artifacts": len(found.artifacts)})]
    with held_collection(slug, run.report, create=True) as held:
        plan = read_index(held.row)
        if not run.dry_run:
            with transaction.atomic():
                held.lease.fence()
                write_index(held.row, plan)
                register_snapshots(held)
                if plan.changes or not known:
                    AuditEvent.record(run.actor, "collection.adopted", held.row)
        changed = ItemOutcome.UPDATED if plan.changes else ItemOutcome.UNCHANGED
        errors = [dict(error) for error in plan.result.errors]
        told = {"artifacts": len(plan.added) + len(plan.updated) + plan.result.unchanged, "errors": errors}
        return [Row(ref, changed if known else ItemOutcome.CREATED, detail=told)]


def _copy(run: _Run, found: Adoptable) -> list[Row]:
    return _Copy(run, found).rows()


class _Copy:
    """One folder on its way into one collection."""

    def __init__(self, run: _Run, found: Adoptable) -> None:
        self.run = run
        self.slug = check_slug(found.slug)
        self.source = found.folder
        self.now: datetime = timezone.now()
        self.settled: dict[ArtifactRef, Row] = {}

    def rows(self) -> list[Row]:
        on_disk = read_collection(self.source, limits=limits())
        known = Collection.objects.filter(slug=self.slug).exists()
        if self.run.dry_run:
            self._plan(on_disk, self._here)
            return self._told(known)
        with held_collection(self.slug, self.run.report, create=True) as held:
            changes = self._plan(on_disk, lambda path: present(held, path))
            if changes or not (held.folder / MANIFEST_NAME).exists():
                self._begin(held, on_disk.files.manifest)
            for start in range(0, len(changes), CHUNK):
                failed = change_collection(
                    held, changes[start : start + CHUNK], kind="adopt", write_rows=self._writer(held)
                )
                for ref, error in failed.items():
                    self._settle(ref, ItemOutcome.FAILED, error.code, error.detail)
        return self._told(known)

    def _here(self, path: str) -> object:
        """What a dry run sees at a path of the collection, which need not exist."""
        return content_oid(home().collection(self.slug).joinpath(*check_relative(path)), limits=limits())

    def _plan(self, on_disk: CollectionOnDisk, here: Callable[[str], object]) -> list[Change]:
        folder = home().collection(self.slug)
        mine = read_files(folder).manifest
        records = mine.by_ref() if mine else {}
        ids = self._ids_in_use()
        locks = on_disk.files.lock.by_ref()
        changes: list[Change] = []
        before = Places({**_OURS, **{record.path.rstrip("/"): str(record.ref.told) for record in records.values()}})
        now = Places()
        for record in self._wanted(on_disk):
            ref, path = record.ref, record.path.rstrip("/")
            if holder := now.holder(path) or (before.holder(path) if ref not in records else None):
                self._settle(ref, ItemOutcome.CONFLICT, UnsafePath.code, f"{path[:200]!a}: the place of {holder}.")
                continue
            try:
                change = self._change(record, records.get(ref), locks.get(ref), here)
            except DomainError as error:
                self._settle(ref, ItemOutcome.FAILED, error.code, error.detail)
                continue
            if change is None:
                continue
            now.take(path, str(ref.told))
            own = row_id(change.record)
            if own is None or own in ids:
                own = uuid.uuid4()
            ids.add(own)
            changes.append(replace(change, record=replace(change.record, uuid=own.hex)))
        for problem in on_disk.problems:
            self._settle(ArtifactRef("", problem.path), ItemOutcome.FAILED, problem.code, problem.detail)
        return changes

    def _wanted(self, on_disk: CollectionOnDisk) -> Iterator[ArtifactRecord]:
        """Every record, of unknown types too, and one for each artifact that no manifest names."""
        if on_disk.files.manifest:
            yield from on_disk.files.manifest.records
        for found in on_disk.artifacts:
            if found.record is None:
                yield ArtifactRecord(
                    type=found.ref.type,
                    name=found.ref.name,
                    path=found.path,
                    origin=Origin.LOCAL,
                    added=self.now,
                )

    def _change(
        self,
        record: ArtifactRecord,
        known: ArtifactRecord | None,
        lock: LockEntry | None,
        here: Callable[[str], object],
    ) -> Put | Note | None:
        """What is to be done for one artifact. Raises as ``content_of``, and UnsafePath."""
        path = record.path.rstrip("/")
        parts = check_relative(path)
        for depth in range(1, len(parts)):
            if self.source.joinpath(*parts[:depth]).is_symlink():
                raise UnsafePath(f"{path[:200]!a}: a folder on the way is a link")
        there = content_oid(self.source.joinpath(*parts), limits=limits())
        now = here(path)
        if there is None:
            self._settle(record.ref, ItemOutcome.FAILED, NotFound.code, f"{path}: nothing is there")
            return None if known or now is not None else Note(replace(record, path=path))
        if now is not None and now != there:
            detail = "Another content has its place in the collection; it was kept."
            self._settle(record.ref, ItemOutcome.CONFLICT, "name_taken", detail)
            return None
        if known is not None and known.path.rstrip("/") != path:
            detail = f"The collection has it at {known.path[:200]!a}; it was kept."
            self._settle(record.ref, ItemOutcome.CONFLICT, "name_taken", detail)
            return None
        if now is not None and known is not None:
            self._settle(record.ref, ItemOutcome.UNCHANGED)
            return None
        self._settle(record.ref, ItemOutcome.CREATED)
        wanted = replace(record, path=path, content_oid=there)
        if now is not None:
            return Note(wanted)
        return Put(wanted, self.source.joinpath(*parts), None, lock)

    def _ids_in_use(self) -> set[uuid.UUID]:
        return set(Artifact.objects.exclude(collection__slug=self.slug).values_list("pk", flat=True))

    def _begin(self, held: HeldCollection, source: Manifest | None) -> None:
        """Give the collection a manifest, with all that the source's says beside its artifacts."""
        if (held.folder / MANIFEST_NAME).exists():
            return
        base = replace(source, records=()) if source else new_manifest(held.row, self.now)
        with DiskTransaction(home(), held.root, kind="adopt", limits=limits()) as disk:
            put_document(disk, MANIFEST_NAME, b"", write_manifest(base))
            disk.apply(together=True)
            with committing(disk, held):
                AuditEvent.record(self.run.actor, "collection.adopted", held.row)

    def _writer(self, held: HeldCollection) -> Callable[[Mapping[ArtifactRef, Change]], None]:
        def write(done: Mapping[ArtifactRef, Change]) -> None:
            """The files are in place: the rows are read off them."""
            write_index(held.row, plan_for(held.row, read_collection(held.folder, limits=limits())), self.now)
            AuditEvent.record(self.run.actor, "artifacts.adopted", held.row, count=len(done))

        return write

    def _settle(self, ref: ArtifactRef, outcome: ItemOutcome, code: str = "", detail: str = "") -> None:
        label = f"{self.slug}/{ref.told}"
        told = {"collection": self.slug, "type": ref.told.type, "name": ref.told.name}
        self.settled[ref] = Row(ObjectRef("artifact", label, label), outcome, code, detail, told)

    def _told(self, known: bool) -> list[Row]:
        rows: Sequence[Row] = [self.settled[ref] for ref in sorted(self.settled)]
        created = sum(row.outcome is ItemOutcome.CREATED for row in rows)
        outcome = ItemOutcome.UPDATED if created else ItemOutcome.UNCHANGED
        ref = ObjectRef("collection", self.slug, self.slug)
        return [Row(ref, outcome if known else ItemOutcome.CREATED, detail={"artifacts": len(rows)}), *rows]
