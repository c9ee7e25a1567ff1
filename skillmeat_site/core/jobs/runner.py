"""Runs jobs: inline in the caller's process, or on a worker to which the queue delivered the id. The same code."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost, WorkerLost
from skillmeat_site.core.jobs import queue, registry, settling, states
from skillmeat_site.core.jobs.context import JobContext, Target, Watch, unwatched
from skillmeat_site.core.jobs.failures import as_domain_error
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.jobs.settling import Ending
from skillmeat_site.core.models import Job, JobItem
from skillmeat_site.core.results import BulkResult, Itemised, JobStatus, Result, Row
from skillmeat_site.core.transactions import repeatably

log = structlog.get_logger(__name__)

CHILDREN_PER_TRANSACTION = 100
CREATE_ATTEMPTS = 5
"""How often a job is tried to be written while the one with its key ends between two statements."""


class _HandedOut:
    """Returned by a bulk function whose children are on their way: the last of them ends the job."""


HANDED_OUT = _HandedOut()


class InternalError(DomainError):
    """A bug. The log has the trace under the id that ``detail`` tells."""

    code = "internal"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an inline run came to: the finished job, and either a result or the error."""

    job: Job
    result: Result | None
    error: DomainError | None

    def unwrap(self) -> Result:
        """The result. Raises the error of a failed job."""
        if self.error is not None:
            raise self.error
        if self.result is None:
            raise InternalError("the job ended without a result")
        return self.result


class Queued(NamedTuple):
    """What a request came to; not ``is_new`` where a job that does it all was there already."""

    job: Job
    is_new: bool


def run_inline(
    definition: JobDefinition,
    params: Mapping[str, Any],
    actor: Actor,
    *,
    item: JobItem | None = None,
    job_id: uuid.UUID | None = None,
    watch: Watch = unwatched,
    outer: JobContext | None = None,
) -> Outcome:
    """Run a job in this process and wait for it. A job row exists all the same.

    Raises ``definition.busy`` if an active job holds the dedupe key; nothing has run then. What goes wrong inside
    comes back in the outcome and stands in the job row. ``watch`` sees the progress; ``outer`` is the
    job inside which this one runs, and which it keeps alive. ``job_id`` makes the call
    idempotent: a second one with the same id returns the first one's job and runs nothing.
    """
    token = uuid.uuid4()
    job, created = _create(
        definition, params, actor, job_id, item=item, status=JobStatus.RUNNING, lease_token=token, attempt=1
    )
    if not created and _is_this_one(job, job_id, item):
        return Outcome(job, None, None)
    if not created:
        raise definition.busy(data={"job_id": str(job.pk)})
    return _attempt(job, token, definition, watch, outer)


def enqueue(
    definition: JobDefinition,
    params: Mapping[str, Any],
    actor: Actor,
    *,
    item: JobItem | None = None,
    parent: Job | None = None,
    job_id: uuid.UUID | None = None,
) -> Job:
    """Queue a job, or return the active one with the same key if that does it all. See ``ask_for``."""
    return ask_for(definition, params, actor, item=item, parent=parent, job_id=job_id).job


def ask_for(
    definition: JobDefinition,
    params: Mapping[str, Any],
    actor: Actor,
    *,
    item: JobItem | None = None,
    parent: Job | None = None,
    job_id: uuid.UUID | None = None,
) -> Queued:
    """Like ``enqueue``, for who has to know whether the job is a new one. Row and message are one transaction.

    ``job_id`` makes the call idempotent: a second one with the same id returns the first one's job.
    Raises ``definition.busy`` where the active job does less than is wanted (an unforced scan, a forced one wanted).
    """
    with transaction.atomic():
        job, created = _create(definition, params, actor, job_id, item=item, parent=parent, queue=definition.queue)
        if created:
            queue.send(str(job.pk), queue=definition.queue, timeout=definition.timeout)
    joins = _is_this_one(job, job_id, item) or (definition.joins(job.params, dict(params)) and item is None)
    if not created and not joins:
        raise definition.busy(data={"job_id": str(job.pk)})
    return Queued(job, created)


