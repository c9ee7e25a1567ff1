"""Ending a job: its row, its item, its parent's item and, after the last child, its parent; in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from skillmeat_site.core.bulk import insert_rows
from skillmeat_site.core.errors import REGISTRY, Cancelled, DomainError
from skillmeat_site.core.jobs import registry, states
from skillmeat_site.core.metrics import count_job
from skillmeat_site.core.models import Job, JobItem
from skillmeat_site.core.results import (
    ACTIVE,
    BulkResult,
    Itemised,
    ItemOutcome,
    JobStatus,
    ObjectRef,
    Result,
    Row,
)

MAX_ROWS_IN_RESULT = 500
"""A bulk job's result repeats its rows up to here; beyond, they are read page by page from its items."""


_TOLD = ("object_label", "outcome", "code", "message", "detail")
_ITEM = ("job_id", "object_type", "object_id", *_TOLD)
_NOT_SETTLED = {"outcome": "", "code": "", "message": "", "detail": None}


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended, in the words of a job row and of a job item."""

    status: JobStatus
    outcome: ItemOutcome
    code: str = ""
    message: str = ""
    result: dict[str, Any] | None = None

    @classmethod
    def of_result(cls, result: Result) -> Ending:
        return cls(result.job_status, result.item_outcome, result.code, result=result.to_json())

    @classmethod
    def of_error(cls, error: DomainError) -> Ending:
        if isinstance(error, Cancelled):
            return cls(JobStatus.CANCELLED, ItemOutcome.DEFERRED, error.code, error.detail)
        if error.defers:
            return cls(JobStatus.PARTIAL, ItemOutcome.DEFERRED, error.code, error.detail, deferral(error))
        return cls(JobStatus.FAILED, ItemOutcome.FAILED, error.code, error.detail)


def deferral(error: DomainError) -> dict[str, Any]:
    """What a deferred item tells besides its code: when it may be tried again."""
    until = error.reset_at
    if until is None and error.retry_after is not None:
        until = timezone.now() + timedelta(seconds=error.retry_after)
    return {"reset_at": until.isoformat().replace("+00:00", "Z") if until else None}


def error_of(job: Job) -> DomainError | None:
    """The error that a job failed with, or was deferred by, made anew from its row; None for one that has a result.

    An error always says something, a result has a code at most.
    """
    if job.status not in (JobStatus.FAILED, JobStatus.PARTIAL) or not job.error_detail:
        return None
    kind = REGISTRY.get(job.error_code, DomainError)
    told = (job.result or {}).get("reset_at") if kind.defers else None
    reset_at = datetime.fromisoformat(told) if told else None
    wait = max(1, round((reset_at - timezone.now()).total_seconds())) if reset_at else None
    return kind(job.error_detail, retry_after=wait, reset_at=reset_at, data={"job_id": str(job.pk)})


def settle(job: Job, token: uuid.UUID | None, ending: Ending) -> bool:
    """End ``job`` and whatever hangs on it; False (and nothing written) if another attempt has it."""
    with transaction.atomic():
        columns: dict[str, Any] = {"error_code": ending.code, "error_detail": ending.message}
        if ending.result is not None:
            columns |= {"result": ending.result, "done": F("total"), "progress_label": ""}
        if not states.finish(job.pk, token, ending.status, **columns):
            return False
        if registry.get(job.kind).target is not None:
            _settle_own_item(job, ending)
        if job.parent_item_id is not None:
            settle_item(job.parent_item_id, ending, duration_ms=_duration_ms(job))
    count_job(job.kind, ending.status)
    return True


def settle_item(item_id: int, ending: Ending, *, duration_ms: int | None = None) -> None:
    """Write one row of a bulk job, once, and close the job if it was the last."""
    settled = JobItem.objects.filter(pk=item_id, outcome="").update(
        outcome=ending.outcome,
        code=ending.code,
        message=ending.message,
        detail=ending.result,
        duration_ms=duration_ms,
    )
    if settled:
        parent_id = JobItem.objects.values_list("job_id", flat=True).get(pk=item_id)
        Job.objects.filter(pk=parent_id, status__in=ACTIVE).update(done=F("done") + 1, heartbeat_at=Now())
        close_if_complete(parent_id)


def close_if_complete(parent_id: uuid.UUID) -> bool:
    """End a bulk job whose items have all settled. Of several last children exactly one does it."""
    parent = Job.objects.filter(pk=parent_id, awaits_children=True, status=JobStatus.RUNNING).first()
    if parent is None or parent.items.filter(outcome="").exists():
        return False
    return settle(parent, None, bulk_ending(parent))


def bulk_ending(job: Job, *, partly: bool = False, cancelled: bool = False) -> Ending:
    """What the items of a bulk job amount to. The flags as in ``BulkResult``; children tell theirs by themselves."""
    partly = partly or job.children.filter(status=JobStatus.PARTIAL).exists()
    result = BulkResult(rows_of(job), partly=partly, cancelled=cancelled or job.cancel_requested)
    status = result.job_status
    body = result.to_json()
    if len(result.rows) > MAX_ROWS_IN_RESULT:
        body = {"results": [], "results_url": f"/api/v1/jobs/{job.pk}/items", "summary": body["summary"]}
    return Ending(status, result.item_outcome, result=body)


def rows_of(job: Job) -> tuple[Row, ...]:
    return tuple(
        Row(
            ObjectRef(item.object_type, item.object_id, item.object_label),
            ItemOutcome(item.outcome),
            item.code,
            item.message,
            item.detail,
        )
        for item in job.items.exclude(outcome="")
    )


def cancel_waiting_children(parent: Job) -> None:
    """After a cancel: children that have not begun are ended here, running ones are asked to stop."""
    waiting = parent.children.filter(parent_item__isnull=False, status=JobStatus.QUEUED)
    for child in waiting.iterator():
        settle(child, None, Ending.of_error(Cancelled()))
    parent.children.filter(parent_item__isnull=False, status=JobStatus.RUNNING).update(cancel_requested=True)
    if has_children(parent):  # who does the work himself tells what he has not done
        defer_open_items(parent)
    close_if_complete(parent.pk)


def has_children(parent: Job) -> bool:
    """Whether the job has handed out items. Its retries are children of another kind."""
    return parent.children.filter(parent_item__isnull=False).exists()


def defer_open_items(parent: Job) -> None:
    """After a cancel: what has no child will have none."""
    orphaned = parent.items.filter(Q(outcome="") & Q(child__isnull=True))
    for item_id in orphaned.values_list("pk", flat=True):
        settle_item(item_id, Ending.of_error(Cancelled()))


def settled_or_begun(job: Job) -> set[str]:
    """Ids of the objects that an earlier attempt of a bulk job has settled, or has handed to a child."""
    done = job.items.filter(~Q(outcome="") | Q(child__isnull=False))
    return set(done.values_list("object_id", flat=True))


def add_rows(job: Job, rows: Sequence[Row]) -> None:
    """Keep rows of a bulk job that needed no child of their own. One that is settled or has a child stays as it is."""
    with transaction.atomic():
        ids = [row.object.id for row in rows]
        job.items.filter(outcome="", child__isnull=True, object_id__in=ids).delete()
        _insert_rows(job, rows)
        Job.objects.filter(pk=job.pk).update(done=job.items.exclude(outcome="").count())


def expect(job: Job, objects: Sequence[ObjectRef]) -> None:
    """Make these objects items of a bulk job that has no children, before the first of them is dealt with.

    So a retry finds what is left, however the job ends. A second attempt finds the items of the first.
    """
    rows = ({"job_id": job.pk, **_NOT_SETTLED, **_names(ref)} for ref in objects)
    insert_rows(JobItem, rows, _ITEM, ignore_conflicts=True)


def keep_rows(job: Job, rows: Sequence[Row]) -> None:
    """Tell what became of some of the objects, whether they are items already or not."""
    JobItem.objects.bulk_create(
        [JobItem(**columns) for columns in _columns(job, rows)],
        update_conflicts=True,
        unique_fields=["job", "object_type", "object_id"],
        update_fields=_TOLD,
    )


def record_rest(job: Job, result: BulkResult) -> None:
    """Keep those rows of a bulk operation without children that are not kept yet."""
    known = dict(job.items.values_list("object_id", "outcome"))
    rest = [row for row in result.rows if not known.get(row.object.id)]
    if known:
        keep_rows(job, rest)
    else:
        _insert_rows(job, rest)
    Job.objects.filter(pk=job.pk).update(done=len(result.rows), total=len(result.rows))


def record_rows(job: Job, result: Itemised) -> None:
    """Keep the rows of a bulk operation that had no children as items of its job."""
    _insert_rows(job, result.rows)
    Job.objects.filter(pk=job.pk).update(done=len(result.rows), total=len(result.rows))


def _insert_rows(job: Job, rows: Sequence[Row]) -> None:
    insert_rows(JobItem, _columns(job, rows), _ITEM, ignore_conflicts=True)


def _columns(job: Job, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    return (
        {
            "job_id": job.pk,
            **_names(row.object),
            "outcome": row.outcome.value,
            "code": row.code,
            "message": row.message,
            "detail": dict(row.detail) if row.detail else None,
        }
        for row in rows
    )


def _names(ref: ObjectRef) -> dict[str, str]:
    return {"object_type": ref.type, "object_id": ref.id, "object_label": ref.label[:300]}


def _settle_own_item(job: Job, ending: Ending) -> None:
    """The one item of a job about one object; it was written with the job."""
    job.items.filter(outcome="").update(
        outcome=ending.outcome, code=ending.code, message=ending.message, duration_ms=_duration_ms(job)
    )


def _duration_ms(job: Job) -> int | None:
    return round((timezone.now() - job.started_at).total_seconds() * 1000) if job.started_at else None


def after_cancel(job: Job) -> None:
    """Settle what hangs on a job that was cancelled before it began."""
    ending = Ending.of_error(Cancelled())
    if registry.get(job.kind).target is not None:
        _settle_own_item(job, ending)
    if job.parent_item_id is not None:
        settle_item(job.parent_item_id, ending)
