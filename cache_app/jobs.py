"""How the project cache is kept current: jobs, and when they run by themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from cache_app.services.discovering import discover_projects
from cache_app.services.refreshing import RefreshJob
from cache_app.services.results import DiscoveryResult, RefreshResult
from cache_app.services.status import REFRESH
from skillmeat_site.core.actor import SCHEDULER
from skillmeat_site.core.errors import JobActive
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.jobs.registry import Params, job
from skillmeat_site.core.jobs.schedules import every


@job(
    "cache.discover",
    permission="collections_app.add_project",
    label="Look for projects",
    queue="long",
    timeout=1800,
    dedupe=lambda params: "cache.discover",
)
def discover(ctx: Any, dry_run: bool = False) -> DiscoveryResult:
    return discover_projects(actor=ctx.actor, report=ctx, dry_run=dry_run)


def _label(params: Params) -> str:
    ids = params.get("ids")
    return "Refresh the project cache" if ids is None else f"Refresh the cache of {len(ids)} projects"


def _key(params: Params) -> str:
    """One refresh of all, and one of the same projects, at a time."""
    ids = params.get("ids")
    if ids is None:
        return REFRESH
    return f"{REFRESH}:{hashlib.sha256(repr(sorted(ids)).encode()).hexdigest()[:32]}"


def _joins(running: Params, wanted: Params) -> bool:
    """A running refresh does all that is wanted if it is at least as strong."""
    return all(running.get(flag, False) or not wanted.get(flag, False) for flag in ("force", "ahead"))


def _size(params: Params) -> int:
    """How many projects are to be read."""
    ids = params.get("ids")
    if ids is not None:
        return len(ids)
    return len(RefreshJob.configured().due(force=params.get("force", False), ahead=params.get("ahead", False)))


def _only_these(params: Params, ids: Sequence[str]) -> dict[str, Any]:
    return {"ids": [int(pk) for pk in ids], "force": True}


@job(
    REFRESH,
    permission="cache_app.change_projectstate",
    label=_label,
    queue="long",
    timeout=1800,
    dedupe=_key,
    joins=_joins,
    size=_size,
    retry=_only_these,
)
def refresh(
    ctx: Any, ids: Sequence[int] | None = None, force: bool = False, ahead: bool = False, dry_run: bool = False
) -> RefreshResult:
    """``ids`` None: all. ``ahead``: also those that would be stale before the next scheduled refresh."""
    cache = RefreshJob.configured()
    if ids is not None:
        return cache.refresh_projects(
            list(ids), force, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=dry_run
        )
    return cache.refresh_all(force, ahead=ahead, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=dry_run)


def interval_minutes(hours: float) -> int:
    """What a schedule understands: whole minutes, one at least."""
    return max(1, round(hours * 60))


@every(interval_minutes(settings.SKILLMEAT_REFRESH_INTERVAL_HOURS), REFRESH)
def refresh_regularly() -> Mapping[str, Any]:
    """Queue a search for projects and a reading of those that are due; each at most once at a time."""
    queued = 0
    for definition, params in ((discover, {}), (refresh, {"ahead": True})):
        try:
            runner.enqueue(definition, params, SCHEDULER)
            queued += 1
        except JobActive:
            continue  # a lesser one is on its way; the next time will do
    return {"queued": queued}
