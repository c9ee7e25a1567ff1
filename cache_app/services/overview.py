"""All projects in a few counts, as they were last read. No disk is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, IntegerField, Min, Q, Sum, When
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from cache_app.domain.advice import ProjectFacts
from cache_app.models import ReadStatus
from cache_app.querysets import is_old
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
    """One statement; the database adds up what each reading counted."""
    failed = Q(cached__status=ReadStatus.ERROR)
    found = (
        Project.objects.for_user(user)
        .order_by()
        .annotate(readable=Case(When(failed, then=False), default=True))
        .aggregate(
            projects=Count("pk"),
            unreadable=Count("pk", filter=Q(readable=False)),
            stale=Count("pk", filter=Q(readable=True) & is_old(timezone.now(), ttl())),
            oldest=Min("cached__fetched_at"),
            **{state.value: _sum_of(state) for state in DriftState},
        )
    )
    states = {state: found.pop(state.value) for state in DriftState}
    return ProjectTally(states=states, **found)


def _sum_of(state: DriftState) -> Coalesce:
    counted = Cast(KeyTextTransform(state.value, KeyTransform("states", "cached__counts")), IntegerField())
    return Coalesce(Sum(counted, filter=Q(cached__fetched_at__isnull=False)), 0)
