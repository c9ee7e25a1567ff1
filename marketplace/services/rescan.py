"""Bring the catalog of one source up to its repository: resolve, list, detect, plan, apply."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from marketplace.domain.deduplicate import best_contents
from marketplace.domain.detector import detection_key
from marketplace.domain.doubts import Doubts
from marketplace.domain.path_tags import FoundTag, cut_warnings
from marketplace.domain.scan_plan import KnownEntry, ScanPlan, plan_scan
from marketplace.domain.types import DetectionOptions
from marketplace.errors import REMOVALS_HELD, SourceBusy
from marketplace.models import Source
from marketplace.models.tag import TagKind
from marketplace.services import scan_record
from marketplace.services.catalog_writer import known_entries, write_plan
from marketplace.services.currency import detection_options, was_well_scanned
from marketplace.services.documents import fetch_documents, known_documents
from marketplace.services.elsewhere import count_elsewhere
from marketplace.services.identity import Located, locate
from marketplace.services.import_news import import_news, tell_imports, updated_imports
from marketplace.services.results import Counters, ScanResult
from marketplace.services.survey import Survey, survey
from marketplace.services.tag_sync import path_tags_of, sync_tags
from marketplace.services.told import Told
from marketplace.services.upstreams import provider_of
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.documents.types import Warned
from skillmeat_site.core.errors import Cancelled, DomainError, LeaseLost, NotFound
from skillmeat_site.core.jobs.failures import as_domain_error
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.transactions import repeatably
from skillmeat_site.upstream.errors import UpstreamRateLimited
from skillmeat_site.upstream.types import Head, Listing, Provider

log = structlog.get_logger(__name__)

_NO_FAILURES = (Cancelled, LeaseLost, UpstreamRateLimited)
"""Ends of a scan that say nothing about its source."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """``force``: scan even if nothing has changed. ``allow_removals``: carry out removals that would be held.

    ``background``: nobody waits for this scan, it leaves the budget's reserve to others.
    """

    force: bool = False
    allow_removals: bool = False
    dry_run: bool = False
    background: bool = False


@dataclass(slots=True)
class _Scan:
    """One scan on its way: what it is about, and what it has learnt so far."""

    source: Source
    options: ScanOptions
    report: Report
    began: float
    provider: Provider
    told: Told | None = None
    tags: Mapping[str, FoundTag] = field(default_factory=dict)

    def read(self, found: Located, listing: Listing) -> Survey:
        return survey(
            listing,
            _options_at(self.source, found),
            known=known_documents,
            fetch=lambda wanted: fetch_documents(self.provider, found.address, found.head, wanted, self.report),
            report=self.report,
        )

    def result(self, counters: Counters, head: Head, **more: Any) -> ScanResult:
        return ScanResult(
            source_id=self.source.pk,
            counters=counters,
            commit=head.commit,
            scanned_at=timezone.now(),
            duration_ms=round((time.monotonic() - self.began) * 1000),
            dry_run=self.options.dry_run,
            **more,
        )


def nothing() -> None:
    """For callers who need not know when a scan begins."""


def rescan_source(
    source_id: int,
    *,
    actor: Actor,
    options: ScanOptions,
    report: Report,
    job_id: UUID | None = None,
    on_held: Callable[[], None] = nothing,
    told: Told | None = None,
) -> ScanResult:
    """Bring the catalog of one source up to its repository's current commit.

    Holds the source's lease meanwhile; reads upstream outside any transaction and writes in one short one, begun by
    proving the lease. Raises NotFound, SourceBusy (409) while another scan holds the lease, LeaseLost where another
    took it over, UpstreamError (by kind) when the repository cannot be read: no entry has changed then.
    UpstreamRateLimited is no failure of the source: nothing is written then. A dry run takes no lease and writes no
    row of the catalog. ``on_held`` is called once the lease is taken, before anything is asked: later pushes may be
    missed. ``told``: what a batch has just said; that is not asked again unless the source was changed since.
    """
    began = time.monotonic()
    with _held_source(source_id, options, report) as (source, lease):
        on_held()
        try:
            scan = _Scan(source, options, report, began, provider_of(source, background=options.background), told)
            return _scan(scan, lease, actor, job_id)
        except Exception as error:
            failure = as_domain_error(error)
            if lease is not None and failure is not None and not isinstance(failure, _NO_FAILURES):
                _record_failure(source, lease, failure, job_id, began)
            raise


def _options_at(source: Source, located: Located) -> DetectionOptions:
    return replace(detection_options(source), repository_name=located.new_place.get("name", source.name))


@contextmanager
def _held_source(source_id: int, options: ScanOptions, report: Report) -> Iterator[tuple[Source, Lease | None]]:
    """The source with its lease, renewed by every tick; without one for a dry run."""
    lease = None if options.dry_run else Lease.acquire(Source, source_id)
    source = Source.objects.filter(pk=source_id).first()
    if source is None:
        raise NotFound(f"There is no source {source_id}.")
    if lease is None and not options.dry_run:
        raise SourceBusy(data={"source_id": source_id})
    if lease is None:
        yield source, None
        return
    report.keep(lease)
    try:
        yield source, lease
    finally:
        report.drop(lease)
        lease.release()


def _scan(scan: _Scan, lease: Lease | None, actor: Actor, job_id: UUID | None) -> ScanResult:
    source = scan.source
    scan.report.progress(0, 0, "asking for the current commit")
    current = was_well_scanned(source) and not scan.options.force
    told = scan.told.of(source) if scan.told else None
    located = locate(source, scan.provider, scan.report.tick, current=current, told=told)
    current = current and not located.new_place  # what lies at the root is called by the repository's name
    head = located.head
    if current and head.commit == source.head_commit:
        return _nothing_to_do(scan, lease, located, "commit")
    listing = scan.provider.listing(located.address, head, tick=scan.report.tick)
    if current and listing.tree_oid == source.tree_oid:
        return _nothing_to_do(scan, lease, located, "tree")
    found = scan.read(located, listing)
    known = known_entries(source)
    plan = plan_scan(
        known,
        found.artifacts,
        complete=listing.complete,
        allow_removals=scan.options.allow_removals,
        hold_removals=head.commit is None or any(w.code == "root_hint_missing" for w in found.warnings),
        doubts=found.doubts,
    )
    scan.tags = path_tags_of(source, plan)
    warnings = [*located.warnings, *_why_held(plan, found.doubts), *found.warnings, *cut_warnings(scan.tags)]
    result = _result_of(scan, plan, head, listing, warnings)
    if lease is None:
        return replace(result, updated_imports=updated_imports(import_news(plan, listing.commit)))
    scan.report.progress(0, 0, "writing the catalog")
    return repeatably(lambda: _apply(scan, lease, plan, known, result, located, listing, actor, job_id))


def _result_of(scan: _Scan, plan: ScanPlan, head: Head, listing: Listing, warnings: Sequence[Warned]) -> ScanResult:
    counters = Counters(
        new=len(plan.new) + len(plan.returned),
        updated=len(plan.updated),
        removed=len(plan.removed),
        unchanged=plan.unchanged_count,
        within_source=len(plan.duplicates),
        cross_source=count_elsewhere(scan.source, best_contents(plan.found, plan.duplicates)),
    )
    moved = [
        {"entry_id": change.known.pk, "from": change.known.path, "to": plan.found[change.key].path}
        for change in plan.moved
        if change.known.path != plan.found[change.key].path  # else only renamed within its file
    ]
    if plan.held:
        detail = f"{len(plan.held)} entries were not found any more; rescan with allow_removals to drop them"
        warnings = [Warned(REMOVALS_HELD, detail), *warnings]
    return scan.result(
        counters,
        head,
        listing_complete=listing.complete,
        moved=moved,
        warnings=[*warnings, *_entry_warnings(plan)],
        held=len(plan.held),
    )


def _why_held(plan: ScanPlan, doubts: Doubts) -> list[Warned]:
    """What is wrong with the files of entries that are held because those cannot be read."""
    reasons = (doubts.about(entry.path) for entry in plan.held)
    return list(dict.fromkeys(reason for reason in reasons if reason is not None))


def _entry_warnings(plan: ScanPlan) -> list[Warned]:
    """The artifacts' own warnings, each with the path it is about."""
    return [
        warning._replace(path=warning.path or artifact.path)
        for artifact in plan.found.values()
        for warning in artifact.warnings
    ]


