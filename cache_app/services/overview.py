"""All projects in a few counts, as they were last read. No disk is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from cache_app.domain.advice import ProjectFacts
from cache_app.domain.freshness import is_stale
from cache_app.models import ReadStatus
from cache_app.services.states import ttl
from collections_app.domain.drift import DRIFTED, DriftState
from collections_app.models import Project


@dataclass(frozen=True, slots=True)
class ProjectTally:
    """``states``: of what was deployed, when it was last read; ``oldest``: when the oldest of these readings was.

    A project that was never read is in ``stale`` and tells nothing of its deployments.
    """

    projects: int
    unreadable: int
    stale: int
    states: Mapping[DriftState, int]
    oldest: datetime | None

    @property
    def facts(self) -> ProjectFacts:
        drifted = sum(self.states[state] for state in DRIFTED)
        return ProjectFacts(self.unreadable, drifted, self.states[DriftState.OUTDATED], self.stale)


def tally_projects(user: Any) -> ProjectTally:
    """One statement, of a row for each project."""
    now, held = timezone.now(), ttl()
    states: Counter[str] = Counter()
    read: list[datetime] = []
    unreadable = stale = projects = 0
    rows = Project.objects.for_user(user).order_by()
    for status, fetched_at, counts in rows.values_list("cached__status", "cached__fetched_at", "cached__counts"):
        projects += 1
        unreadable += status == ReadStatus.ERROR
        stale += status != ReadStatus.ERROR and is_stale(fetched_at, now, held)
        if fetched_at is not None:
            read.append(fetched_at)
            states.update((counts or {}).get("states", {}))
    known = {state: states[state.value] for state in DriftState}
    return ProjectTally(projects, unreadable, stale, known, min(read, default=None))
