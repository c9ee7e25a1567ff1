"""How a job moves: each step one conditional UPDATE, so that of two processes exactly one takes it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from skillmeat_site.core.errors import Cancelled, JobFinished, LeaseLost
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import ACTIVE, JobStatus

HEARTBEAT_SECONDS = 5
STALE_SECONDS = 60
"""A running job whose heart has not beaten for this long has lost its worker."""


def is_stale() -> Q:
    return Q(
        status=JobStatus.RUNNING,
        awaits_children=False,
        heartbeat_at__lt=Now() - timedelta(seconds=STALE_SECONDS),
    )


def claim(job_id: Any) -> uuid.UUID | None:
    """Take a delivered job. None if it is finished, cancelled, or in a living worker's hands: the message is void."""
    token = uuid.uuid4()
    taken = Job.objects.filter(Q(status=JobStatus.QUEUED) | is_stale(), pk=job_id).update(
        status=JobStatus.RUNNING,
        lease_token=token,
        heartbeat_at=Now(),
        started_at=Coalesce(F("started_at"), Now()),
        attempt=F("attempt") + 1,
    )
    return token if taken else None


def beat(job_id: Any, token: uuid.UUID, **progress: Any) -> bool:
    """Show that the job is alive and how far it is; True if somebody asked to cancel it.

    Raises LeaseLost when another attempt has it.
    """
    mine = Job.objects.filter(pk=job_id, lease_token=token, status=JobStatus.RUNNING)
    if not mine.update(heartbeat_at=Now(), **progress):
        raise LeaseLost
    return bool(mine.values_list("cancel_requested", flat=True).first())


def hold(job_id: Any, token: uuid.UUID) -> None:
    """Let nobody cancel a job until the transaction ends. Raises Cancelled where somebody has, and LeaseLost."""
    mine = Job.objects.filter(pk=job_id, lease_token=token, status=JobStatus.RUNNING)
    # Rows that refer to it, as those of children do, can be written all the same.
    cancelled = mine.select_for_update(no_key=True).values_list("cancel_requested", flat=True).first()
    if cancelled is None:
        raise LeaseLost
    if cancelled:
        raise Cancelled


def release_key(job_id: Any, token: uuid.UUID) -> None:
    """Let another job with the same dedupe key in beside this one. Raises LeaseLost when another attempt has it."""
    if not Job.objects.filter(pk=job_id, lease_token=token, status=JobStatus.RUNNING).update(dedupe_key=None):
        raise LeaseLost


def finish(job_id: Any, token: uuid.UUID | None, status: JobStatus, **columns: Any) -> bool:
    """End a job; False if it is not ours any more. ``token`` None ends a job that nobody holds."""
    return bool(
        Job.objects.filter(pk=job_id, lease_token=token, status__in=ACTIVE).update(
            status=status, finished_at=Now(), lease_token=None, awaits_children=False, **columns
        )
    )


def await_children(job_id: Any, token: uuid.UUID) -> None:
    """Leave a bulk job to its children. Raises LeaseLost."""
    released = Job.objects.filter(pk=job_id, lease_token=token, status=JobStatus.RUNNING).update(
        awaits_children=True, lease_token=None, heartbeat_at=Now()
    )
    if not released:
        raise LeaseLost


def requeue(job_id: Any) -> bool:
    """Put a job that lost its worker back into the queue; False if its worker turned up again."""
    return bool(Job.objects.filter(is_stale(), pk=job_id).update(status=JobStatus.QUEUED, lease_token=None))


def request_cancel(job: Job) -> JobStatus:
    """Cancel a job that has not begun at once, ask a running one to stop. Raises JobFinished."""
    if Job.objects.filter(pk=job.pk, status=JobStatus.QUEUED).update(
        status=JobStatus.CANCELLED, finished_at=Now(), cancel_requested=True
    ):
        return JobStatus.CANCELLED
    if Job.objects.filter(pk=job.pk, status=JobStatus.RUNNING).update(cancel_requested=True):
        return JobStatus.RUNNING
    raise JobFinished(data={"job_id": str(job.pk)})
