"""Declaring jobs and schedules."""

from __future__ import annotations

import pytest
from django_q.models import Schedule as QueueSchedule

from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import NotFound
from skillmeat_site.core.jobs import registry, runner, schedules
from skillmeat_site.core.jobs.queue import RUN_SCHEDULED


def test_a_kind_is_declared_once(define):
    definition = define(kind="test.once")
    assert registry.get("test.once") is definition
    assert definition in registry.definitions()
    with pytest.raises(TypeError, match=r"test\.once"):
        registry.job("test.once", label="again")(lambda ctx: None)


@pytest.mark.django_db
def test_a_kind_that_is_gone_is_a_job_that_fails():
    outcome = runner.run_inline(registry.get("test.gone"), {"any": 1}, COMMAND_LINE)
    with pytest.raises(NotFound):
        outcome.unwrap()
    assert outcome.job.status == "failed"


@pytest.fixture
def ran(monkeypatch):
    """The only schedules there are: two, which tell when they run."""
    ran: list[str] = []
    monkeypatch.setattr(schedules, "_registry", {})
    schedules.every(5, "test.a")(lambda: ran.append("a"))
    schedules.every(60, "test.b")(lambda: ran.append("b"))
    return ran


def test_a_schedule_is_declared_once(ran):
    with pytest.raises(TypeError, match=r"test\.a"):
        schedules.every(1, "test.a")(lambda: None)


def test_a_schedule_runs_by_name_and_a_stranger_is_ignored(ran):
    schedules.run_scheduled("test.b")
    schedules.run_scheduled("test.unknown")
    assert ran == ["b"]


@pytest.mark.django_db
def test_sync_makes_the_table_equal_to_the_code_and_again_changes_nothing(ran):
    assert schedules.sync() == {"created": 2, "updated": 0, "removed": 0, "total": 2}
    rows = {row.name: row for row in QueueSchedule.objects.all()}
    assert {name: (row.func, row.args, row.minutes, row.repeats) for name, row in rows.items()} == {
        "test.a": (RUN_SCHEDULED, "('test.a',)", 5, -1),
        "test.b": (RUN_SCHEDULED, "('test.b',)", 60, -1),
    }
    before = list(QueueSchedule.objects.order_by("pk").values())
    assert schedules.sync() == {"created": 0, "updated": 0, "removed": 0, "total": 2}
    assert list(QueueSchedule.objects.order_by("pk").values()) == before


@pytest.mark.django_db
def test_sync_drops_strangers_and_duplicates_and_mends_what_was_edited(ran):
    schedules.sync()
    kept = QueueSchedule.objects.get(name="test.a")
    edited = QueueSchedule.objects.get(name="test.b")
    QueueSchedule.objects.filter(pk=edited.pk).update(args="oops(", minutes=1, cluster="nobody")
    QueueSchedule.objects.create(name="test.a", func=RUN_SCHEDULED)
    QueueSchedule.objects.create(name="stranger", func="os.abort")
    QueueSchedule.objects.create(func="os.abort")
    assert schedules.sync() == {"created": 0, "updated": 1, "removed": 3, "total": 2}
    rows = {row.name: row for row in QueueSchedule.objects.all()}
    assert set(rows) == {"test.a", "test.b"}
    assert (rows["test.a"].pk, rows["test.a"].next_run) == (kept.pk, kept.next_run)
    assert (rows["test.b"].pk, rows["test.b"].next_run) == (edited.pk, edited.next_run)
    assert (rows["test.b"].args, rows["test.b"].minutes, rows["test.b"].cluster) == ("('test.b',)", 60, None)
