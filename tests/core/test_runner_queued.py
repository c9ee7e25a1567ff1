"""Jobs that a worker gets: queued, delivered, delivered again."""

from __future__ import annotations

import uuid

import pytest
from django.db import transaction
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import JobActive, LeaseLost, LimitExceeded
from skillmeat_site.core.jobs import control, queue, reaper, runner, states
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import JobStatus
from tests.core.conftest import Calls, Done, Killed, age, messages, target_of
from tests.factories.core import JobItemFactory

pytestmark = pytest.mark.django_db


def stronger(running, wanted):
    return running.get("force", False) or not wanted.get("force", False)


def test_a_queued_job_is_run_by_the_worker(define, worker):
    function = Calls()
    job = runner.enqueue(define(function, target=target_of), {"n": 1}, COMMAND_LINE)
    assert (job.status, job.attempt, job.queue) == ("queued", 0, "default")
    assert function.seen == []
    assert worker() == [str(job.pk)]
    job.refresh_from_db()
    assert (job.status, job.attempt, job.result) == ("succeeded", 1, {"said": "done"})
    assert job.items.get().outcome == "updated"


def test_the_message_is_part_of_the_callers_transaction(define):
    definition = define()
    with pytest.raises(LimitExceeded), transaction.atomic():  # noqa: PT012 - both statements are one transaction
        runner.enqueue(definition, {}, COMMAND_LINE)
        raise LimitExceeded
    assert messages() == []
    assert Job.objects.count() == 0


@pytest.mark.parametrize(("timeout", "sent"), [(60, 60), (10_000, 3600)])
def test_no_message_outlives_its_clusters_clock(define, timeout, sent):
    runner.enqueue(define(timeout=timeout), {}, COMMAND_LINE)
    task = SignedPackage.loads(OrmQ.objects.get().payload)
    assert (task["timeout"], task["cluster"]) == (sent, "skillmeat")


@pytest.mark.parametrize(
    ("running", "wanted", "joined"),
    [
        ({"force": False}, {"force": False}, True),
        ({"force": True}, {"force": False}, True),
        ({"force": True}, {"force": True}, True),
        ({"force": False}, {"force": True}, False),
    ],
)
def test_a_second_request_joins_what_does_it_all(define, running, wanted, joined):
    definition = define(dedupe=lambda params: "thing", joins=stronger)
    first = runner.enqueue(definition, running, COMMAND_LINE)
    if joined:
        assert runner.enqueue(definition, wanted, COMMAND_LINE) == first
    else:
        with pytest.raises(JobActive) as caught:
            runner.enqueue(definition, wanted, COMMAND_LINE)
        assert caught.value.data == {"job_id": str(first.pk)}
    assert messages() == [str(first.pk)]
    assert Job.objects.count() == 1


def test_different_keys_do_not_meet(define):
    definition = define(dedupe=lambda params: f"thing {params['n']}")
    jobs = {runner.enqueue(definition, {"n": n}, COMMAND_LINE).pk for n in (1, 2)}
    assert len(jobs) == 2


def test_enqueue_takes_over_from_a_dead_holder(define):
    definition = define(dedupe=lambda params: "thing", target=target_of)
    dead = runner.enqueue(definition, {"n": 1}, COMMAND_LINE)
    states.claim(dead.pk)
    age(dead)
    fresh = runner.enqueue(definition, {"n": 1}, COMMAND_LINE)
    dead.refresh_from_db()
    assert fresh.pk != dead.pk
    assert (dead.status, dead.error_code) == ("failed", "worker_lost")


def test_one_id_is_queued_once(define):
    wanted = uuid.uuid4()
    definition = define()
    jobs = [runner.enqueue(definition, {"n": n}, COMMAND_LINE, job_id=wanted) for n in (1, 2)]
    assert [job.params for job in jobs] == [{"n": 1}, {"n": 1}]
    assert messages() == [str(wanted)]


