"""Finding out where adopted artifacts come from: an entry of the catalog with the very same content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.utils import timezone

from collections_app.domain.types import ArtifactRef
from collections_app.models import Artifact
from collections_app.services.changing import CHUNK, Change, Note, Rows, change_collection
from collections_app.services.holding import HeldCollection, held_collection
from collections_app.services.rows import recorded, update_artifacts
from collections_app.store.reader import read_files
from marketplace.models import CatalogEntry, EntryImport
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.bulk import insert_rows
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report

_LINK = ("entry_id", "artifact_id", "imported_oid", "imported_commit", "job_id", "imported_at")


def link_adopted(slug: str, *, actor: Actor, report: Report) -> int:
    """Link artifacts that no entry is linked to with a present entry of their type and content; how many.

    Of several the best of its source in the first source is taken. The origin goes into collection.toml, so that the
    next refresh knows where to look. Raises NotFound, CollectionBusy, ManifestInvalid.
    """
    with held_collection(slug, report) as held:
        matched = _matched(held)
        waiting = _notes(held, matched)
        linked = 0
        for start in range(0, len(waiting), CHUNK):
            chunk = waiting[start : start + CHUNK]
            failed = change_collection(held, chunk, kind="link", write_rows=_writer(held, matched, actor))
            linked += len(chunk) - len(failed)
        return linked


Matched = Mapping[ArtifactRef, tuple[Artifact, CatalogEntry]]


def _matched(held: HeldCollection) -> Matched:
    unlinked = list(
        Artifact.objects.filter(collection=held.row, entry_imports__isnull=True).exclude(content_oid="").order_by("pk")
    )
    entries = (
        CatalogEntry.objects.present()
        .filter(content_oid__among=sorted({artifact.content_oid for artifact in unlinked}), excluded_at__isnull=True)
        .select_related("source")
        .order_by("pk")
    )
    best: dict[tuple[str, str], CatalogEntry] = {}
    for entry in sorted(entries, key=lambda entry: (entry.source_id, entry.duplicate_of_id is not None, entry.pk)):
        best.setdefault((entry.type, entry.content_oid), entry)
    return {
        ArtifactRef(artifact.type, artifact.name): (artifact, best[artifact.type, artifact.content_oid])
        for artifact in unlinked
        if (artifact.type, artifact.content_oid) in best
    }


def _notes(held: HeldCollection, matched: Matched) -> list[Note]:
    manifest = read_files(held.folder).manifest
    records = manifest.by_ref() if manifest else {}
    notes = []
    for ref, (artifact, entry) in matched.items():
        record = records.get(ref)
        if record is not None:
            notes.append(
                Note(
                    replace(
                        record,
                        uuid=artifact.pk.hex,
                        upstream=entry.source.url,
                        upstream_path=entry.path,
                        version_spec=record.version_spec or entry.source.ref or "latest",
                        resolved_sha=entry.commit or None,
                        base_oid=artifact.content_oid,
                        content_oid=artifact.content_oid,
                    )
                )
            )
    return notes


def _writer(held: HeldCollection, matched: Matched, actor: Actor) -> Rows:
    locks = read_files(held.folder).lock.by_ref()

    def write(done: Mapping[ArtifactRef, Change]) -> None:
        now = timezone.now()
        notes: Sequence[Note] = [change for change in done.values() if isinstance(change, Note)]
        rows = [
            {
                "pk": matched[note.ref][0].pk,
                **recorded(note.record, locks.get(note.ref)),
                "content_oid": matched[note.ref][0].content_oid,
                "problem_code": "",
                "problem_detail": "",
                "upstream_oid": matched[note.ref][1].content_oid,
                "upstream_commit": matched[note.ref][1].commit,
                "checked_at": now,
                "check_code": "",
            }
            for note in notes
        ]
        update_artifacts(rows, now, also=("upstream_oid", "upstream_commit", "checked_at", "check_code"))
        links = (
            {
                "entry_id": entry.pk,
                "artifact_id": artifact.pk,
                "imported_oid": artifact.content_oid,
                "imported_commit": entry.commit,
                "job_id": None,
                "imported_at": now,
            }
            for artifact, entry in (matched[note.ref] for note in notes)
        )
        insert_rows(EntryImport, links, _LINK)
        AuditEvent.record(actor, "artifacts.linked", held.row, count=len(notes))

    return write
