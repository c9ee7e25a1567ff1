"""What a person can do with a job: cancel it, or have its failed and deferred items tried again."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid5

from django.db import transaction

from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import DomainError, JobActive, JobFinished, NothingToRetry, PermissionDenied
from skillmeat_site.core.jobs import registry, runner, settling, states
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.results import RETRIABLE, JobStatus
from skillmeat_site.core.rights import Rights


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


def retry_once(job: Job, *, actor: Actor, rights: Rights | None = None) -> Job:
    """Like ``retry``, but however often it is asked there is one retry of a job: for buttons pressed twice."""
    return retry(job, actor=actor, rights=rights, job_id=uuid5(job.pk, "retry"))


def retry(job: Job, *, actor: Actor, rights: Rights | None = None, job_id: UUID | None = None) -> Job:
    """Queue a new job, child of ``job``, with the items that failed or were deferred.

    ``job_id`` makes the call idempotent: the new job gets it, and a second call with it returns that job. ``rights``:
    the actor's, where many are retried. Raises PermissionDenied for a user who may not do what the job does, JobActive
    while ``job`` still runs, NothingToRetry where all went well.
    """
    definition = registry.get(job.kind)
    left = _left(job, definition)
    if reason := why_not_retry(job, rights or Rights(actor), left):
        raise reason
    params = definition.retry(job.params, left) if definition.retry is not None and left else job.params
    with transaction.atomic():
        retried = runner.enqueue(definition, definition.anew(params), actor, parent=job, job_id=job_id)
        AuditEvent.record(actor, "job.retried", job, job_id=retried.pk)
    return retried


def why_not_cancel(job: Job) -> DomainError | None:
    """What ``cancel`` would raise."""
    return None if job.is_active else JobFinished(data={"job_id": str(job.pk)})


def why_not_retry(job: Job, rights: Rights, left: Sequence[str] | None = None) -> DomainError | None:
    """What ``retry`` would raise; ``left``: the objects that are not done, if they are known already."""
    about = {"job_id": str(job.pk)}
    definition = registry.get(job.kind)
    if not rights.may(needed := definition.needs(job.params)):  # what its first caller needed
        return PermissionDenied(f"Who has this job done needs {needed or 'to be a superuser'}.", data=about)
    if job.is_active:
        return JobActive(data=about)
    if definition.retry is None:
        return NothingToRetry(data=about) if job.status == JobStatus.SUCCEEDED else None
    left = _left(job, definition) if left is None else left
    done = not left and (job.status == JobStatus.SUCCEEDED or job.items.exists())
    return NothingToRetry(data=about) if done else None


def _left(job: Job, definition: JobDefinition) -> list[str]:
    """The objects that failed, were deferred or were not begun, of a job that can be told to do only these."""
    if definition.retry is None:
        return []
    return list(job.items.filter(outcome__in=["", *RETRIABLE]).values_list("object_id", flat=True))