def deliver(job_id: str) -> None:
    """What a worker runs for a message. A message for a job that is over or in other hands is void: it returns."""
    token = states.claim(job_id)
    if token is None:
        log.info("job.void_delivery", job_id=job_id)
        return
    job = Job.objects.select_related("actor").get(pk=job_id)
    definition = registry.get(job.kind)
    if job.attempt > definition.max_attempts:
        settling.settle(job, token, Ending.of_error(WorkerLost()))
        return
    _attempt(job, token, definition)


def _is_this_one(job: Job, job_id: uuid.UUID | None, item: JobItem | None) -> bool:
    """True if ``job`` is the one that an earlier call with the same id, or for the same item, has made."""
    return job.pk == job_id or (item is not None and job.parent_item_id == item.pk)


def _create(
    definition: JobDefinition,
    params: Mapping[str, Any],
    actor: Actor,
    job_id: uuid.UUID | None = None,
    *,
    item: JobItem | None = None,
    parent: Job | None = None,
    **columns: Any,
) -> tuple[Job, bool]:
    """Write the job's row; or find (False) the one with this id or item, or the active one with its dedupe key."""
    if columns.get("status") == JobStatus.RUNNING:
        columns |= {"started_at": timezone.now(), "heartbeat_at": Now()}
    else:
        columns |= {"sent_at": Now()}
    key = definition.dedupe(params)
    target = definition.target(params) if definition.target else None
    new_id = job_id or uuid.uuid4()
    for attempts_left in reversed(range(CREATE_ATTEMPTS)):
        try:
            with transaction.atomic():
                job = Job.objects.create(
                    pk=new_id,
                    kind=definition.kind,
                    label=definition.name(params, target)[:300],
                    dedupe_key=key,
                    params=dict(params),
                    trigger=actor.trigger,
                    actor_id=actor.user_id,
                    parent=item.job if item else parent,
                    parent_item=item,
                    **columns,
                )
                if target is not None:
                    JobItem.objects.create(
                        job=job, object_type=target.type, object_id=target.id, object_label=target.label[:300]
                    )
            return job, True
        except IntegrityError:
            same = Job.objects.filter(Q(pk=new_id) | Q(parent_item__isnull=False, parent_item=item)).first()
            if same is not None:
                return same, False
            if key is None or not attempts_left:
                raise
            holder = Job.objects.active().filter(dedupe_key=key).first()
        if holder is None:
            continue  # it ended between the two statements
        if Job.objects.filter(states.is_stale(), pk=holder.pk).exists():
            settling.settle(holder, holder.lease_token, Ending.of_error(WorkerLost()))
            continue
        return holder, False
    raise AssertionError("unreachable: the last attempt returns or raises")


def _attempt(
    job: Job,
    token: uuid.UUID,
    definition: JobDefinition,
    watch: Watch = unwatched,
    outer: JobContext | None = None,
) -> Outcome:
    """Run the function once and write how it ended. Only what must not be survived is raised."""
    ctx = JobContext(job, token, definition.timeout, _fan_out, watch, outer)
    with structlog.contextvars.bound_contextvars(job_id=str(job.pk), kind=job.kind):
        log.info("job.start", attempt=job.attempt, params=_shortened(job.params))
        try:
            result = definition.function(ctx, **job.params)
        except (KeyboardInterrupt, SystemExit, queue.WorkerTimeout) as stop:
            timed_out = isinstance(stop, queue.WorkerTimeout)
            settling.settle(job, token, Ending.of_error(JobTimeout() if timed_out else Cancelled()))
            raise
        except Exception as error:  # noqa: BLE001 - the last line of defence: it becomes the job's error
            return _failed(job, token, error)
        return _succeeded(job, token, result)


def _shortened(params: Mapping[str, Any]) -> dict[str, Any]:
    """Params for the log: of a long list only how long it is."""
    return {name: _in_short(value) for name, value in params.items()}


def _in_short(value: Any) -> Any:
    if isinstance(value, list) and len(value) > 20:
        return f"{len(value)} values"
    return _shortened(value) if isinstance(value, dict) else value


