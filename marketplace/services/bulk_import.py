"""Importing and re-importing entries of many sources: source by source, each entry settling by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from django.utils import timezone

from collections_app.domain.import_plan import Occupant
from collections_app.domain.names import check_slug
from collections_app.domain.types import ArtifactRef
from marketplace.models import CatalogEntry, Source
from marketplace.services.entries import entry_ref
from marketplace.services.import_results import BulkImportResult, ImportedEntry, ImportResult
from marketplace.services.import_run import ImportOptions, outcome_of
from marketplace.services.importing import import_source_entries
from marketplace.services.reimport import Reimported, ReimportOptions, reimport_entries
from marketplace.services.sources import not_found_row
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import BulkResult, ItemOutcome, Row


def import_entries(
    ids: Sequence[int], *, options: ImportOptions, actor: Actor, report: Report, job_id: UUID | None = None
) -> BulkImportResult:
    """Import entries of any sources into one collection. A source that cannot be read fails its own entries only.

    After a cancel the rest is deferred. Raises UnsafePath for a collection that is no slug, LeaseLost and JobTimeout;
    what was finished before stays.
    """
    check_slug(options.collection)
    imports = []
    cancelled: Cancelled | None = None
    for source, entries in _by_source(ids):
        started = timezone.now()
        try:
            if cancelled is not None:
                raise cancelled
            result = import_source_entries(
                source, [entry.pk for entry in entries], options=options, actor=actor, report=report, job_id=job_id
            )
        except (LeaseLost, JobTimeout):
            raise
        except DomainError as error:
            cancelled = error if isinstance(error, Cancelled) else cancelled
            result = _failed_import(error, source, entries, options, job_id, started)
        imports.append(result)
        if options.dry_run:
            options = replace(options, taken=(*options.taken, *_made(result, entries)))
    rows = {entry.entry_id: entry.row() for result in imports for entry in result.entries}
    return BulkImportResult(
        tuple(imports), tuple(rows.get(pk) or not_found_row("entry", pk) for pk in dict.fromkeys(ids)), options.dry_run
    )


def reimport_many(
    ids: Sequence[int], *, options: ReimportOptions, actor: Actor, report: Report, job_id: UUID | None = None
) -> BulkResult:
    """Import entries of any sources anew, each where it was imported. Raises as ``import_entries``."""
    if options.collection:
        check_slug(options.collection)
    rows: dict[int, Row] = {}
    cancelled: Cancelled | None = None
    for source, entries in _by_source(ids):
        pks = [entry.pk for entry in entries]
        results: dict[int, Reimported]
        try:
            if cancelled is not None:
                raise cancelled
            results = reimport_entries(source, pks, options=options, actor=actor, report=report, job_id=job_id)
        except (LeaseLost, JobTimeout):
            raise
        except DomainError as error:
            cancelled = error if isinstance(error, Cancelled) else cancelled
            results = dict.fromkeys(pks, error)
        rows |= {entry.pk: _row(entry, results[entry.pk]) for entry in entries}
    return BulkResult(
        tuple(rows.get(pk) or not_found_row("entry", pk) for pk in dict.fromkeys(ids)),
        dry_run=options.dry_run,
        cancelled=any(row.code == Cancelled.code for row in rows.values()),
    )


def _by_source(ids: Sequence[int]) -> Iterator[tuple[Source, list[CatalogEntry]]]:
    """The entries by source, sources in order, entries as wanted; unknown ids are left out."""
    chosen = CatalogEntry.objects.filter(pk__among=list(ids)).only("pk", "source_id", "type", "name", "namespace")
    known = {entry.pk: entry for entry in chosen}
    groups: dict[int, list[CatalogEntry]] = {}
    for pk in dict.fromkeys(ids):
        if pk in known:
            groups.setdefault(known[pk].source_id, []).append(known[pk])
    sources = {source.pk: source for source in Source.objects.filter(pk__among=list(groups))}
    yield from ((sources[pk], groups[pk]) for pk in sorted(groups))


def _made(result: ImportResult, entries: Sequence[CatalogEntry]) -> Iterator[Occupant]:
    """The artifacts that there would be after this dry run: the next source would find them."""
    types = {entry.pk: entry.type for entry in entries}
    for one in result.entries:
        if one.outcome is ItemOutcome.CREATED:
            yield Occupant(one.artifact_id or str(uuid4()), ArtifactRef(types[one.entry_id], one.name))


def _failed_import(
    error: DomainError,
    source: Source,
    entries: Sequence[CatalogEntry],
    options: ImportOptions,
    job_id: UUID | None,
    started: datetime,
) -> ImportResult:
    settled = tuple(
        ImportedEntry(entry.pk, str(entry), outcome_of(error), code=error.code, error=error.detail_until)
        for entry in entries
    )
    return ImportResult(
        str(job_id or ""), source.pk, options.collection, started, timezone.now(), settled, dry_run=options.dry_run
    )


def _row(entry: CatalogEntry, result: Reimported) -> Row:
    ref = entry_ref(entry.pk, str(entry))
    if isinstance(result, DomainError):
        told = {"success": False, "entry_id": entry.pk, "message": result.detail_until}
        return Row(ref, outcome_of(result), result.code, result.detail_until, told)
    return Row(ref, result.item_outcome, detail=result.to_json())
