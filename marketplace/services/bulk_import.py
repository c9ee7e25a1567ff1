"""Importing and re-importing entries of many sources: source by source, each entry settling by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from marketplace.models import CatalogEntry, Source
from marketplace.services.entries import entry_ref
from marketplace.services.import_results import BulkImportResult, ImportedEntry, ImportResult
from marketplace.services.importing import ImportOptions, import_source_entries
from marketplace.services.reimport import Reimported, ReimportOptions, reimport_entries
from marketplace.services.sources import not_found_row
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, DomainError, LeaseLost
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import BulkResult, ItemOutcome, Row

RATE_LIMITED = "upstream_rate_limited"
"""Says nothing against the entries that were not attempted: they are deferred, and may be retried."""


def import_entries(
    ids: Sequence[int], *, options: ImportOptions, actor: Actor, report: Report, job_id: UUID | None = None
) -> BulkImportResult:
    """Import entries of any sources into one collection. A source that cannot be read fails its own entries only.

    Raises Cancelled and LeaseLost; what was finished before stays.
    """
    imports = []
    for source, entries in _by_source(ids):
        started = timezone.now()
        try:
            result = import_source_entries(
                source, [entry.pk for entry in entries], options=options, actor=actor, report=report, job_id=job_id
            )
        except (Cancelled, LeaseLost):
            raise
        except DomainError as error:
            result = _failed_import(error, source, entries, options, job_id, started)
        imports.append(result)
    rows = {entry.entry_id: entry.row() for result in imports for entry in result.entries}
    return BulkImportResult(
        tuple(imports), tuple(rows.get(pk) or not_found_row("entry", pk) for pk in dict.fromkeys(ids)), options.dry_run
    )


def reimport_many(
    ids: Sequence[int], *, options: ReimportOptions, actor: Actor, report: Report, job_id: UUID | None = None
) -> BulkResult:
    """Import entries of any sources anew, each where it was imported. Raises as ``import_entries``."""
    rows: dict[int, Row] = {}
    for source, entries in _by_source(ids):
        pks = [entry.pk for entry in entries]
        results: dict[int, Reimported]
        try:
            results = reimport_entries(source, pks, options=options, actor=actor, report=report, job_id=job_id)
        except (Cancelled, LeaseLost):
            raise
        except DomainError as error:
            results = dict.fromkeys(pks, error)
        rows |= {entry.pk: _row(entry, results[entry.pk]) for entry in entries}
    return BulkResult(
        tuple(rows.get(pk) or not_found_row("entry", pk) for pk in dict.fromkeys(ids)), dry_run=options.dry_run
    )


def _by_source(ids: Sequence[int]) -> Iterator[tuple[Source, list[CatalogEntry]]]:
    """The entries by source, sources in order, entries as wanted; unknown ids are left out."""
    known = CatalogEntry.objects.defer("metadata", "fingerprint").in_bulk(list(ids))
    groups: dict[int, list[CatalogEntry]] = {}
    for pk in dict.fromkeys(ids):
        if pk in known:
            groups.setdefault(known[pk].source_id, []).append(known[pk])
    sources = Source.objects.in_bulk(list(groups))
    yield from ((sources[pk], groups[pk]) for pk in sorted(groups))


def _outcome(error: DomainError) -> ItemOutcome:
    return ItemOutcome.DEFERRED if error.code == RATE_LIMITED else ItemOutcome.FAILED


def _failed_import(
    error: DomainError,
    source: Source,
    entries: Sequence[CatalogEntry],
    options: ImportOptions,
    job_id: UUID | None,
    started: datetime,
) -> ImportResult:
    settled = tuple(
        ImportedEntry(entry.pk, str(entry), _outcome(error), code=error.code, error=error.detail) for entry in entries
    )
    return ImportResult(
        str(job_id or ""), source.pk, options.collection, started, timezone.now(), settled, dry_run=options.dry_run
    )


def _row(entry: CatalogEntry, result: Reimported) -> Row:
    ref = entry_ref(entry.pk, str(entry))
    if isinstance(result, DomainError):
        return Row(ref, _outcome(result), result.code, result.detail)
    return Row(ref, result.item_outcome, detail=result.to_json())
