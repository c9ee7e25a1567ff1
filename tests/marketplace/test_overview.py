"""The counts behind the overview's chart of scans."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.models import ScanRun
from marketplace.services.overview import DayOfScans, scans_by_day
from skillmeat_site.core.results import ItemOutcome
from tests.factories.marketplace import ScanRunFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)


def run(at, **columns):
    made = ScanRunFactory(**columns)
    ScanRun.objects.filter(pk=made.pk).update(created_at=at)


def test_runs_are_counted_by_their_day():
    run(NOW, new_count=2, updated_count=1, removed_count=0)
    run(NOW - timedelta(hours=15), new_count=5, updated_count=0, removed_count=3)
    run(NOW - timedelta(hours=16), outcome=ItemOutcome.FAILED, new_count=0)
    assert scans_by_day(30, NOW) == {
        date(2026, 3, 2): DayOfScans(scans=2, failed=0, new=7, updated=1, removed=3),
        date(2026, 3, 1): DayOfScans(scans=1, failed=1, new=0, updated=0, removed=0),
    }


def test_the_first_day_is_whole_and_nothing_is_older():
    run(datetime(2026, 2, 1, 0, 0, tzinfo=UTC))
    run(datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC))
    assert list(scans_by_day(30, NOW)) == [date(2026, 2, 1)]


def test_no_runs_no_days():
    assert scans_by_day(30, NOW) == {}
