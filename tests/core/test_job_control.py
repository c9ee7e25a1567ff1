"""What a person can do with a job: cancel, retry."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from skillmeat_site.core.actor import COMMAND_LINE, Actor
from skillmeat_site.core.errors import JobActive, JobFinished, LimitExceeded, NothingToRetry
from skillmeat_site.core.jobs import control, runner, states
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.results import ACTIVE, TERMINAL, JobStatus, Trigger
from tests.core.conftest import Calls, lose_messages, messages, target_of
from tests.factories.core import JobFactory, JobItemFactory

pytestmark = pytest.mark.django_db


def only_these(params, ids):
    return {**params, "ns": [int(n) for n in ids]}


def test_cancel_ends_a_waiting_job_and_says_who_did_it(define):
    function = Calls()
    job = runner.enqueue(define(function, target=target_of), {"n": 1}, COMMAND_LINE)
    job = control.cancel(job, actor=COMMAND_LINE)
    assert (job.status, job.items.get().outcome, job.items.get().code) == ("cancelled", "deferred", "cancelled")
    event = AuditEvent.objects.get()
    assert (event.action, event.job_id, event.actor_name) == ("job.cancelled", job.pk, "command line")
    runner.deliver(str(job.pk))
    assert function.seen == []


def test_cancel_of_a_child_settles_its_row_and_closes_the_parent(define):
    parent = JobFactory(status=JobStatus.RUNNING, awaits_children=True, total=1)
    item = JobItemFactory(job=parent, outcome="")
    child = runner.enqueue(define(), {}, COMMAND_LINE, item=item)
    control.cancel(child, actor=COMMAND_LINE)
    parent.refresh_from_db()
    assert (parent.status, parent.done, parent.items.get().outcome) == ("partial", 1, "deferred")


def test_cancel_asks_a_running_job(define):
    job = runner.enqueue(define(), {}, COMMAND_LINE)
    states.claim(job.pk)
    job = control.cancel(job, actor=COMMAND_LINE)
    assert (job.status, job.cancel_requested) == ("running", True)


@pytest.mark.parametrize("status", TERMINAL)
def test_what_has_ended_cannot_be_cancelled(status):
    job = JobFactory(status=status)
    with pytest.raises(JobFinished):
        control.cancel(job, actor=COMMAND_LINE)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("status", ACTIVE)
def test_what_is_active_cannot_be_retried(status):
    with pytest.raises(JobActive):
        control.retry(JobFactory(status=status), actor=COMMAND_LINE)


@pytest.mark.parametrize(
    ("status", "outcomes", "retry", "expected"),
    [
        ("partial", ["updated", "failed", "deferred", "conflict", "skipped"], only_these, {"ns": [2, 3]}),
        ("failed", ["", "updated"], only_these, {"ns": [1]}),
        ("failed", [], only_these, {"ns": [1, 2]}),
        ("cancelled", [], only_these, {"ns": [1, 2]}),
        ("cancelled", ["updated", "deferred"], only_these, {"ns": [2]}),
        ("succeeded", ["updated"], only_these, None),
        ("partial", ["updated", "conflict"], only_these, None),
        ("failed", [], None, {"ns": [1, 2]}),
        ("cancelled", [], None, {"ns": [1, 2]}),
        ("partial", [], None, {"ns": [1, 2]}),
        ("succeeded", [], None, None),
    ],
)
def test_what_a_retry_takes_up(define, status, outcomes, retry, expected):
    job = JobFactory(kind=define(retry=retry).kind, status=status, params={"ns": [1, 2]})
    for n, outcome in enumerate(outcomes, start=1):
        JobItemFactory(job=job, object_id=str(n), outcome=outcome)
    if expected is None:
        with pytest.raises(NothingToRetry):
            control.retry(job, actor=COMMAND_LINE)
        assert messages() == []
        return
    again = control.retry(job, actor=COMMAND_LINE)
    assert (again.params, again.parent, again.parent_item, again.status) == (expected, job, None, "queued")
    assert messages() == [str(again.pk)]
    assert AuditEvent.objects.get().action == "job.retried"


def test_a_failed_single_job_runs_again(define, worker):
    function = Calls(LimitExceeded())
    job = runner.run_inline(define(function), {"n": 1}, COMMAND_LINE).job
    function.then = None
    again = control.retry(job, actor=COMMAND_LINE)
    worker()
    again.refresh_from_db()
    assert (again.status, function.seen) == ("succeeded", [{"n": 1}, {"n": 1}])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_a_verb_and_its_audit_event_are_one(define, verb):
    """The event cannot be written (the user has just been deleted): then nothing has happened either."""
    nobody = Actor(Trigger.ADMIN, 10**9, "deleted meanwhile")
    parent = JobFactory(status=JobStatus.RUNNING, awaits_children=True)
    if verb == "cancel":
        job = runner.enqueue(define(), {}, COMMAND_LINE, item=JobItemFactory(job=parent, outcome=""))
    else:
        job = JobFactory(kind=define().kind, status=JobStatus.FAILED)
    lose_messages()
    before = list(Job.objects.order_by("pk").values())
    with pytest.raises(IntegrityError):
        getattr(control, verb)(job, actor=nobody)
    assert list(Job.objects.order_by("pk").values()) == before
    assert messages() == []
