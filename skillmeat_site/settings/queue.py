"""django-q2: it only delivers a job's id to a worker. Why each number is what it is: docs/adr/0003-delivery.md."""

from math import ceil
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from skillmeat_site.settings.database import REDIS_URL
from skillmeat_site.settings.env import env

CLUSTER = "skillmeat"
LOGICAL_QUEUES = ("default", "scan", "long")

# Logical queue -> cluster that somebody runs. Embedded: one cluster takes all.
SKILLMEAT_QUEUES = env.mapping("SKILLMEAT_QUEUES", dict.fromkeys(LOGICAL_QUEUES, CLUSTER))
for _queue in SKILLMEAT_QUEUES:
    if _queue not in LOGICAL_QUEUES:
        raise ImproperlyConfigured(f"SKILLMEAT_QUEUES: {_queue!r} is no queue; allowed: {', '.join(LOGICAL_QUEUES)}.")
SKILLMEAT_QUEUES = dict.fromkeys(LOGICAL_QUEUES, CLUSTER) | SKILLMEAT_QUEUES

SKILLMEAT_WORKERS = env.integer("SKILLMEAT_WORKERS", 2, minimum=1, maximum=64)


def safe_retry(*, timeout: int, workers: int, queue_limit: int, bulk: int = 1) -> int:
    """Seconds after which a message is delivered again; its clock starts when it is taken, not when it is started."""
    return timeout * (1 + ceil((queue_limit + bulk) / workers)) + 60


def _cluster(*, timeout: int, workers: int) -> dict[str, Any]:
    return {
        "workers": workers,
        "queue_limit": 1,
        "bulk": 1,
        "timeout": timeout,
        "retry": safe_retry(timeout=timeout, workers=workers, queue_limit=1),
    }


Q_CLUSTER: dict[str, Any] = {
    "name": CLUSTER,
    # The longest job's: embedded, it takes those of every queue. A job watches its own, shorter limit.
    **_cluster(timeout=3600, workers=SKILLMEAT_WORKERS),
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "catch_up": False,
    "poll": 1,
    "guard_cycle": 1,
    "recycle": 200,
    "cache": "cluster",
    "label": "Queue (django-q2)",
    "ALT_CLUSTERS": {
        "scan": {**_cluster(timeout=900, workers=SKILLMEAT_WORKERS), "scheduler": False},
        "long": {**_cluster(timeout=3600, workers=1), "scheduler": False},
    },
}
if REDIS_URL:
    Q_CLUSTER["redis"] = REDIS_URL
else:
    Q_CLUSTER["orm"] = "default"

SKILLMEAT_JOB_KEEP_DAYS = env.integer("SKILLMEAT_JOB_KEEP_DAYS", 90, minimum=1, maximum=3650)