def _apply(
    scan: _Scan,
    lease: Lease,
    plan: ScanPlan,
    known: Sequence[KnownEntry],
    result: ScanResult,
    located: Located,
    listing: Listing,
    actor: Actor,
    job_id: UUID | None,
) -> ScanResult:
    """Write entries, run, audit, and the source last, if it still is what was scanned. Runs in one transaction.

    What was imported is told the news in it; which imports those are is looked up there, and completes the result.
    """
    source = scan.source
    lease.fence()
    _read_interval(source)
    write_plan(source, plan, known, commit=listing.commit, now=result.scanned_at)
    news = import_news(plan, listing.commit)
    tell_imports(source, news)
    result = replace(result, updated_imports=updated_imports(news))
    sync_tags(source, TagKind.PATH, scan.tags, complete=listing.complete, now=result.scanned_at)
    scan_record.write_run(source, result, job_id)
    if result.counters.changed:
        AuditEvent.record(actor, "source.rescanned", source, job_id=job_id, **result.counters.to_json())
    key = detection_key(detection_options(source))
    stamp = scan_record.scanned(source, result, located.head, listing, key, plan)
    same_place = Source.objects.filter(
        pk=source.pk, url_key=source.url_key, ref=source.ref, root_hint=source.root_hint
    )
    if not scan_record.stamped(same_place, {**stamp, **located.columns}):
        raise LeaseLost("The source was changed while it was scanned; nothing was written.")
    if located.new_place:
        AuditEvent.record(actor, "source.renamed", source, job_id=job_id, url=located.address.url)
    return result


def _nothing_to_do(scan: _Scan, lease: Lease | None, located: Located, short_circuit: str) -> ScanResult:
    """The repository is as it was: the last scan's counters, all unchanged, and no run to tell of."""
    source = scan.source
    counters = Counters.from_json(source.counters).repeated()
    result = scan.result(
        counters, located.head, listing_complete=True, short_circuit=short_circuit, warnings=located.warnings
    )
    if lease is not None:
        _read_interval(source)
        lease.stamp_and_release(**scan_record.still_current(source, result, located.head), **located.columns)
    return result


def _read_interval(source: Source) -> None:
    """A person may have set it during the scan; when the source is due next follows from it."""
    source.refresh_from_db(fields=["scan_interval"])


def _record_failure(source: Source, lease: Lease, error: DomainError, job_id: UUID | None, began: float) -> None:
    """Tell why the scan failed, touching no entry. That this cannot be told must not hide the failure itself."""
    try:
        with transaction.atomic():
            lease.fence()
            _read_interval(source)
            scan_record.write_failed_run(source, error, job_id, round((time.monotonic() - began) * 1000))
            Source.objects.filter(pk=source.pk).update(**scan_record.failed(source, error, timezone.now()))
    except Exception as second:
        if as_domain_error(second) is None:
            raise
        log.warning("scan.failure_not_recorded", source_id=source.pk, exc_info=second)
