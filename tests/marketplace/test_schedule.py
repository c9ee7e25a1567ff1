"""What the schedule takes up: sources that are due, one sweep at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from marketplace.jobs import rescan_due
from marketplace.models import Source
from skillmeat_site.core.jobs.runner import deliver
from skillmeat_site.core.models import Job

pytestmark = pytest.mark.django_db


def due(source: Source, **columns: object) -> None:
    values = {"scan_interval": 60, "next_scan_at": timezone.now() - timedelta(minutes=1), **columns}
    Source.objects.filter(pk=source.pk).update(**values)


def test_a_due_source_is_scanned_and_due_again_later(source):
    due(source)
    assert rescan_due() == {"queued": 1}
    deliver(str(Job.objects.get(kind="marketplace.bulk_rescan").pk))
    deliver(str(Job.objects.get(kind="marketplace.rescan").pk))
    assert Job.objects.get(kind="marketplace.bulk_rescan").status == "succeeded"
    assert Job.objects.get(kind="marketplace.rescan").trigger == "schedule"
    source.refresh_from_db()
    assert timedelta(minutes=53) < source.next_scan_at - timezone.now() < timedelta(minutes=67)
    assert rescan_due() == {"queued": 0}


@pytest.mark.parametrize(
    "columns",
    [
        {"enabled": False},
        {"next_scan_at": None},
        {"not_before": timezone.now() + timedelta(hours=1)},
        {"next_scan_at": timezone.now() + timedelta(hours=1)},
    ],
    ids=["disabled", "no interval", "backing off", "not yet"],
)
def test_others_are_left_alone(source, columns):
    due(source, **columns)
    assert rescan_due() == {"queued": 0}


def test_a_sweep_waits_for_the_one_before(source):
    due(source)
    rescan_due()
    assert rescan_due() == {"queued": 0}
    assert Job.objects.filter(kind="marketplace.bulk_rescan").count() == 1
