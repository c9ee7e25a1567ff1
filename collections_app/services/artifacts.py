"""A person's decisions about artifacts: pin, tags, title, removal. Each goes to the files first."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar

from django.utils import timezone

from collections_app.domain.artifact_edit import ArtifactEdit
from collections_app.domain.manifest import ArtifactRecord
from collections_app.domain.types import ArtifactRef, Origin
from collections_app.models import Artifact
from collections_app.services.changing import CHUNK, Change, Drop, Note, change_collection, present
from collections_app.services.holding import HeldCollection, held_collection
from collections_app.services.rows import recorded, update_artifacts
from collections_app.services.settled_rows import Keep, SettledRows, forget
from collections_app.services.snapshots import take_snapshot
from collections_app.store.reader import read_files
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost, NotFound
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import BulkResult, ItemOutcome, ObjectRef, Row

BEFORE_REMOVE = "before-remove"
MAX_AUDITED = 1000
"""So many ids stand in one audit event."""

Changed = TypeVar("Changed", Note, Drop)
Changes = dict[ArtifactRef, tuple[Artifact, Changed]]
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
    keep: Keep = forget,
    dry_run: bool = False,
) -> BulkResult:
    """Apply ``edit`` to the records of artifacts, collection by collection; each row settles by itself.

    One that comes out as it was is ``unchanged``. A collection that is busy or cannot be read fails its own rows only,
    one that fails in the middle those that were left. What lies in a collection and stands in no manifest gets a
    record: somebody has said something about it. After a cancel the rest is deferred. Raises JobTimeout and LeaseLost,
    a dry run Cancelled as well; ``keep`` has what settled before.
    """
    run = _Run(actor, check, job_id, dry_run, SettledRows(keep))
    return _each_collection(ids, lambda held, group: _edit(held, group, edit, run), run, report)


def remove_artifacts(
    ids: Sequence[uuid.UUID],
    *,
    actor: Actor,
    report: Report,
    check: Check = whatever,
    job_id: uuid.UUID | None = None,
    keep: Keep = forget,
    dry_run: bool = False,
) -> BulkResult:
    """Take artifacts out of their collections, after a snapshot of each. Deployed copies stay in their projects.

    Settles and raises as ``edit_artifacts``.
    """
    run = _Run(actor, check, job_id, dry_run, SettledRows(keep))
    return _each_collection(ids, lambda held, group: _remove(held, group, run), run, report)


@dataclass(frozen=True, slots=True)
class _Run:
    actor: Actor
    check: Check
    job_id: uuid.UUID | None
    dry_run: bool
    told: SettledRows


def _each_collection(
    ids: Sequence[uuid.UUID], work: Callable[[HeldCollection, list[Artifact]], None], run: _Run, report: Report
) -> BulkResult:
    told, groups = run.told, artifacts_by_collection(ids)
    for slug, group in groups.items():
        try:
            with held_collection(slug, report) as held:
                work(held, group)
        except (JobTimeout, LeaseLost):
            raise
        except Cancelled as error:
            if run.dry_run:
                raise
            told.fail((artifact_ref(row) for rows in groups.values() for row in rows), error)
            break
        except DomainError as error:
            told.fail((artifact_ref(row) for row in group), error)
    rows = tuple(told.rows.get(str(pk)) or missing_row(pk) for pk in dict.fromkeys(ids))
    return BulkResult(rows, dry_run=run.dry_run, cancelled=told.cancelled)


def artifacts_by_collection(ids: Iterable[uuid.UUID]) -> dict[str, list[Artifact]]:
    groups: dict[str, list[Artifact]] = {}
    for artifact in Artifact.objects.filter(pk__among=list(ids)).select_related("collection").order_by("pk"):
        groups.setdefault(artifact.collection.slug, []).append(artifact)
    return groups


def _failed(artifact: Artifact, error: DomainError) -> Row:
    return Row(artifact_ref(artifact), ItemOutcome.FAILED, error.code, error.detail)


def _allowed(held: HeldCollection, group: Sequence[Artifact], run: _Run) -> list[Artifact]:
    """The artifacts of the group, read again now that nobody else changes them; the others settle here."""
    known = Artifact.objects.filter(collection=held.row).in_bulk([artifact.pk for artifact in group])
    allowed, refused = [], []
    for artifact in group:
        try:
            run.check(known[artifact.pk])
        except KeyError:
            refused.append(missing_row(artifact.pk))
        except DomainError as error:
            refused.append(_failed(artifact, error))
        else:
            allowed.append(known[artifact.pk])
    run.told.settle(refused)
    return allowed


def _edit(held: HeldCollection, group: Sequence[Artifact], edit: ArtifactEdit, run: _Run) -> None:
    files = read_files(held.folder)
    locks = files.lock.by_ref()
    rows, notes = _notes(_allowed(held, group, run), edit, files.manifest.by_ref() if files.manifest else {})
    changing = {} if run.dry_run else {row.pk: rows.pop(row.pk) for row, _ in notes.values()}
    run.told.settle(rows.values())

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

    for chunk in _chunks(notes if changing else {}):
        failed = change_collection(held, [note for _, note in chunk.values()], kind="edit", write_rows=write_rows)
        run.told.settle(
            _failed(row, failed[ref]) if ref in failed else changing[row.pk] for ref, (row, _) in chunk.items()
        )


def _notes(
    artifacts: Sequence[Artifact], edit: ArtifactEdit, records: Mapping[ArtifactRef, ArtifactRecord]
) -> tuple[dict[uuid.UUID, Row], Changes[Note]]:
    """What becomes of each artifact, and the records that are to be written for it."""
    rows: dict[uuid.UUID, Row] = {}
    notes: Changes[Note] = {}
    for artifact in artifacts:
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
    return rows, notes


def _chunks(changes: Changes[Changed]) -> Iterator[Changes[Changed]]:
    """What is done, and told, together."""
    left = iter(changes.items())
    while chunk := dict(islice(left, CHUNK)):
        yield chunk


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


def _remove(held: HeldCollection, group: Sequence[Artifact], run: _Run) -> None:
    told, refused = run.told, []
    drops: Changes[Drop] = {}
    for artifact in _allowed(held, group, run):
        ref = ArtifactRef(artifact.type, artifact.name)
        try:
            drops[ref] = (artifact, Drop(ref, artifact.path, present(held, artifact.path)))
        except DomainError as error:
            refused.append(_failed(artifact, error))
    told.settle(refused)
    if run.dry_run or not drops:
        told.settle(_removed(artifact) for artifact, _ in drops.values())
        return
    snapshot = ""
    if held.folder.exists():
        snapshot = str(take_snapshot(held, reason=BEFORE_REMOVE, actor=run.actor, job_id=run.job_id).pk)

    def write_rows(done: Mapping[ArtifactRef, Change]) -> None:
        gone = [drops[ref][0] for ref in done]
        _audit(held, run, "artifacts.removed", gone, snapshot=snapshot)
        Artifact.objects.filter(pk__among=[artifact.pk for artifact in gone]).delete()

    for chunk in _chunks(drops):
        failed = change_collection(held, [drop for _, drop in chunk.values()], kind="remove", write_rows=write_rows)
        told.settle(
            _failed(row, failed[ref]) if ref in failed else _removed(row, {"snapshot_id": snapshot or None})
            for ref, (row, _) in chunk.items()
        )


def _removed(artifact: Artifact, detail: Mapping[str, Any] | None = None) -> Row:
    return Row(artifact_ref(artifact), ItemOutcome.REMOVED, detail=detail)
