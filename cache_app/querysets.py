"""Questions people ask of the project cache, each with a name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

from collections_app.models import Project

if TYPE_CHECKING:
    from cache_app.models import ProjectState  # noqa: F401 - in quotes


class ProjectStateQuerySet(QuerySet["ProjectState"]):
    def for_user(self, user: Any) -> ProjectStateQuerySet:
        """The states this user may see. Today all; the place to narrow ownership later."""
        return self


def stale_projects(now: datetime, ttl: timedelta, *, ahead: timedelta = timedelta()) -> QuerySet[Project]:
    """Projects that were never read, could not be read, or whose reading is too old; the question of
    ``domain.freshness`` (tested to agree), and those with an error, whose reading says nothing of today.
    """
    too_old = Q(cached__fetched_at__lte=now - ttl + ahead) | Q(cached__fetched_at__gt=now)
    never = Q(cached__isnull=True) | Q(cached__fetched_at__isnull=True)
    return Project.objects.filter(never | too_old | Q(cached__status="error")).order_by("pk")
