"""What runs by itself: retention as a job, one at a time; old rows of disk operations."""

from __future__ import annotations

import pytest

from collections_app.jobs import prune_daily, retain_daily
from collections_app.models import DiskOperation
from skillmeat_site.core.jobs import runner, schedules
from skillmeat_site.core.models import Job
from tests.collections_app.filled import filled

pytestmark = pytest.mark.django_db


def test_retention_is_queued_once_a_day_and_one_at_a_time():
    daily = {schedule.name: schedule.minutes for schedule in schedules.schedules()}
    assert daily["collections.retention"] == daily["collections.prune"] == 24 * 60
    filled()
    assert retain_daily() == {"queued": 1}
    assert retain_daily() == {"queued": 0}
    runner.deliver(str(Job.objects.get().pk))
    assert Job.objects.get().status == "succeeded"
    assert Job.objects.get().result == {"dropped": 0, "forgotten": 0}
    assert retain_daily() == {"queued": 1}


def test_todays_rows_stay():
    filled()
    assert prune_daily() == 0
    assert DiskOperation.objects.count() == 1
