"""Cancelling and retrying many jobs, each settling by itself, as one job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from skillmeat_site.core.errors import DomainError, JobActive, JobFinished, NotFound, NothingToRetry
from skillmeat_site.core.jobs import control
from skillmeat_site.core.jobs.registry import Params, job
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import BulkResult, ItemOutcome, ObjectRef, Row
from skillmeat_site.core.rights import Rights

QUIET = (JobFinished.code, JobActive.code, NothingToRetry.code)
"""That there is nothing to cancel or to retry is no failure of the one who asks for all of them."""
CHUNK = 500

Verb = Callable[[Job], Job]
Refusal = Callable[[Job], DomainError | None]


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
    return _each(ctx, ids, partial(control.cancel, actor=ctx.actor), control.why_not_cancel, dry_run)


@job(
    "core.retry_jobs",
    label=lambda params: f"Retry {len(params['ids'])} jobs",
    permission="core.retry_job",
    timeout=1800,
    size=_count,
    retry=_only_these,
)
def retry_jobs(ctx: Any, ids: Sequence[str], dry_run: bool = False) -> BulkResult:
    """However often it is asked there is one retry of a job."""
    rights = Rights(ctx.actor)
    again = partial(control.retry_once, actor=ctx.actor, rights=rights)
    return _each(ctx, ids, again, lambda row: control.why_not_retry(row, rights), dry_run)


def _each(ctx: Any, ids: Sequence[str], verb: Verb, refusal: Refusal, dry_run: bool) -> BulkResult:
    rows: list[Row] = []
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        found = Job.objects.filter(pk__among=[UUID(pk) for pk in chunk]).defer("params", "result", "trail")
        known = {str(row.pk): row for row in found}
        for pk in chunk:
            rows.append(_one(known.get(pk), pk, verb, refusal, dry_run))
            if not dry_run:
                ctx.progress(len(rows), len(wanted))
    return BulkResult(tuple(rows), dry_run=dry_run)


def _one(row: Job | None, pk: str, verb: Verb, refusal: Refusal, dry_run: bool) -> Row:
    if row is None:
        return Row(ObjectRef("job", pk), ItemOutcome.FAILED, NotFound.code, "There is no such job any more.")
    try:
        if dry_run and (reason := refusal(row)):
            raise reason
        made = None if dry_run else verb(row)
    except DomainError as error:
        outcome = ItemOutcome.SKIPPED if error.code in QUIET else ItemOutcome.FAILED
        return Row(job_ref(row), outcome, error.code, error.detail)
    detail: Mapping[str, Any] | None = {"job_id": str(made.pk)} if made is not None and made.pk != row.pk else None
    return Row(job_ref(row), ItemOutcome.UPDATED, detail=detail)
