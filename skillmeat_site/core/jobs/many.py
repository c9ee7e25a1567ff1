"""Cancelling and retrying many jobs, each settling by itself, as one job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from skillmeat_site.core.errors import DomainError, JobActive, JobFinished, NotFound, NothingToRetry
from skillmeat_site.core.jobs import control
from skillmeat_site.core.jobs.control import Retried
from skillmeat_site.core.jobs.registry import Params, job
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import BulkResult, ItemOutcome, ObjectRef, Row
from skillmeat_site.core.rights import Rights

QUIET = (JobFinished.code, JobActive.code, NothingToRetry.code)
"""That there is nothing to cancel or to retry is no failure of the one who asks for all of them."""
CHUNK = 500

Verb = Callable[[Job], Row]
"""Does it, or tells what it would come to; either raises the DomainError of a job that it is not for."""


def job_ref(row: Job) -> ObjectRef:
    return ObjectRef("job", str(row.pk), row.label)


def _only_these(params: Params, ids: Sequence[str]) -> dict[str, Any]:
    return {**params, "ids": list(ids)}


def _count(params: Params) -> int:
    return len(params["ids"])


@job(
    "core.cancel_jobs",
    label=lambda params: f"Cancel {len(params['ids'])} jobs",
    permission="core.cancel_job",
    timeout=1800,
    size=_count,
    retry=_only_these,
)
def cancel_jobs(ctx: Any, ids: Sequence[str], dry_run: bool = False) -> BulkResult:
    """Queued jobs end at once, running ones before their next item."""

    def cancel(row: Job) -> Row:
        if not dry_run:
            control.cancel(row, actor=ctx.actor)
        elif reason := control.why_not_cancel(row):
            raise reason
        return Row(job_ref(row), ItemOutcome.UPDATED)

    return _each(ctx, ids, cancel, dry_run)


@job(
    "core.retry_jobs",
    label=lambda params: f"Retry {len(params['ids'])} jobs",
    permission="core.retry_job",
    timeout=1800,
    size=_count,
    retry=_only_these,
)
def retry_jobs(ctx: Any, ids: Sequence[str], dry_run: bool = False) -> BulkResult:
    """Each gets one new job; where a retry is on its way already, that one is told."""
    rights = Rights(ctx.actor)

    def retry(row: Job) -> Row:
        if not dry_run:
            return _taken_up(row, control.retry_once(row, actor=ctx.actor, rights=rights))
        if reason := control.why_not_retry(row, rights):
            raise reason
        return _under_way(row) if control.retries_of(row).active().exists() else Row(job_ref(row), ItemOutcome.UPDATED)

    return _each(ctx, ids, retry, dry_run)


def _taken_up(row: Job, retried: Retried) -> Row:
    detail = {"job_id": str(retried.job.pk)}
    if retried.is_new:
        return Row(job_ref(row), ItemOutcome.UPDATED, detail=detail)
    if retried.job.parent_id == row.pk:
        return replace(_under_way(row), detail=detail)
    # Another job's retry, say: of two that did the same, both are done again by the one.
    return Row(
        job_ref(row), ItemOutcome.UPDATED, message="An equal job, which was on its way, does it.", detail=detail
    )


def _under_way(row: Job) -> Row:
    return Row(job_ref(row), ItemOutcome.UNCHANGED, message="Its retry is under way already.")


def _each(ctx: Any, ids: Sequence[str], verb: Verb, dry_run: bool) -> BulkResult:
    rows: list[Row] = []
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        found = Job.objects.filter(pk__among=[UUID(pk) for pk in chunk]).defer("params", "result", "trail")
        known = {str(row.pk): row for row in found}
        for pk in chunk:
            rows.append(_one(known.get(pk), pk, verb))
            if not dry_run:
                ctx.progress(len(rows), len(wanted))
    return BulkResult(tuple(rows), dry_run=dry_run)


def _one(row: Job | None, pk: str, verb: Verb) -> Row:
    if row is None:
        return Row(ObjectRef("job", pk), ItemOutcome.FAILED, NotFound.code, "There is no such job any more.")
    try:
        return verb(row)
    except DomainError as error:
        outcome = ItemOutcome.SKIPPED if error.code in QUIET else ItemOutcome.FAILED
        return Row(job_ref(row), outcome, error.code, error.detail)
