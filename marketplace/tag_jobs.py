"""Jobs about the tags that repositories suggest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from collections_app.errors import CollectionBusy
from marketplace.job_params import count_ids, only_these, source_of
from marketplace.models import SourceTag
from marketplace.models.tag import TagKind, TagStatus
from marketplace.services import auto_tags
from marketplace.services.approved_tags import has_imports
from marketplace.services.approved_tags import spread_tags as spread
from marketplace.services.auto_tags import RefreshRun
from marketplace.services.tag_results import TagRefresh, TagRefreshes
from marketplace.services.tags import approve_waiting, decide_tag
from marketplace.services.tags import decide_tags as decide
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.jobs.registry import job
from skillmeat_site.core.results import BulkResult, ItemOutcome


@job(
    "marketplace.refresh_auto_tags",
    permission="marketplace.rescan_source",
    label="Refresh the topics of {target}",
    target=source_of,
)
def refresh_auto_tags(ctx: Any, source_id: int, dry_run: bool = False) -> TagRefresh:
    return auto_tags.refresh_auto_tags(source_id, run=RefreshRun(ctx.actor, ctx, ctx.job_id, dry_run))


@job(
    "marketplace.bulk_refresh_auto_tags",
    permission="marketplace.rescan_source",
    label=lambda params: f"Refresh the topics of {len(params['ids'])} sources",
    queue="long",
    timeout=3600,
    size=count_ids,
    retry=only_these,
)
def bulk_refresh_auto_tags(ctx: Any, ids: Sequence[int], dry_run: bool = False) -> TagRefreshes:
    """One job, not one for each source: a batch may then ask about many at once.

    Rows are kept as they settle: an attempt after one that was killed asks only about what is missing.
    """
    before = {row.object.id: row for row in ctx.settled_rows()}
    left = [pk for pk in ids if str(pk) not in before]
    result = auto_tags.refresh_many(left, run=RefreshRun(ctx.actor, ctx, ctx.job_id, dry_run, ctx.add_rows))
    return replace(result, rows=(*before.values(), *result.rows)) if before else result


@job(
    "marketplace.decide_tags",
    permission="marketplace.change_source",
    label=lambda params: f"Decide on {len(params['ids'])} suggested tags",
    size=count_ids,
    retry=only_these,
)
def decide_tags(ctx: Any, ids: Sequence[int], status: str, dry_run: bool = False) -> BulkResult:
    result = decide(ids, status=status, actor=ctx.actor, dry_run=dry_run)
    if status == TagStatus.APPROVED and not dry_run:
        spread_later((int(row.object.id) for row in result.rows if row.outcome is ItemOutcome.UPDATED), ctx.actor)
    return result


@job(
    "marketplace.approve_tags",
    permission="marketplace.change_source",
    label=lambda params: f"Approve the pending tags of {len(params['ids'])} sources",
    size=count_ids,
    retry=only_these,
)
def approve_tags(ctx: Any, ids: Sequence[int], dry_run: bool = False) -> BulkResult:
    result = approve_waiting(ids, actor=ctx.actor, dry_run=dry_run)
    if not dry_run:
        spread_later((pk for row in result.rows for pk in (row.detail or {}).get("tags", ())), ctx.actor)
    return result


@job(
    "marketplace.spread_tags",
    permission="marketplace.change_source",
    label=lambda params: f"Add {len(params['ids'])} approved tags to imported artifacts",
    queue="long",
    timeout=1800,
    busy=CollectionBusy,
    size=count_ids,
)
def spread_tags(ctx: Any, ids: Sequence[int], dry_run: bool = False) -> BulkResult:
    return spread(ids, actor=ctx.actor, report=ctx, job_id=ctx.job_id, keep=ctx.keep_rows, dry_run=dry_run)


def decide_one(tag: SourceTag, status: str, *, actor: Actor) -> SourceTag:
    """Decide on one suggested tag at once, without a job; what an approval means for artifacts is queued.

    Idempotent: a second click changes and queues nothing. Raises like ``services.tags.decide_tag``.
    """
    decided = decide_tag(tag.source, TagKind(tag.kind), tag.value, status, actor=actor)
    if decided.status == TagStatus.APPROVED and tag.status != TagStatus.APPROVED:
        spread_later([decided.pk], actor)
    return decided


def spread_later(tag_ids: Iterable[int], actor: Actor) -> None:
    """Queue what an approval means for artifacts that were imported before, if there are any."""
    ids = list(tag_ids)
    if ids and has_imports(ids):
        runner.enqueue(spread_tags, {"ids": ids}, actor)
