"""The counts behind the overview's chart of scans."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from marketplace.models import ScanRun
from marketplace.services.overview import DayOfScans, scans_by_day
from skillmeat_site.core.results import ItemOutcome
from tests.factories.marketplace import ScanRunFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)


def run(at, **columns):
    ScanRunFactory(created_at=at, day=at.date(), **columns)


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


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_migration_tells_the_day_of_runs_that_are_there_and_goes_back():
    late = datetime(2026, 2, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    run(late)
    try:
        MigrationExecutor(connection).migrate([("marketplace", "0010_entry_tally_covers")])
        assert "day" not in {column.name for column in columns_of("marketplace_scanrun")}
    finally:
        call_command("migrate", verbosity=0)
    assert ScanRun.objects.get().day == date(2026, 2, 1)


def columns_of(table):
    with connection.cursor() as cursor:
        return connection.introspection.get_table_description(cursor, table)
