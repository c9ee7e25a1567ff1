"""A cancel that meets a bulk job while it hands out its children: there is no moment at which one slips through."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection

from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import control, runner
from skillmeat_site.core.jobs.context import JobContext, Target
from skillmeat_site.core.models import Job
from tests.core.conftest import Calls, messages, target_of

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 90
LOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def ran():
    """What the children are."""
    return Calls()


@pytest.fixture
def job(define, ran, monkeypatch):
    """A bulk job over four things, handed out two at a time."""
    monkeypatch.setattr(runner, "CHILDREN_PER_TRANSACTION", 2)
    child = define(ran, kind="test.one", target=target_of)

    def many(ctx, ns):
        return ctx.fan_out(child, [Target(target_of({"n": n}), {"n": n}) for n in ns])

    return runner.enqueue(define(many, kind="test.many"), {"ns": [1, 2, 3, 4]}, COMMAND_LINE)


def cancel(job):
    control.cancel(Job.objects.get(pk=job.pk), actor=COMMAND_LINE)


def agree(job, ran, worker):
    """The job is cancelled and tells so of each thing, and no child runs whatever is delivered."""
    worker()
    job.refresh_from_db()
    assert ran.seen == []
    assert set(job.items.values_list("outcome", "code")) == {("deferred", "cancelled")}
    assert set(job.children.values_list("status", flat=True)) <= {"cancelled"}
    assert (job.status, job.error_code, job.result["summary"]["deferred"]) == ("cancelled", "", 4)


@pytest.mark.parametrize(("batch", "children"), [(1, 0), (2, 2)])
def test_between_the_last_look_and_the_transaction(job, ran, worker, monkeypatch, batch, children):
    checkpoint, looks = JobContext.checkpoint, []

    def look_and_be_cancelled(self):
        checkpoint(self)
        looks.append(self)
        if len(looks) == batch:
            cancel(job)

    monkeypatch.setattr(JobContext, "checkpoint", look_and_be_cancelled)
    runner.deliver(messages()[0])
    assert job.children.count() == children
    agree(job, ran, worker)


def test_what_has_settled_meanwhile_is_not_handed_out(job, ran, worker, monkeypatch):
    checkpoint = JobContext.checkpoint

    def look(self):
        checkpoint(self)
        job.items.filter(object_id="2").update(outcome="unchanged")

    monkeypatch.setattr(JobContext, "checkpoint", look)
    worker()
    assert [seen["n"] for seen in ran.seen] == [1, 3, 4]


def test_a_child_that_runs_already_ends_the_job(job, ran, monkeypatch):
    """The first two are handed out, and one of them has begun, when somebody cancels."""
    checkpoint, begun = JobContext.checkpoint, []

    def look(self):
        if job.children.exists() and not begun:
            begun.append(runner.states.claim(job.children.get(parent_item__object_id="1").pk))
            cancel(job)
        checkpoint(self)

    monkeypatch.setattr(JobContext, "checkpoint", look)
    runner.deliver(messages()[0])
    job.refresh_from_db()
    assert (job.status, job.awaits_children) == ("running", True)
    child = job.children.get(parent_item__object_id="1")
    assert child.cancel_requested
    runner.settling.settle(child, begun[0], runner.Ending.of_error(runner.Cancelled()))
    job.refresh_from_db()
    assert (job.status, job.result["summary"]["deferred"]) == ("cancelled", 4)


def test_a_cancel_from_elsewhere_amid_the_transaction_waits_for_its_end(job, ran, worker, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: nobody cancels amid a transaction")
    enqueue, others = runner.enqueue, []

    def elsewhere():
        try:
            cancel(job)
        finally:
            connection.close()

    def waits_or_is_through():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees one moment of it
            cursor.execute(LOCKED)
            return cursor.fetchone() != (0,) or not others[0].is_alive()

    def enqueue_while_somebody_cancels(*args, **more):
        child = enqueue(*args, **more)
        if not others:
            others.append(threading.Thread(target=elsewhere))
            others[0].start()
            give_up = time.monotonic() + PATIENCE
            while not waits_or_is_through() and time.monotonic() < give_up:
                time.sleep(0.01)
        return child

    monkeypatch.setattr(runner, "enqueue", enqueue_while_somebody_cancels)
    runner.deliver(messages()[0])
    others[0].join(PATIENCE)
    assert job.children.count() == 2
    agree(job, ran, worker)
