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


def is_old(now: datetime, ttl: timedelta, *, ahead: timedelta = timedelta()) -> Q:
    """Projects that were never read, or whose reading is too old: the question of ``domain.freshness``."""
    too_old = Q(cached__fetched_at__lte=now - ttl + ahead) | Q(cached__fetched_at__gt=now)
    return Q(cached__fetched_at__isnull=True) | too_old


def stale_projects(now: datetime, ttl: timedelta, *, ahead: timedelta = timedelta()) -> QuerySet[Project]:
    """Projects whose reading is old, and those with an error, whose reading says nothing of today."""
    return Project.objects.filter(is_old(now, ttl, ahead=ahead) | Q(cached__status="error")).order_by("pk")
