"""A person's decisions about artifacts: pin, tags, title, removal. Each goes to the files first."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils import timezone

from collections_app.domain.manifest import ArtifactRecord
from collections_app.domain.types import ArtifactRef
from collections_app.models import Artifact
from collections_app.services.changing import CHUNK, Change, Drop, Note, change_collection, present
from collections_app.services.holding import HeldCollection, held_collection
from collections_app.services.rows import recorded, update_artifacts
from collections_app.services.snapshots import take_snapshot
from collections_app.store.reader import read_files
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import DomainError, NotFound
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import BulkResult, ItemOutcome, ObjectRef, Row

BEFORE_REMOVE = "before-remove"
MAX_PIN_REASON = 500

Edit = Callable[[ArtifactRecord], ArtifactRecord]


def artifact_ref(artifact: Artifact) -> ObjectRef:
    return ObjectRef("artifact", str(artifact.pk), str(artifact))


def missing_row(pk: Any) -> Row:
    return Row(ObjectRef("artifact", str(pk)), ItemOutcome.FAILED, NotFound.code, f"There is no artifact {pk}.")


def edit_artifacts(
    ids: Sequence[uuid.UUID], edit: Edit, *, action: str, actor: Actor, report: Report, dry_run: bool = False
) -> BulkResult:
    """Apply ``edit`` to the records of artifacts, collection by collection; each row settles by itself.

    One that comes out as it was is ``unchanged``. A collection that is busy or cannot be read fails its own rows only.
    """
    rows: dict[uuid.UUID, Row] = {}
    for slug, group in _by_collection(ids).items():
        try:
            with held_collection(slug, report) as held:
                rows |= _edit(held, group, edit, action=action, actor=actor, dry_run=dry_run)
        except DomainError as error:
            rows |= {row.pk: Row(artifact_ref(row), ItemOutcome.FAILED, error.code, error.detail) for row in group}
    return BulkResult(tuple(rows.get(pk) or missing_row(pk) for pk in dict.fromkeys(ids)), dry_run=dry_run)


def remove_artifacts(
    ids: Sequence[uuid.UUID], *, actor: Actor, report: Report, job_id: uuid.UUID | None = None, dry_run: bool = False
) -> BulkResult:
    """Take artifacts out of their collections, after a snapshot of each. Deployed copies stay in their projects."""
    rows: dict[uuid.UUID, Row] = {}
    for slug, group in _by_collection(ids).items():
        try:
            with held_collection(slug, report) as held:
                rows |= _remove(held, group, actor=actor, job_id=job_id, dry_run=dry_run)
        except DomainError as error:
            rows |= {row.pk: Row(artifact_ref(row), ItemOutcome.FAILED, error.code, error.detail) for row in group}
    return BulkResult(tuple(rows.get(pk) or missing_row(pk) for pk in dict.fromkeys(ids)), dry_run=dry_run)


def _by_collection(ids: Iterable[uuid.UUID]) -> dict[str, list[Artifact]]:
    groups: dict[str, list[Artifact]] = {}
    for artifact in Artifact.objects.filter(pk__in=list(ids)).select_related("collection").order_by("pk"):
        groups.setdefault(artifact.collection.slug, []).append(artifact)
    return groups


def _edit(
    held: HeldCollection, group: Sequence[Artifact], edit: Edit, *, action: str, actor: Actor, dry_run: bool
) -> dict[uuid.UUID, Row]:
    manifest = read_files(held.folder).manifest
    rows: dict[uuid.UUID, Row] = {}
    notes: dict[ArtifactRef, tuple[Artifact, Note]] = {}
    for artifact in group:
        ref = ArtifactRef(artifact.type, artifact.name)
        record = manifest.get(ref) if manifest else None
        if record is None:
            detail = "collection.toml does not name it: index the collection."
            rows[artifact.pk] = Row(artifact_ref(artifact), ItemOutcome.FAILED, NotFound.code, detail)
            continue
        wanted = edit(record)
        outcome = ItemOutcome.UNCHANGED if wanted == record else ItemOutcome.UPDATED
        rows[artifact.pk] = Row(artifact_ref(artifact), outcome)
        if wanted != record:
            stamped = replace(wanted, last_updated=timezone.now(), uuid=record.uuid or artifact.pk.hex)
            notes[ref] = (artifact, Note(stamped))
    if dry_run or not notes:
        return rows

    def write_rows(done: Mapping[ArtifactRef, Change]) -> None:
        changed = [notes[ref] for ref in done]
        seen = ("content_oid", "problem_code", "problem_detail")
        update_artifacts(
            [
                {"pk": row.pk, **recorded(note.record), **{name: getattr(row, name) for name in seen}}
                for row, note in changed
            ],
            timezone.now(),
        )
        AuditEvent.record(actor, action, held.row, artifacts=[str(row.pk) for row, _ in changed][:1000])

    waiting = [note for _, note in notes.values()]
    for start in range(0, len(waiting), CHUNK):
        change_collection(held, waiting[start : start + CHUNK], kind=action, write_rows=write_rows)
    return rows


def _remove(
    held: HeldCollection, group: Sequence[Artifact], *, actor: Actor, job_id: uuid.UUID | None, dry_run: bool
) -> dict[uuid.UUID, Row]:
    rows = {artifact.pk: Row(artifact_ref(artifact), ItemOutcome.REMOVED) for artifact in group}
    if dry_run:
        return rows
    snapshot = take_snapshot(held, reason=BEFORE_REMOVE, actor=actor, job_id=job_id)
    by_ref = {ArtifactRef(artifact.type, artifact.name): artifact for artifact in group}

    def write_rows(done: Mapping[ArtifactRef, Change]) -> None:
        gone = [by_ref[ref].pk for ref in done]
        Artifact.objects.filter(pk__in=gone).delete()
        AuditEvent.record(
            actor, "artifacts.removed", held.row, job_id=job_id, artifacts=[str(pk) for pk in gone][:1000],
            snapshot=str(snapshot.pk),
        )  # fmt: skip

    drops = [Drop(ref, artifact.path, present(held, artifact.path)) for ref, artifact in by_ref.items()]
    for start in range(0, len(drops), CHUNK):
        failed = change_collection(held, drops[start : start + CHUNK], kind="remove", write_rows=write_rows)
        for ref, error in failed.items():
            artifact = by_ref[ref]
            rows[artifact.pk] = Row(artifact_ref(artifact), ItemOutcome.FAILED, error.code, error.detail)
    return {
        pk: replace(row, detail={"snapshot_id": str(snapshot.pk)}) if row.outcome is ItemOutcome.REMOVED else row
        for pk, row in rows.items()
    }
