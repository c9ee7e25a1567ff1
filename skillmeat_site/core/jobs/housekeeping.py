"""What the job core does by itself: reap, and forget what is old."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from skillmeat_site.core import budgets, selections
from skillmeat_site.core.jobs.reaper import ReapResult, reap
from skillmeat_site.core.jobs.schedules import every
from skillmeat_site.core.models import Job

SELECTION_DAYS = 7


@every(1, "core.reap")
def reap_jobs() -> ReapResult:
    return reap()


@every(60 * 24, "core.prune")
def prune_jobs() -> int:
    """Delete finished jobs, with their items, that ended longer ago than SKILLMEAT_JOB_KEEP_DAYS."""
    before = timezone.now() - timedelta(days=settings.SKILLMEAT_JOB_KEEP_DAYS)
    deleted, _ = Job.objects.finished().filter(finished_at__lt=before).delete()
    return deleted


@every(60 * 24, "core.forget_budgets")
def forget_budgets() -> int:
    """Delete what is known of the limits of tokens that nobody uses any more."""
    return budgets.forget_old()


@every(60 * 24, "core.forget_selections")
def forget_selections() -> int:
    """Delete what was chosen in the admin and never confirmed, and where confirmed actions led, after a week."""
    return selections.forget_old(timezone.now() - timedelta(days=SELECTION_DAYS))
