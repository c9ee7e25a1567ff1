"""Bring the tags that topics suggest up to what GitHub says now, with what else it says of a repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from marketplace.domain.topics import topic_tags
from marketplace.errors import SourceBusy
from marketplace.models import Source
from marketplace.models.tag import TagKind
from marketplace.services.identity import described
from marketplace.services.sources import not_found_row, source_ref
from marketplace.services.tag_results import NOT_GITHUB, TagRefresh, TagRefreshes
from marketplace.services.tag_sync import sync_tags
from marketplace.services.topics import Answer, is_on_github, topics_of
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, NotFound
from skillmeat_site.core.jobs.settling import deferral
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import ItemOutcome, Row
from skillmeat_site.upstream.errors import UpstreamRateLimited
from skillmeat_site.upstream.types import RepositoryFacts

ROWS_KEPT_AT_ONCE = 20
"""So many are asked about again at most, after the process was killed."""


def _forget(rows: Sequence[Row]) -> None:
    """For callers that get all rows in the end."""


@dataclass(frozen=True, slots=True)
class RefreshRun:
    """Who refreshes, and how. ``keep`` is given the rows of a run over many as they settle, a few at a time."""

    actor: Actor
    report: Report
    job_id: UUID | None = None
    dry_run: bool = False
    keep: Callable[[Sequence[Row]], None] = _forget


def refresh_auto_tags(source_id: int, *, run: RefreshRun) -> TagRefresh:
    """Refresh one source. Upstream is asked outside any transaction; one short one writes.

    Decisions hold, also on what is gone and on what comes back; a repository without topics has no tags. A source
    that is not on GitHub is skipped. Raises NotFound, SourceBusy where its address was changed meanwhile,
    UpstreamError by kind; UpstreamRateLimited tells when to come back. Nothing has changed then.
    """
    source = Source.objects.filter(pk=source_id).first()
    if source is None:
        raise NotFound(f"There is no source {source_id}.")
    if not is_on_github(source):
        return TagRefresh(source.pk, ItemOutcome.SKIPPED, NOT_GITHUB, dry_run=run.dry_run)
    [(_, answer)] = topics_of([source], run.report)
    return _settled(source, answer, run)


def refresh_many(ids: Sequence[int], *, run: RefreshRun) -> TagRefreshes:
    """Refresh many sources, each settling by itself; one row for each id, in order.

    What is not asked because of a limit, a cancel or the end of the job's time is ``deferred``. Raises LeaseLost.
    """
    known = Source.objects.in_bulk(list(ids))
    rows: dict[int, Row] = {}
    asked: list[Source] = []
    for pk in dict.fromkeys(ids):
        if pk not in known:
            rows[pk] = not_found_row("source", pk)
        else:
            _sort_out(known[pk], asked, rows, run)
    limit: UpstreamRateLimited | None = None
    stop: DomainError | None = None
    fresh: list[Row] = []
    try:
        for done, (source, answer) in enumerate(topics_of(asked, run.report)):
            if isinstance(answer, UpstreamRateLimited):
                limit = answer
            rows[source.pk] = _row(source, answer, run)
            fresh.append(rows[source.pk])
            if len(fresh) == ROWS_KEPT_AT_ONCE:
                run.keep(fresh)
                fresh = []
            run.report.progress(done + 1, len(asked), str(source))
    except (Cancelled, JobTimeout) as error:
        stop = error
        rows |= {source.pk: _failed(source, error) for source in asked if source.pk not in rows}
    return TagRefreshes(
        tuple(rows[pk] for pk in dict.fromkeys(ids)),
        rate_limited=limit is not None,
        reset_at=limit.reset_at if limit else None,
        cancelled=isinstance(stop, Cancelled),
        dry_run=run.dry_run,
        job_id=run.job_id,
    )


def _sort_out(source: Source, asked: list[Source], rows: dict[int, Row], run: RefreshRun) -> None:
    try:
        if is_on_github(source):
            asked.append(source)
            return
    except DomainError as error:
        rows[source.pk] = _failed(source, error)
        return
    skipped = TagRefresh(source.pk, ItemOutcome.SKIPPED, NOT_GITHUB, dry_run=run.dry_run)
    rows[source.pk] = Row(source_ref(source), skipped.outcome, skipped.code, detail=skipped.to_json())


def _row(source: Source, answer: Answer, run: RefreshRun) -> Row:
    try:
        result = _settled(source, answer, run)
    except DomainError as error:
        return _failed(source, error)
    return Row(source_ref(source), result.outcome, result.code, detail=result.to_json())


def _failed(source: Source, error: DomainError) -> Row:
    put_off = isinstance(error, UpstreamRateLimited | Cancelled | JobTimeout)
    outcome = ItemOutcome.DEFERRED if put_off else ItemOutcome.FAILED
    detail = {"source_id": source.pk, **(deferral(error) if put_off else {})}
    return Row(source_ref(source), outcome, error.code, error.detail, detail)


def _settled(source: Source, answer: Answer, run: RefreshRun) -> TagRefresh:
    if isinstance(answer, DomainError):
        raise answer
    with transaction.atomic():
        result = _write(source, answer, run, timezone.now())
        if run.dry_run:
            transaction.set_rollback(True)
    return result


def _write(source: Source, facts: RepositoryFacts, run: RefreshRun, now: datetime) -> TagRefresh:
    locked = Source.objects.select_for_update().filter(pk=source.pk).first()
    if locked is None:
        raise NotFound(f"There is no source {source.pk}.")
    if locked.url_key != source.url_key and locked.repository_id != facts.id:
        raise SourceBusy("The source was given another address meanwhile; nothing was written.")
    columns = {name: value for name, value in described(facts).items() if getattr(locked, name) != value}
    changes = sync_tags(locked, TagKind.TOPIC, topic_tags(facts.topics), complete=True, now=now)
    # The tags are shown with their source: its ETag has to change with them.
    Source.objects.filter(pk=locked.pk).update(**columns, updated_at=now)
    changed = bool(columns or changes.added or changes.updated or changes.gone)
    if changed:
        counts = {"added": changes.added, "updated": changes.updated, "gone": changes.gone}
        AuditEvent.record(run.actor, "source.tags_refreshed", locked, job_id=run.job_id, **counts)
    tags = tuple(locked.found_tags.filter(kind=TagKind.TOPIC).present().order_by("normalized"))
    outcome = ItemOutcome.UPDATED if changed else ItemOutcome.UNCHANGED
    return TagRefresh(source.pk, outcome, changes=changes, tags=tags, dry_run=run.dry_run)
