"""The cache is kept current by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cache_app.jobs import interval_minutes, refresh_regularly
from cache_app.models import ProjectState
from skillmeat_site.core.jobs import schedules
from skillmeat_site.core.jobs.queue import QueueSchedule
from skillmeat_site.core.jobs.runner import deliver
from skillmeat_site.core.models import Job

pytestmark = pytest.mark.django_db


def test_the_schedule_is_in_the_code_and_in_the_queues_table(settings):
    """Fault 20: three refreshers, none of which anybody started."""
    schedules.sync()
    row = QueueSchedule.objects.get(name="cache.refresh")
    assert row.minutes == settings.SKILLMEAT_REFRESH_INTERVAL_HOURS * 60 == 360
    assert QueueSchedule.objects.filter(name="marketplace.prune").exists()
    assert [interval_minutes(hours) for hours in (6.0, 0.5, 0.05, 0.001)] == [360, 30, 3, 1]


def test_what_the_schedule_runs(make_project):
    make_project("a", ("skill", "x"))
    assert refresh_regularly() == {"queued": 2}
    for kind in ("cache.discover", "cache.refresh"):
        deliver(str(Job.objects.get(kind=kind).pk))
    assert set(Job.objects.values_list("status", "trigger")) == {("succeeded", "schedule")}
    assert ProjectState.objects.get().fetched_at is not None
    Job.objects.all().delete()
    # Six hours later the reading is some seconds younger than that, and still taken up.
    ProjectState.objects.update(fetched_at=timezone.now() - timedelta(hours=6) + timedelta(seconds=30))
    make_project("a", ("skill", "x"), ("skill", "y"))
    refresh_regularly()
    deliver(str(Job.objects.get(kind="cache.refresh").pk))
    assert Job.objects.get(kind="cache.refresh").result["projects_refreshed"] == 1


def test_a_schedule_waits_for_the_one_before(make_project):
    refresh_regularly()
    refresh_regularly()
    assert Job.objects.count() == 2