@pytest.mark.parametrize("state", ["finished", "cancelled", "held", "unknown"])
def test_a_message_is_void_for_a_job_that_is(define, state):
    function = Calls()
    job = runner.enqueue(define(function), {}, COMMAND_LINE)
    if state == "finished":
        runner.deliver(str(job.pk))
    elif state == "cancelled":
        control.cancel(job, actor=COMMAND_LINE)
    elif state == "held":
        assert states.claim(job.pk)
    else:
        Job.objects.all().delete()
    ran = len(function.seen)
    before = list(Job.objects.values("status", "attempt", "lease_token", "finished_at"))
    runner.deliver(str(job.pk))
    assert len(function.seen) == ran
    assert list(Job.objects.values("status", "attempt", "lease_token", "finished_at")) == before


def test_a_message_for_a_dead_holders_job_is_a_second_attempt(define):
    function = Calls()
    job = runner.enqueue(define(function), {}, COMMAND_LINE)
    states.claim(job.pk)
    age(job)
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.attempt, len(function.seen)) == ("succeeded", 2, 1)


def test_attempts_are_counted_and_end(define):
    """A job that kills its worker each time is run ``max_attempts`` times, and then never again."""
    function = Calls(Killed())
    job = runner.enqueue(define(function, max_attempts=2, target=target_of), {"n": 1}, COMMAND_LINE)
    for _ in range(2):
        with pytest.raises(Killed):
            runner.deliver(str(job.pk))
        age(job)
    runner.deliver(str(job.pk))
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    assert [ctx.job.attempt for ctx in function.contexts] == [1, 2]
    assert (job.status, job.error_code) == ("failed", "worker_lost")
    assert job.items.get().code == "worker_lost"


def test_the_old_attempt_cannot_write_over_the_new_one(define):
    """A worker that hung, was given up, and comes back: its result is not taken."""
    seen = []

    def slow(ctx):
        seen.append(ctx.job.attempt)
        if ctx.job.attempt == 1:
            age(ctx.job)
            runner.deliver(str(ctx.job.pk))  # meanwhile, elsewhere
            with pytest.raises(LeaseLost):
                ctx.checkpoint()
            return Done("old")
        return Done("new")

    job = runner.enqueue(define(slow), {}, COMMAND_LINE)
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    assert seen == [1, 2]
    assert (job.status, job.result, job.attempt) == ("succeeded", {"said": "new"}, 2)


def test_a_cancel_that_came_before_a_requeue_is_not_forgotten(define, worker):
    def work(ctx):
        ctx.checkpoint()
        return Done()

    job = runner.enqueue(define(work), {}, COMMAND_LINE)
    states.claim(job.pk)
    control.cancel(job, actor=COMMAND_LINE)
    age(job)
    assert reaper.reap().requeued == 1
    worker()
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED


@pytest.mark.timeout(20)
@pytest.mark.parametrize("dedupe", [None, "thing"])
def test_an_item_has_one_child_however_often_it_is_handed_out(define, dedupe):
    """Two attempts of one bulk job may meet at an item; nothing may loop, and the child stays the only one."""
    item = JobItemFactory(outcome="")
    definition = define(dedupe=lambda params: dedupe)
    first = runner.enqueue(definition, {}, COMMAND_LINE, item=item)
    assert runner.enqueue(definition, {}, COMMAND_LINE, item=item) == first
    runner.deliver(str(first.pk))
    assert runner.enqueue(definition, {}, COMMAND_LINE, item=item) == first
    assert runner.run_inline(definition, {}, COMMAND_LINE, item=item).job == first
    assert Job.objects.filter(parent_item=item).count() == 1


def test_a_job_whose_kind_is_gone_from_the_code_fails_and_stops_nothing(define, worker):
    """After an update a message may name a job that the code no longer has."""
    old = runner.enqueue(define(kind="test.gone"), {}, COMMAND_LINE)
    good = runner.enqueue(define(kind="test.here"), {}, COMMAND_LINE)
    Job.objects.filter(pk=old.pk).update(kind="test.forgotten")
    worker()
    assert {job.pk: job.status for job in Job.objects.all()} == {old.pk: "failed", good.pk: "succeeded"}


def test_what_the_queue_says_of_itself(define):
    assert queue.is_drained("default")
    runner.enqueue(define(), {}, COMMAND_LINE)
    assert queue.waiting("default") == 1
    assert not queue.is_drained("default")
