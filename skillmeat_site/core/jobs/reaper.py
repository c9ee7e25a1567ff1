"""Finds jobs whose worker died or whose message was lost, and sets them going again or ends them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models.functions import Now

from skillmeat_site.core.errors import WorkerLost
from skillmeat_site.core.jobs import queue, registry, settling, states
from skillmeat_site.core.jobs.settling import Ending
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import ItemOutcome, JobStatus

log = structlog.get_logger(__name__)

RESEND_SECONDS = 60
"""A queued job is sent again when nothing waits in its queue for this long: its message is gone."""
RESEND_ANYWAY_SECONDS = 3600
"""... or after an hour whatever waits there. A message too many is void, a job too few is lost."""


@dataclass(frozen=True, slots=True)
class ReapResult:
    requeued: int = 0
    failed: int = 0
    resent: int = 0
    closed: int = 0

    job_status = JobStatus.SUCCEEDED
    item_outcome = ItemOutcome.UPDATED
    code = ""

    def to_json(self) -> dict[str, Any]:
        return {"requeued": self.requeued, "failed": self.failed, "resent": self.resent, "closed": self.closed}


def reap() -> ReapResult:
    """One sweep. Idempotent, and safe to run from several processes at once."""
    requeued = failed = 0
    for job in Job.objects.filter(states.is_stale()).iterator():
        if job.queue and job.attempt < registry.get(job.kind).max_attempts:
            requeued += _requeue(job)
        else:
            failed += settling.settle(job, job.lease_token, Ending.of_error(WorkerLost()))
    result = ReapResult(requeued, failed, _resend_lost(), _close_orphans())
    if any(result.to_json().values()):
        log.warning("jobs.reaped", **result.to_json())
    return result


def _requeue(job: Job) -> bool:
    with transaction.atomic():
        if not states.requeue(job.pk):
            return False
        _send(job)
    return True


def _resend_lost() -> int:
    resent = 0
    drained: dict[str, bool] = {}
    quiet = Job.objects.filter(status=JobStatus.QUEUED, sent_at__lt=Now() - timedelta(seconds=RESEND_SECONDS))
    overdue = set(
        quiet.filter(sent_at__lt=Now() - timedelta(seconds=RESEND_ANYWAY_SECONDS)).values_list("pk", flat=True)
    )
    for job in quiet.iterator():
        if job.queue not in drained:
            drained[job.queue] = queue.is_drained(job.queue)
        if drained[job.queue] or job.pk in overdue:
            with transaction.atomic():
                _send(job)
            resent += 1
    return resent


def _send(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(sent_at=Now())
    queue.send(str(job.pk), queue=job.queue, timeout=registry.get(job.kind).timeout)


def _close_orphans() -> int:
    """Bulk jobs whose last child ended without closing them (it was killed between two commits)."""
    waiting = Job.objects.filter(status=JobStatus.RUNNING, awaits_children=True)
    return sum(settling.close_if_complete(pk) for pk in waiting.values_list("pk", flat=True))
