"""How the marketplace's services run as jobs, and what runs by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from collections_app.errors import CollectionBusy
from marketplace.errors import SourceBusy
from marketplace.job_params import count_ids, for_a_person, only_these, source_of
from marketplace.models import CatalogEntry, Source
from marketplace.services.bulk_import import import_entries, reimport_many
from marketplace.services.entries import entry_ref, set_excluded
from marketplace.services.import_results import BulkImportResult, ImportResult, ReimportResult
from marketplace.services.import_run import ImportOptions, strategy_of
from marketplace.services.importing import import_source_entries
from marketplace.services.patience import in_turn, patiently
from marketplace.services.reimport import ReimportOptions, reimport_entry
from marketplace.services.relinking import relink  # noqa: F401 - follows the index from here on
from marketplace.services.rescan import ScanOptions, nothing, rescan_source
from marketplace.services.results import ScanResult
from marketplace.services.scan_record import prune_runs
from marketplace.services.sources import bulk_update_sources as update_sources
from marketplace.services.sources import source_ref
from marketplace.services.sweep import not_limited, sweep
from marketplace.services.told import from_params, to_params
from marketplace.services.webhooks import forget_deliveries
from marketplace.tag_jobs import (  # noqa: F401 - found here
    approve_tags,
    bulk_refresh_auto_tags,
    decide_tags,
    refresh_auto_tags,
    spread_tags,
)
from skillmeat_site.core.actor import SCHEDULER
from skillmeat_site.core.errors import DomainError, NotFound
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.jobs.context import Target
from skillmeat_site.core.jobs.failures import as_domain_error
from skillmeat_site.core.jobs.registry import Params, job
from skillmeat_site.core.jobs.schedules import every
from skillmeat_site.core.jobs.settling import deferral
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import BulkResult, ItemOutcome, ObjectRef, Row, Trigger
from skillmeat_site.upstream.github_batch import RepositoryNow


def _scan_joins(running: Params, wanted: Params) -> bool:
    """A running scan does all that is wanted if it is of the same source and at least as strong."""
    flags = ("force", "allow_removals")
    return all(running.get(flag, False) or not wanted.get(flag, False) for flag in flags)


def _scan_key(params: Params) -> str:
    """A push asks for a scan that begins after it: it joins one that waits, never one that has begun."""
    return f"{'pushed' if params.get('after_push') else 'rescan'}:{params['source_id']}"


@job(
    "marketplace.rescan",
    permission="marketplace.rescan_source",
    label="Rescan {target}",
    queue="scan",
    timeout=900,
    dedupe=_scan_key,
    joins=_scan_joins,
    busy=SourceBusy,
    target=source_of,
    anew=for_a_person,
)
def rescan(
    ctx: Any,
    source_id: int,
    force: bool = False,
    allow_removals: bool = False,
    after_push: bool = False,
    dry_run: bool = False,
    background: bool = False,
    told: Mapping[str, Any] | None = None,
) -> ScanResult:
    """``after_push``: wait for a scan that is under way, instead of giving up; see ``_scan_key``.

    ``background`` and ``told`` (what a batch said of the repository) are the sweep's, for its children.
    """
    options = ScanOptions(force=force, allow_removals=allow_removals, dry_run=dry_run, background=background)

    def scan(on_held: Callable[[], None] = nothing) -> ScanResult:
        now = from_params(told)
        return rescan_source(
            source_id, actor=ctx.actor, options=options, report=ctx, job_id=ctx.job_id, on_held=on_held, told=now
        )

    if after_push:
        return in_turn(lambda: scan(ctx.close), ctx)
    return patiently(scan, ctx) if background else scan()


@job(
    "marketplace.bulk_rescan",
    permission="marketplace.rescan_source",
    label=lambda params: f"Rescan {len(params['ids'])} sources",
    queue="scan",
    timeout=900,
    size=count_ids,
    retry=only_these,
)
def bulk_rescan(
    ctx: Any, ids: Sequence[int], force: bool = False, allow_removals: bool = False, dry_run: bool = False
) -> Any:
    """A sweep: one question for many sources on GitHub, then a scan of its own for each that has changed."""
    known = Source.objects.in_bulk(list(ids))
    dealt_with = ctx.settled_or_begun()
    asked = [known[pk] for pk in ids if pk in known and str(pk) not in dealt_with]
    options = ScanOptions(force=force, allow_removals=allow_removals, dry_run=dry_run)
    rows: list[Row] = []
    left: dict[int, RepositoryNow | None] = {}
    for swept in sweep(asked, options=options, report=ctx):
        ctx.add_rows(swept.rows)
        done = len(dealt_with) + len(rows) + len(swept.rows)
        ctx.progress(done, len(ids), "asking GitHub what has changed")
        rows += swept.rows
        left |= swept.left
    settled = {row.object.id for row in rows}
    flags = {"force": force, "allow_removals": allow_removals, "background": True}
    targets = [
        Target(
            source_ref(known[pk]) if pk in known else ObjectRef("source", str(pk)),
            {"source_id": pk, **flags, "told": _told(left.get(pk), known.get(pk))},
        )
        for pk in ids
        if str(pk) not in settled
    ]
    if dry_run:
        return BulkResult((*rows, *(_dry_row(ctx, target) for target in targets)), dry_run=True)
    return ctx.fan_out(rescan, targets)


def _told(told: RepositoryNow | None, source: Source | None) -> dict[str, Any] | None:
    return to_params(told, source) if told and source else None


def _dry_row(ctx: Any, target: Target) -> Row:
    try:
        result = rescan.function(ctx, **target.params, dry_run=True)
    except Exception as error:
        expected: DomainError | None = as_domain_error(error)
        if expected is None:
            raise
        outcome = ItemOutcome.DEFERRED if expected.defers else ItemOutcome.FAILED
        detail = deferral(expected) if expected.defers else None
        return Row(target.object, outcome, expected.code, expected.detail, detail)
    return Row(target.object, result.item_outcome, result.code, detail=result.to_json())


@job(
    "marketplace.bulk_update_entries",
    permission="marketplace.change_catalogentry",
    label=lambda params: f"{'Exclude' if params['excluded'] else 'Restore'} {len(params['ids'])} entries",
    size=count_ids,
    retry=only_these,
)
def bulk_update_entries(
    ctx: Any, ids: Sequence[int], excluded: bool, reason: str = "", dry_run: bool = False
) -> BulkResult:
    return set_excluded(ids, excluded=excluded, reason=reason, actor=ctx.actor, dry_run=dry_run)


@job(
    "marketplace.bulk_update_sources",
    permission="marketplace.change_source",
    label=lambda params: f"Change {len(params['ids'])} sources",
    size=count_ids,
    retry=only_these,
)
def bulk_update_sources(ctx: Any, ids: Sequence[int], dry_run: bool = False, **changes: Any) -> BulkResult:
    return update_sources(ids, actor=ctx.actor, dry_run=dry_run, **changes)


@every(5, "marketplace.rescan_due")
def rescan_due() -> Mapping[str, Any]:
    """Queue a scan of every source whose interval has run out, and that is not backing off; one sweep at a time.

    What a limit would defer at once is left until the limit is over.
    """
    if Job.objects.active().filter(kind=bulk_rescan.kind, trigger=Trigger.SCHEDULE).exists():
        return {"queued": 0}
    due = [source.pk for source in not_limited(Source.objects.due())]
    if not due:
        return {"queued": 0}
    runner.enqueue(bulk_rescan, {"ids": due, "force": False, "allow_removals": False}, SCHEDULER)
    return {"queued": len(due)}


@every(60 * 24, "marketplace.prune")
def prune_daily() -> int:
    """Delete scan runs that are older than SKILLMEAT_JOB_KEEP_DAYS; the newest of each source stays."""
    return prune_runs(timezone.now() - timedelta(days=settings.SKILLMEAT_JOB_KEEP_DAYS))


@every(60 * 24, "marketplace.prune_deliveries")
def prune_deliveries() -> int:
    return forget_deliveries()


@job(
    "marketplace.import",
    permission="collections_app.import_entry",
    label=lambda params: f"Import {len(params['ids'])} entries into {params.get('collection', 'default')}",
    queue="long",
    timeout=1800,
    busy=CollectionBusy,
    size=count_ids,
    retry=only_these,
)
def import_source(
    ctx: Any,
    source_id: int,
    ids: Sequence[int],
    collection: str = "default",
    strategy: str = "skip",
    source_ref: str = "",
    dry_run: bool = False,
) -> ImportResult:
    options = ImportOptions(collection, strategy_of(strategy), source_ref, dry_run)
    source = Source.objects.filter(pk=source_id).first()
    if source is None:
        raise NotFound(f"There is no source {source_id}.")
    return import_source_entries(source, ids, options=options, actor=ctx.actor, report=ctx, job_id=ctx.job_id)


@job(
    "marketplace.bulk_import",
    permission="collections_app.import_entry",
    label=lambda params: f"Import {len(params['ids'])} entries into {params.get('collection', 'default')}",
    queue="long",
    timeout=3600,
    busy=CollectionBusy,
    size=count_ids,
    retry=only_these,
)
def bulk_import(
    ctx: Any,
    ids: Sequence[int],
    collection: str = "default",
    strategy: str = "skip",
    source_ref: str = "",
    dry_run: bool = False,
) -> BulkImportResult:
    options = ImportOptions(collection, strategy_of(strategy), source_ref, dry_run)
    return import_entries(ids, options=options, actor=ctx.actor, report=ctx, job_id=ctx.job_id)


def _entry_of(params: Params) -> ObjectRef:
    entry = CatalogEntry.objects.filter(pk=params["entry_id"]).first()
    return entry_ref(entry.pk, str(entry)) if entry else ObjectRef("entry", str(params["entry_id"]))


@job(
    "marketplace.reimport",
    permission="collections_app.import_entry",
    label="Re-import {target}",
    timeout=900,
    busy=CollectionBusy,
    target=_entry_of,
)
def reimport(
    ctx: Any,
    source_id: int,
    entry_id: int,
    keep_deployments: bool = False,
    collection: str = "",
    dry_run: bool = False,
) -> ReimportResult:
    source = Source.objects.filter(pk=source_id).first()
    if source is None:
        raise NotFound(f"There is no source {source_id}.")
    options = ReimportOptions(keep_deployments, collection, dry_run)
    return reimport_entry(source, entry_id, options=options, actor=ctx.actor, report=ctx, job_id=ctx.job_id)


@job(
    "marketplace.bulk_reimport",
    permission="collections_app.import_entry",
    label=lambda params: f"Re-import {len(params['ids'])} entries",
    queue="long",
    timeout=3600,
    busy=CollectionBusy,
    size=count_ids,
    retry=only_these,
)
def bulk_reimport(
    ctx: Any, ids: Sequence[int], keep_deployments: bool = True, collection: str = "", dry_run: bool = False
) -> BulkResult:
    options = ReimportOptions(keep_deployments, collection, dry_run)
    return reimport_many(ids, options=options, actor=ctx.actor, report=ctx, job_id=ctx.job_id)
