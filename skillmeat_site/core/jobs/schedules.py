"""What runs when. Schedules stand in code; ``sync_schedules`` writes them to the queue's table and drops strangers.

They are not edited in the admin: one malformed row there would stop all of them (docs/adr/0003-delivery.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from skillmeat_site.core.jobs.queue import RUN_SCHEDULED, QueueSchedule

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """``run`` is called every ``minutes`` on a worker; it does a small thing itself, or queues jobs."""

    name: str
    minutes: int
    run: Callable[[], Any]


_registry: dict[str, Schedule] = {}


def every(minutes: int, name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Declare a schedule in an app's ``jobs.py``."""

    def declare(function: Callable[[], Any]) -> Callable[[], Any]:
        if name in _registry:
            raise TypeError(f"schedule {name!r} is declared twice")
        _registry[name] = Schedule(name, minutes, function)
        return function

    return declare


def schedules() -> list[Schedule]:
    return [_registry[name] for name in sorted(_registry)]


def run_scheduled(name: str) -> None:
    """What a worker runs when a schedule is due. One that is no longer in the code is ignored."""
    schedule = _registry.get(name)
    if schedule is None:
        log.warning("schedule.unknown", schedule=name)
        return
    schedule.run()


def next_run(name: str) -> datetime | None:
    """When a schedule is due next; None before ``sync_schedules`` has written it."""
    return QueueSchedule.objects.filter(name=name).values_list("next_run", flat=True).first()


def sync() -> dict[str, int]:
    """Make the queue's table equal to the code. Idempotent: an unchanged schedule keeps its next run."""
    created = removed = updated = 0
    with transaction.atomic():
        rows: dict[str, QueueSchedule] = {}
        for row in QueueSchedule.objects.order_by("pk"):
            if row.name in _registry and row.name not in rows:
                rows[row.name] = row
            else:
                row.delete()
                removed += 1
        for schedule in schedules():
            wanted = {
                "func": RUN_SCHEDULED,
                "args": repr((schedule.name,)),
                "kwargs": None,
                "hook": None,
                "schedule_type": QueueSchedule.MINUTES,
                "minutes": schedule.minutes,
                "repeats": -1,
                "cluster": None,
            }
            kept = rows.get(schedule.name)
            if kept is None:
                QueueSchedule.objects.create(name=schedule.name, next_run=timezone.now(), **wanted)
                created += 1
            elif any(getattr(kept, column) != value for column, value in wanted.items()):
                QueueSchedule.objects.filter(pk=kept.pk).update(**wanted)
                updated += 1
    return {"created": created, "updated": updated, "removed": removed, "total": len(_registry)}
