"""The one place that knows django-q2. It delivers the id of a job to a worker, at least once, and nothing else."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.dispatch import receiver
from django_q.brokers import get_broker
from django_q.exceptions import TimeoutException
from django_q.models import Schedule as QueueSchedule
from django_q.signals import post_spawn
from django_q.status import Stat
from django_q.tasks import async_task

from skillmeat_site.core.startup import run_start_hooks

DELIVER = "skillmeat_site.core.jobs.runner.deliver"
RUN_SCHEDULED = "skillmeat_site.core.jobs.schedules.run_scheduled"

# Raised in a worker by SIGALRM at the job's timeout. A SystemExit, so that no `except Exception` swallows it.
WorkerTimeout: type[BaseException] = TimeoutException

__all__ = ["QueueSchedule", "WorkerTimeout", "cluster_options", "is_drained", "live_clusters", "send", "waiting"]


@receiver(post_spawn, dispatch_uid="skillmeat.start")
def _worker_started(**kwargs: Any) -> None:
    """A worker is up: a new cluster's, or one that takes the place of one that died."""
    run_start_hooks()


def cluster_options(queue: str) -> dict[str, Any]:
    """The django-q2 options of the cluster that serves a logical queue."""
    name = settings.SKILLMEAT_QUEUES[queue]
    return {**settings.Q_CLUSTER, **settings.Q_CLUSTER["ALT_CLUSTERS"].get(name, {})}


def send(job_id: str, *, queue: str, timeout: int) -> None:
    """Hand a job to the cluster that serves ``queue``.

    Call it in the transaction that writes the job: with the database as broker the message is part of that
    transaction; with Redis it is sent after the commit (and if that is lost, the reaper sends it again).
    """
    cluster = settings.SKILLMEAT_QUEUES[queue]
    # A timeout beyond the cluster's own would outlive its retry clock and run the job twice.
    limit = min(timeout, cluster_options(queue)["timeout"])

    def push() -> None:
        async_task(DELIVER, job_id, cluster=cluster, timeout=limit, task_name=job_id)

    if "orm" in settings.Q_CLUSTER:
        push()
    else:
        transaction.on_commit(push)


def waiting(queue: str) -> int:
    """Messages that nobody has taken yet."""
    return int(get_broker(settings.SKILLMEAT_QUEUES[queue]).queue_size())


def is_drained(queue: str) -> bool:
    """True if no message is waiting or taken: what is still queued then was lost on the way."""
    broker = get_broker(settings.SKILLMEAT_QUEUES[queue])
    return not broker.queue_size() and not broker.lock_size()


def live_clusters() -> int:
    """How many clusters have shown a sign of life within the last seconds."""
    return len(Stat.get_all())
