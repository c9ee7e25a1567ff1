"""What a person can do with a job: cancel it, or have its failed and deferred items tried again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import DomainError, JobActive, JobFinished, NothingToRetry, PermissionDenied
from skillmeat_site.core.jobs import registry, runner, settling, states
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.models import AuditEvent, Job, JobItem
from skillmeat_site.core.models.job import JobQuerySet
from skillmeat_site.core.results import RETRIABLE, TERMINAL, JobStatus
from skillmeat_site.core.rights import Rights

LEFT = ("", *RETRIABLE)
"""Outcomes of items that a retry takes up."""


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


class Retried(NamedTuple):
    """The job that takes up what is left; not ``is_new`` where it was on its way already."""

    job: Job
    is_new: bool


def retry_once(job: Job, *, actor: Actor, rights: Rights | None = None) -> Retried:
    """Like ``retry``, but never two at a time: for buttons pressed twice."""
    left = _refuse_or_left(job, rights or Rights(actor))
    former = list(retries_of(job).order_by("created_at", "pk").only("status", "parent"))
    under_way = next((one for one in former if one.is_active), None)
    if under_way is not None:
        return Retried(under_way, is_new=False)
    # Two presses at one moment see the same retries before them, come to one id, and so to one job. The last one
    # names them all: their number would not, since old jobs are deleted.
    job_id = uuid5(job.pk, f"retry after {former[-1].pk}" if former else "retry")
    return _retry(job, left, actor, job_id)


def retry(job: Job, *, actor: Actor, rights: Rights | None = None) -> Job:
    """Queue a new job, child of ``job``, with the items that failed or were deferred.

    ``rights``: the actor's, where many are retried. Raises PermissionDenied for a user who may not do what the job
    does, JobActive while ``job`` still runs, NothingToRetry where all went well.
    """
    return _retry(job, _refuse_or_left(job, rights or Rights(actor)), actor, None).job


def retries_of(job: Job) -> JobQuerySet:
    # Not filter(parent_item__isnull=True): SQLite would take the index of that column.
    return Job.objects.filter(parent=job).exclude(parent_item__isnull=False)


def _retry(job: Job, left: Sequence[str], actor: Actor, job_id: UUID | None) -> Retried:
    definition = registry.get(job.kind)
    params = definition.retry(job.params, left) if definition.retry is not None and left else job.params
    with transaction.atomic():
        retried, is_new = runner.ask_for(definition, definition.anew(params), actor, parent=job, job_id=job_id)
        if is_new:
            AuditEvent.record(actor, "job.retried", job, job_id=retried.pk)
    return Retried(retried, is_new)


def _refuse_or_left(job: Job, rights: Rights) -> list[str]:
    left = _left(job, registry.get(job.kind))
    if reason := why_not_retry(job, rights, left):
        raise reason
    return left


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
    left = _left(job, definition) if left is None else left
    has_items = bool(left) or (definition.retry is not None and job.items.exists())
    return None if needs_retry(job, has_left=bool(left), has_items=has_items) else NothingToRetry(data=about)


def needs_retry(job: Job, *, has_left: bool, has_items: bool) -> bool:
    """Whether there is something to do again in a finished job; ``needing_retry`` is the same of many.

    ``has_left``: an item failed, was deferred, or was not begun.
    """
    if registry.get(job.kind).retry is None:  # it is done again as a whole
        return job.status != JobStatus.SUCCEEDED
    return has_left or (not has_items and job.status != JobStatus.SUCCEEDED)


def needing_retry(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Of these jobs the finished ones in which there is something to do again."""
    items = JobItem.objects.filter(job=OuterRef("pk"))
    by_items = Q(kind__in=[one.kind for one in registry.definitions() if one.retry is not None])
    unwell = ~Q(status=JobStatus.SUCCEEDED)
    some = Exists(items.filter(outcome__in=LEFT)) | (unwell & ~Exists(items))
    return jobs.filter((~by_items & unwell) | (by_items & some), status__in=TERMINAL)


def _left(job: Job, definition: JobDefinition) -> list[str]:
    """The objects that failed, were deferred or were not begun, of a job that can be told to do only these."""
    if definition.retry is None:
        return []
    return list(job.items.filter(outcome__in=LEFT).values_list("object_id", flat=True))