def _succeeded(job: Job, token: uuid.UUID, result: Any) -> Outcome:
    if result is HANDED_OUT:
        with transaction.atomic():
            states.await_children(job.pk, token)
            settling.close_if_complete(job.pk)
        log.info("job.handed_out")
        return Outcome(job, None, None)
    if isinstance(result, BulkResult):
        if not settling.has_children(job):
            settling.record_rest(job, result)
        ending = settling.bulk_ending(job, partly=result.partly, cancelled=result.cancelled)
    else:
        if isinstance(result, Itemised):
            settling.record_rows(job, result)
        ending = Ending.of_result(result)
    if not settling.settle(job, token, ending):
        return Outcome(job, None, LeaseLost())
    job.refresh_from_db()
    duration = job.finished_at - job.started_at if job.finished_at and job.started_at else None
    log.info(
        "job.end",
        status=ending.status,
        duration_ms=round(duration.total_seconds() * 1000) if duration else None,
        counters={name: value for name, value in (ending.result or {}).items() if isinstance(value, int)},
    )
    return Outcome(job, result, None)


def _failed(job: Job, token: uuid.UUID, error: Exception) -> Outcome:
    expected = as_domain_error(error)
    if expected is None:
        incident = uuid.uuid4().hex[:12]
        log.exception("job.bug", incident=incident)
        expected = InternalError(f"An unexpected error occurred (incident {incident}).")
    else:
        log.warning("job.failed", code=expected.code, detail=expected.detail, exc_info=error)
    settling.settle(job, token, Ending.of_error(expected))
    job.refresh_from_db()
    return Outcome(job, None, expected)


def _fan_out(ctx: JobContext, definition: JobDefinition, targets: Sequence[Target]) -> Any:
    """Freeze the targets as items of the bulk job, then run or queue one child for each that has none yet."""
    job = ctx.job
    JobItem.objects.bulk_create(
        [
            JobItem(job=job, object_type=t.object.type, object_id=t.object.id, object_label=t.object.label[:300])
            for t in targets
        ],
        ignore_conflicts=True,  # a second attempt finds the items of the first
    )
    states.beat(job.pk, ctx.token, total=job.items.count())
    params = {(t.object.type, t.object.id): t.params for t in targets}
    open_items = list(job.items.filter(outcome="", child__isnull=True).select_related("job"))
    if job.queue:
        try:
            for start in range(0, len(open_items), CHILDREN_PER_TRANSACTION):
                ctx.checkpoint()
                _queue_children(ctx, definition, open_items[start : start + CHILDREN_PER_TRANSACTION], params)
        except Cancelled:
            # Children that run already end the job, as ever: so its result tells what all of them came to.
            settling.cancel_waiting_children(job)
            settling.defer_open_items(job)
        return HANDED_OUT
    return BulkResult(tuple(_run_children(ctx, definition, open_items, params)))


def _queue_children(
    ctx: JobContext, definition: JobDefinition, items: Sequence[JobItem], params: Mapping[Any, Mapping[str, Any]]
) -> None:
    """Hand out what is still open. Raises Cancelled and LeaseLost: of these nothing is handed out then.

    Who cancels has done so before, or waits for the end: what he then ends are all the children that there are.
    """

    def hand_out() -> None:
        states.hold(ctx.job.pk, ctx.token)
        still_open = ctx.job.items.filter(outcome="", pk__in=[item.pk for item in items])
        wanted = set(still_open.values_list("pk", flat=True))
        for item in (item for item in items if item.pk in wanted):
            try:
                enqueue(definition, params[item.object_type, item.object_id], ctx.actor, item=item)
            except DomainError as busy:
                settling.settle_item(item.pk, Ending.of_error(busy))

    # A child that ends locks itself and then its parent, here it is the other way: the database may break one off.
    repeatably(hand_out)


def _run_children(
    ctx: JobContext, definition: JobDefinition, items: Sequence[JobItem], params: Mapping[Any, Mapping[str, Any]]
) -> list[Row]:
    """One child after the other; a cancel between two defers the rest."""
    cancelled: Cancelled | None = None
    for done, item in enumerate(items):
        ctx.watch(done, len(items), item.object_label)
        try:
            if cancelled is None:
                ctx.checkpoint()
                run_inline(definition, params[item.object_type, item.object_id], ctx.actor, item=item, outer=ctx)
        except Cancelled as stop:
            cancelled = stop
        except LeaseLost:
            raise  # the bulk job was given up: what has not begun is not begun here
        except DomainError as busy:
            settling.settle_item(item.pk, Ending.of_error(busy))
        if cancelled is not None:
            settling.settle_item(item.pk, Ending.of_error(cancelled))
    ctx.job.refresh_from_db(fields=["cancel_requested"])
    return list(settling.rows_of(ctx.job))
