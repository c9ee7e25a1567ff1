"""A person's decisions about artifacts: pin, tags, title, removal. Each goes to the files first."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone

from collections_app.domain.artifact_edit import ArtifactEdit
from collections_app.domain.manifest import ArtifactRecord
from collections_app.domain.types import ArtifactRef, Origin
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
MAX_AUDITED = 1000
"""So many ids stand in one audit event."""

Check = Callable[[Artifact], None]
"""Looks at an artifact that is held and about to be changed; what it raises keeps it as it is."""


def whatever(artifact: Artifact) -> None:
    """Any state of the artifact will do."""


def artifact_ref(artifact: Artifact) -> ObjectRef:
    return ObjectRef("artifact", str(artifact.pk), str(artifact))


def missing_row(pk: Any) -> Row:
    return Row(ObjectRef("artifact", str(pk)), ItemOutcome.FAILED, NotFound.code, f"There is no artifact {pk}.")


def edit_artifacts(
    ids: Sequence[uuid.UUID],
    edit: ArtifactEdit,
    *,
    actor: Actor,
    report: Report,
    check: Check = whatever,
    job_id: uuid.UUID | None = None,
    dry_run: bool = False,
) -> BulkResult:
    """Apply ``edit`` to the records of artifacts, collection by collection; each row settles by itself.

    One that comes out as it was is ``unchanged``. A collection that is busy or cannot be read fails its own rows only.
    What lies in a collection and stands in no manifest gets a record: somebody has said something about it.
    """
    run = _Run(actor, check, job_id, dry_run)
    rows: dict[uuid.UUID, Row] = {}
    for slug, group in _by_collection(ids).items():
        try:
            with held_collection(slug, report) as held:
                rows |= _edit(held, group, edit, run)
        except DomainError as error:
            rows |= {row.pk: _failed(row, error) for row in group}
    return BulkResult(tuple(rows.get(pk) or missing_row(pk) for pk in dict.fromkeys(ids)), dry_run=dry_run)


def remove_artifacts(
    ids: Sequence[uuid.UUID],
    *,
    actor: Actor,
    report: Report,
    check: Check = whatever,
    job_id: uuid.UUID | None = None,
    dry_run: bool = False,
) -> BulkResult:
    """Take artifacts out of their collections, after a snapshot of each. Deployed copies stay in their projects."""
    run = _Run(actor, check, job_id, dry_run)
    rows: dict[uuid.UUID, Row] = {}
    for slug, group in _by_collection(ids).items():
        try:
            with held_collection(slug, report) as held:
                rows |= _remove(held, group, run)
        except DomainError as error:
            rows |= {row.pk: _failed(row, error) for row in group}
    return BulkResult(tuple(rows.get(pk) or missing_row(pk) for pk in dict.fromkeys(ids)), dry_run=dry_run)


@dataclass(frozen=True, slots=True)
class _Run:
    actor: Actor
    check: Check
    job_id: uuid.UUID | None
    dry_run: bool


def _by_collection(ids: Iterable[uuid.UUID]) -> dict[str, list[Artifact]]:
    groups: dict[str, list[Artifact]] = {}
    for artifact in Artifact.objects.filter(pk__among=list(ids)).select_related("collection").order_by("pk"):
        groups.setdefault(artifact.collection.slug, []).append(artifact)
    return groups


def _failed(artifact: Artifact, error: DomainError) -> Row:
    return Row(artifact_ref(artifact), ItemOutcome.FAILED, error.code, error.detail)


def _allowed(
    held: HeldCollection, group: Sequence[Artifact], check: Check, rows: dict[uuid.UUID, Row]
) -> list[Artifact]:
    """The artifacts of the group, read again now that nobody else changes them; the others are settled in ``rows``."""
    known = Artifact.objects.filter(collection=held.row).in_bulk([artifact.pk for artifact in group])
    allowed = []
    for artifact in group:
        try:
            check(known[artifact.pk])
        except KeyError:
            rows[artifact.pk] = missing_row(artifact.pk)
        except DomainError as error:
            rows[artifact.pk] = _failed(artifact, error)
        else:
            allowed.append(known[artifact.pk])
    return allowed


def _edit(held: HeldCollection, group: Sequence[Artifact], edit: ArtifactEdit, run: _Run) -> dict[uuid.UUID, Row]:
    files = read_files(held.folder)
    records = files.manifest.by_ref() if files.manifest else {}
    locks = files.lock.by_ref()
    rows: dict[uuid.UUID, Row] = {}
    notes: dict[ArtifactRef, tuple[Artifact, Note]] = {}
    for artifact in _allowed(held, group, run.check, rows):
        ref = ArtifactRef(artifact.type, artifact.name)
        try:
            before = records.get(ref) or _new_record(artifact)
            wanted = edit.apply(before)
        except DomainError as error:
            rows[artifact.pk] = _failed(artifact, error)
            continue
        outcome = ItemOutcome.UNCHANGED if wanted == before else ItemOutcome.UPDATED
        rows[artifact.pk] = Row(artifact_ref(artifact), outcome, detail=_said(wanted))
        if wanted != before:
            stamped = replace(wanted, last_updated=timezone.now(), uuid=artifact.pk.hex)
            notes[ref] = (artifact, Note(stamped, made_from=records.get(ref)))
    if run.dry_run or not notes:
        return rows

    def write_rows(done: Mapping[ArtifactRef, Change]) -> None:
        changed = [notes[ref] for ref in done]
        seen = ("content_oid", "problem_code", "problem_detail")
        columns = (
            {
                "pk": row.pk,
                **recorded(note.record, locks.get(note.ref)),
                **{name: getattr(row, name) for name in seen},
            }
            for row, note in changed
        )
        update_artifacts(list(columns), timezone.now())
        _audit(held, run, "artifacts.edited", [row for row, _ in changed])

    waiting = [note for _, note in notes.values()]
    for start in range(0, len(waiting), CHUNK):
        failed = change_collection(held, waiting[start : start + CHUNK], kind="edit", write_rows=write_rows)
        rows |= {notes[ref][0].pk: _failed(notes[ref][0], error) for ref, error in failed.items()}
    return rows


def _said(record: ArtifactRecord) -> dict[str, Any]:
    """What a person has said of an artifact, as the faces show it."""
    return {
        "pin": record.pin or None,
        "pin_reason": record.pin_reason or "",
        "tags": list(record.tags),
        "title": str(record.metadata.get("title", "")),
    }


def _new_record(artifact: Artifact) -> ArtifactRecord:
    """The record of what was put into the folder by hand. Raises NotFound where nothing of it is there either."""
    if not artifact.content_oid:
        raise NotFound("Neither collection.toml nor the folder has it: refresh the collection's index.")
    return ArtifactRecord(
        type=artifact.type,
        name=artifact.name,
        path=artifact.path,
        origin=Origin.LOCAL,
        added=artifact.created_at,
        uuid=artifact.pk.hex,
        content_oid=artifact.content_oid,
    )


def _audit(held: HeldCollection, run: _Run, action: str, artifacts: Sequence[Artifact], **more: Any) -> None:
    ids = [str(row.pk) for row in artifacts][:MAX_AUDITED]
    AuditEvent.record(run.actor, action, held.row, job_id=run.job_id, count=len(artifacts), artifacts=ids, **more)


def _remove(held: HeldCollection, group: Sequence[Artifact], run: _Run) -> dict[uuid.UUID, Row]:
    rows: dict[uuid.UUID, Row] = {}
    allowed = _allowed(held, group, run.check, rows)
    drops: dict[ArtifactRef, tuple[Artifact, Drop]] = {}
    for artifact in allowed:
        ref = ArtifactRef(artifact.type, artifact.name)
        try:
            drops[ref] = (artifact, Drop(ref, artifact.path, present(held, artifact.path)))
        except DomainError as error:
            rows[artifact.pk] = _failed(artifact, error)
        else:
            rows[artifact.pk] = Row(artifact_ref(artifact), ItemOutcome.REMOVED)
    if run.dry_run or not drops:
        return rows
    snapshot = ""
    if held.folder.exists():
        snapshot = str(take_snapshot(held, reason=BEFORE_REMOVE, actor=run.actor, job_id=run.job_id).pk)

    def write_rows(done: Mapping[ArtifactRef, Change]) -> None:
        gone = [drops[ref][0] for ref in done]
        _audit(held, run, "artifacts.removed", gone, snapshot=snapshot)
        Artifact.objects.filter(pk__among=[artifact.pk for artifact in gone]).delete()

    waiting = [drop for _, drop in drops.values()]
    for start in range(0, len(waiting), CHUNK):
        failed = change_collection(held, waiting[start : start + CHUNK], kind="remove", write_rows=write_rows)
        rows |= {drops[ref][0].pk: _failed(drops[ref][0], error) for ref, error in failed.items()}
    told = {"snapshot_id": snapshot or None}
    return {pk: replace(row, detail=told) if row.outcome is ItemOutcome.REMOVED else row for pk, row in rows.items()}
