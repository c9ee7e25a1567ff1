"""What the cache holds, how old it is, and when it is brought up to date next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Max, Min
from django.utils import timezone

from cache_app.domain.freshness import age_seconds, is_stale
from cache_app.models import Discovery, ProjectState, ReadStatus
from cache_app.querysets import stale_projects
from cache_app.services.results import Stats
from cache_app.services.states import ttl
from collections_app.domain.drift import DriftState
from collections_app.models import Project
from skillmeat_site.core.jobs.schedules import next_run
from skillmeat_site.core.models import Job

REFRESH = "cache.refresh"
"""The name of the job and of its schedule."""


def discovery_stats(*, more: int = 0) -> Stats:
    """The list of projects. ``more``: how many there would be besides, told by a dry run."""
    now = timezone.now()
    last = Discovery.objects.values_list("scanned_at", flat=True).first()
    held = ttl()
    return Stats(
        entries=Project.objects.count() + more,
        last_scan=last,
        cache_ttl=int(held.total_seconds()),
        is_valid=not is_stale(last, now, held),
        age_seconds=age_seconds(last, now),
    )


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """Counts of projects and of what is in them, ages, and the refresh that runs by itself."""

    total_projects: int
    stale_projects: int
    error_projects: int
    total_artifacts: int
    outdated_artifacts: int
    types: dict[str, int]
    states: dict[str, int]
    oldest_entry: datetime | None
    newest_entry: datetime | None
    is_running: bool
    last_run: datetime | None
    next_run: datetime | None
    discovery: Stats

    def to_json(self) -> dict[str, Any]:
        return {
            "total_projects": self.total_projects,
            "stale_projects": self.stale_projects,
            "error_projects": self.error_projects,
            "total_artifacts": self.total_artifacts,
            "outdated_artifacts": self.outdated_artifacts,
            "types": self.types,
            "states": self.states,
            "oldest_entry": self.oldest_entry,
            "newest_entry": self.newest_entry,
            "last_refresh": self.last_run,
            "cache_ttl": self.discovery.cache_ttl,
            "refresh_job_status": {
                "is_running": self.is_running,
                "last_run_time": self.last_run,
                "next_run_time": self.next_run,
                "interval_hours": settings.SKILLMEAT_REFRESH_INTERVAL_HOURS,
                "max_concurrent": settings.SKILLMEAT_REFRESH_MAX_CONCURRENT,
            },
            "discovery": self.discovery.to_json(),
        }


def cache_status() -> CacheStatus:
    """Looks at the database only; a handful of statements, however many projects."""
    now = timezone.now()
    types: Counter[str] = Counter()
    states: Counter[str] = Counter()
    for counts in ProjectState.objects.values_list("counts", flat=True):
        types.update(counts.get("types", {}))
        states.update(counts.get("states", {}))
    ages = ProjectState.objects.aggregate(oldest=Min("fetched_at"), newest=Max("fetched_at"))
    jobs = Job.objects.filter(kind=REFRESH)
    return CacheStatus(
        total_projects=Project.objects.count(),
        stale_projects=stale_projects(now, ttl()).count(),
        error_projects=ProjectState.objects.filter(status=ReadStatus.ERROR).count(),
        total_artifacts=sum(types.values()),
        outdated_artifacts=states[DriftState.OUTDATED],
        types=dict(sorted(types.items())),
        states=dict(sorted(states.items())),
        oldest_entry=ages["oldest"],
        newest_entry=ages["newest"],
        is_running=jobs.active().exists(),
        last_run=jobs.finished().aggregate(last=Max("finished_at"))["last"],
        next_run=next_run(REFRESH),
        discovery=discovery_stats(),
    )
