"""Writing what was read. The only writer of the cache's tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings

from cache_app.models import ProjectState
from collections_app.models import Project
from skillmeat_site.core.errors import Cancelled, JobTimeout, LeaseLost

STOPS = (Cancelled, JobTimeout, LeaseLost)
"""What ends the whole of a piece of work, and is no error of one project."""


def ttl() -> timedelta:
    """How long a reading holds."""
    return timedelta(minutes=settings.SKILLMEAT_CACHE_TTL_MINUTES)


def write_states(states: Sequence[ProjectState], columns: Sequence[str]) -> set[int]:
    """Write these columns of the states, or whole states where there were none. Call it in a transaction.

    Returns the projects that there still are: one that was forgotten meanwhile is passed over.
    """
    ids = [state.project_id for state in states]
    # Locked, so that none is forgotten between this statement and the next.
    there = set(Project.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
    ProjectState.objects.bulk_create(
        [state for state in states if state.project_id in there],
        update_conflicts=True,
        unique_fields=["project"],
        update_fields=list(columns),
    )
    return there
