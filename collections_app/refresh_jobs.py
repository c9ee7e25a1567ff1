"""How refreshing runs as jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from collections_app.domain.refresh_options import RefreshOptions
from collections_app.errors import CollectionBusy
from collections_app.job_parts import artifacts_in_parts, collections_in_parts
from collections_app.services.refresh_many import refresh_artifacts as refresh_these
from collections_app.services.refresh_plans import prune_plans
from collections_app.services.refresh_results import RefreshResult, UpdateCheckResult
from collections_app.services.refreshing import apply_plan, refresh_collection, rollback_refresh
from collections_app.services.results import Restored
from skillmeat_site.core.jobs.registry import Params, job
from skillmeat_site.core.jobs.schedules import every
from skillmeat_site.core.results import BulkResult, ObjectRef

DAY = 60 * 24
Filters = Mapping[str, Any]


def _collection_of(params: Params) -> ObjectRef:
    return ObjectRef("collection", str(params["slug"]), str(params["slug"]))


def _label(params: Params) -> str:
    verb = {"check_only": "Check", "sync": "Sync"}.get(str(params.get("mode") or ""), "Refresh")
    return f"{verb} {params['slug']}"


def _only_these(params: Params, ids: Sequence[str]) -> dict[str, Any]:
    """The artifacts that failed or were deferred, and no others."""
    return {**params, "filters": {**(params.get("filters") or {}), "ids": list(ids)}}


def _size_of(name: str) -> Any:
    return lambda params: len(params[name])


@job(
    "collections.refresh",
    permission="collections_app.refresh_collection",
    label=_label,
    queue="long",
    timeout=1800,
    busy=CollectionBusy,
    retry=_only_these,
)
def refresh(ctx: Any, slug: str, dry_run: bool = False, **said: Any) -> RefreshResult | UpdateCheckResult:
    """``said``: mode, strategy, fields, filters. Its artifacts are the job's items; a retry takes up what is left."""
    options = RefreshOptions.of(said)
    return refresh_collection(slug, options, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=dry_run)


@job(
    "collections.plan",
    permission="collections_app.refresh_collection",
    label=lambda params: f"Plan: {_label(params)}",
    queue="long",
    timeout=1800,
    busy=CollectionBusy,
)
def plan(ctx: Any, slug: str, dry_run: bool = False, **said: Any) -> RefreshResult | UpdateCheckResult:
    """A refresh that is only told; what it would change is kept as a plan, to be applied."""
    options = RefreshOptions.of(said)
    return refresh_collection(slug, options, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=True)


@job(
    "collections.apply_plan",
    permission="collections_app.refresh_collection",
    label=lambda params: f"Apply a refresh plan of {params['slug']}",
    queue="long",
    timeout=1800,
    busy=CollectionBusy,
)
def apply(ctx: Any, slug: str, plan_id: str, dry_run: bool = False) -> RefreshResult:
    return apply_plan(slug, plan_id, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=dry_run)


@job(
    "collections.rollback",
    permission="collections_app.refresh_collection",
    label="Roll back the last refresh of {target}",
    queue="long",
    timeout=1800,
    busy=CollectionBusy,
    target=_collection_of,
)
def rollback(ctx: Any, slug: str, dry_run: bool = False) -> Restored:
    return rollback_refresh(slug, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=dry_run)


@job(
    "collections.bulk_refresh",
    permission="collections_app.refresh_collection",
    label=lambda params: f"Refresh {len(params['slugs'])} collections",
    queue="long",
    timeout=1800,
    busy=CollectionBusy,
    size=_size_of("slugs"),
    retry=lambda params, ids: {**params, "slugs": list(ids)},
)
def bulk_refresh(ctx: Any, slugs: Sequence[str], dry_run: bool = False, **said: Any) -> BulkResult:
    options = RefreshOptions.of(said)

    def one(slug: str) -> RefreshResult | UpdateCheckResult:
        return refresh_collection(slug, options, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=dry_run)

    return collections_in_parts(ctx, slugs, one, dry_run=dry_run)


@job(
    "collections.refresh_artifacts",
    permission="collections_app.refresh_collection",
    label=lambda params: f"Refresh {len(params['ids'])} artifacts",
    queue="long",
    timeout=1800,
    busy=CollectionBusy,
    size=_size_of("ids"),
    retry=lambda params, ids: {**params, "ids": list(ids)},
)
def refresh_artifacts(ctx: Any, ids: Sequence[str], dry_run: bool = False, **said: Any) -> BulkResult:
    options = RefreshOptions.of(said)
    how = {"actor": ctx.actor, "report": ctx, "job_id": ctx.job_id, "keep": ctx.keep_rows}
    known = [UUID(text) for text in ids]
    return artifacts_in_parts(ctx, known, lambda left: refresh_these(left, options, **how, dry_run=dry_run))


@every(DAY, "collections.prune_plans")
def prune_daily() -> int:
    return prune_plans(timezone.now())
