"""Old scan runs go, the newest of each source stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from marketplace.jobs import prune_daily
from marketplace.models import ScanRun
from marketplace.services import scan_record
from tests.factories.marketplace import SourceFactory

pytestmark = pytest.mark.django_db


def run(source, days):
    then = timezone.now() - timedelta(days=days)
    return ScanRun.objects.create(source=source, outcome="updated", created_at=then, day=then.date())


def test_old_runs_go_and_the_newest_of_each_source_stays(settings, monkeypatch):
    monkeypatch.setattr(scan_record, "RUNS_PER_STATEMENT", 2)
    settings.SKILLMEAT_JOB_KEEP_DAYS = 30
    busy, quiet = SourceFactory.create_batch(2)
    for days in (100, 90, 80, 70, 60):
        run(busy, days)
    young = run(busy, 5)
    run(quiet, 300)
    last = run(quiet, 200)
    assert prune_daily() == 6
    assert set(ScanRun.objects.values_list("pk", flat=True)) == {young.pk, last.pk}
    assert prune_daily() == 0


def test_a_source_without_runs_is_no_trouble():
    SourceFactory()
    assert prune_daily() == 0
