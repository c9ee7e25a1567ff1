"""What a person can do with a job: cancel it, or have its failed and deferred items tried again."""

from __future__ import annotations

from uuid import UUID, uuid5

from django.db import transaction

from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import JobActive, NothingToRetry
from skillmeat_site.core.jobs import registry, runner, settling, states
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.results import RETRIABLE, JobStatus


def cancel(job: Job, *, actor: Actor) -> Job:
    """Ask a job to stop; one that has not begun ends at once. What it finished stays. Raises JobFinished."""
    with transaction.atomic():
        status = states.request_cancel(job)
        AuditEvent.record(actor, "job.cancelled", job, job_id=job.pk)
        job.refresh_from_db()
        if status is JobStatus.CANCELLED:
            settling.after_cancel(job)
    # Not in that transaction: a child that ends locks itself and then its parent, here it would be the other way.
    settling.cancel_waiting_children(job)
    job.refresh_from_db()
    return job


def retry_once(job: Job, *, actor: Actor) -> Job:
    """Like ``retry``, but however often it is asked there is one retry of a job: for buttons pressed twice."""
    return retry(job, actor=actor, job_id=uuid5(job.pk, "retry"))


def retry(job: Job, *, actor: Actor, job_id: UUID | None = None) -> Job:
    """Queue a new job, child of ``job``, with the items that failed or were deferred.

    ``job_id`` makes the call idempotent: the new job gets it, and a second call with it returns that job.
    Raises JobActive while ``job`` still runs, NothingToRetry where all went well.
    """
    if job.is_active:
        raise JobActive(data={"job_id": str(job.pk)})
    definition = registry.get(job.kind)
    params = dict(job.params)
    if definition.retry is not None:
        left = list(job.items.filter(outcome__in=["", *RETRIABLE]).values_list("object_id", flat=True))
        if not left and (job.items.exists() or job.status == JobStatus.SUCCEEDED):
            raise NothingToRetry(data={"job_id": str(job.pk)})
        if left:
            params = definition.retry(job.params, left)
    elif job.status == JobStatus.SUCCEEDED:
        raise NothingToRetry(data={"job_id": str(job.pk)})
    with transaction.atomic():
        retried = runner.enqueue(definition, params, actor, parent=job, job_id=job_id)
        AuditEvent.record(actor, "job.retried", job, job_id=retried.pk)
    return retried
