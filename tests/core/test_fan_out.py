"""Bulk jobs: a parent that freezes its list, and one child per object."""

from __future__ import annotations

from collections import Counter

import pytest

from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.core.jobs import control, reaper, runner, states
from skillmeat_site.core.jobs.context import Target
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import ItemOutcome, JobStatus, ObjectRef
from tests.core.conftest import Done, Killed, age, lose_messages, messages, target_of

pytestmark = pytest.mark.django_db


def only_these(params, ids):
    return {**params, "ns": [int(n) for n in ids]}


@pytest.fixture
def bulk(define):
    """``bulk(one)`` declares a job about one thing and the bulk job over many; returns the bulk job."""

    def make(one, **options):
        child = define(one, kind="test.one", target=target_of, dedupe=lambda params: f"thing {params['n']}", **options)

        def many(ctx, ns):
            return ctx.fan_out(child, [Target(target_of({"n": n}), {"n": n}) for n in ns])

        return define(many, kind="test.many", retry=only_these, size=lambda params: len(params["ns"]))

    return make


@pytest.fixture(params=["inline", "queued"])
def run(request, worker):
    """Run a bulk job to its end, one way or the other: the same must come out."""

    def go(definition, ns):
        if request.param == "inline":
            return runner.run_inline(definition, {"ns": ns}, COMMAND_LINE).job
        job = runner.enqueue(definition, {"ns": ns}, COMMAND_LINE)
        worker()
        job.refresh_from_db()
        return job

    return go


def outcomes(job):
    return dict(job.items.values_list("object_id", "outcome"))


def mixed(ctx, n):
    """1 fails, 2 is unchanged, 3 is a bug, the others are well."""
    if n == 1:
        raise LimitExceeded("too large")
    if n == 3:
        raise ZeroDivisionError("secret path /srv/x")
    return Done(f"thing {n}", item_outcome=ItemOutcome.UNCHANGED if n == 2 else ItemOutcome.UPDATED)


def test_each_row_settles_by_itself_and_the_counts_add_up(bulk, run):
    job = run(bulk(mixed), [1, 2, 3, 4, 5])
    assert outcomes(job) == {"1": "failed", "2": "unchanged", "3": "failed", "4": "updated", "5": "updated"}
    assert (job.status, job.done, job.total) == ("partial", 5, 5)
    summary = job.result["summary"]
    assert {name: n for name, n in summary.items() if n} == {"updated": 2, "unchanged": 1, "failed": 2, "total": 5}
    assert sum(n for name, n in summary.items() if name != "total") == summary["total"]
    rows = {row["id"]: row for row in job.result["results"]}
    assert (rows[1]["code"], rows[1]["detail"]) == ("limit_exceeded", "too large")
    assert rows[3]["code"] == "internal"
    assert "/srv" not in str(job.result)
    assert rows[4]["said"] == "thing 4"  # the row holds the full result of its own operation
    assert Counter(job.children.values_list("status", flat=True)) == {"succeeded": 3, "failed": 2}
    assert not job.items.filter(child__isnull=True).exists()


@pytest.mark.parametrize(
    ("one", "ns", "status"),
    [
        (lambda ctx, n: Done(), [1, 2], "succeeded"),
        (lambda ctx, n: Done(job_status=JobStatus.PARTIAL), [1, 2], "partial"),
        (mixed, [1, 3], "failed"),
        (lambda ctx, n: Done(), [], "succeeded"),
        (lambda ctx, n: Done(), [7, 7, 7], "succeeded"),
    ],
    ids=["well", "a partial child", "all failed", "nothing to do", "one thing named often"],
)
def test_the_parents_status(bulk, run, one, ns, status):
    job = run(bulk(one), ns)
    assert job.status == status
    assert job.result["summary"]["total"] == len(set(ns)) == job.items.count()
    assert job.children.count() == len(set(ns))


def test_the_parent_closes_once_and_not_before_the_last_child(bulk):
    job = runner.enqueue(bulk(lambda ctx, n: Done()), {"ns": [1, 2, 3]}, COMMAND_LINE)
    runner.deliver(str(job.pk))
    children = messages()[1:]
    closed = []
    for child in children:
        runner.deliver(child)
        job.refresh_from_db()
        closed.append((job.status, job.done, job.finished_at is not None))
    assert closed == [("running", 1, False), ("running", 2, False), ("succeeded", 3, True)]
    finished_at = job.finished_at
    runner.deliver(children[-1])
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    assert (job.finished_at, job.attempt, job.done) == (finished_at, 1, 3)


def test_a_waiting_parent_holds_no_worker_and_is_not_stale(bulk):
    job = runner.enqueue(bulk(lambda ctx, n: Done()), {"ns": [1]}, COMMAND_LINE)
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.awaits_children, job.lease_token) == ("running", True, None)
    age(job)
    assert reaper.reap() == reaper.ReapResult()


def test_a_busy_child_is_a_failed_row(bulk, run):
    definition = bulk(lambda ctx, n: Done())
    held = runner.enqueue(runner.registry.get("test.one"), {"n": 2}, COMMAND_LINE)
    lose_messages()
    job = run(definition, [1, 2, 3])
    assert outcomes(job) == {"1": "updated", "2": "failed", "3": "updated"}
    assert (job.status, job.items.get(object_id="2").code) == ("partial", "job_active")
    held.refresh_from_db()
    assert held.status == "queued"


def test_cancel_of_a_queued_parent_defers_what_has_not_begun(bulk, worker):
    job = runner.enqueue(bulk(lambda ctx, n: Done()), {"ns": [1, 2, 3]}, COMMAND_LINE)
    runner.deliver(str(job.pk))
    runner.deliver(messages()[1])
    job = control.cancel(job, actor=COMMAND_LINE)
    assert outcomes(job) == {"1": "updated", "2": "deferred", "3": "deferred"}
    assert (job.status, job.finished_at is not None) == ("cancelled", True)
    assert job.result["summary"] | {"deferred": 2, "updated": 1, "total": 3} == job.result["summary"]
    worker()
    assert sorted(job.children.values_list("status", flat=True)) == ["cancelled", "cancelled", "succeeded"]


def test_cancel_reaches_a_child_that_runs(bulk):
    job = runner.enqueue(bulk(lambda ctx, n: Done()), {"ns": [1, 2]}, COMMAND_LINE)
    runner.deliver(str(job.pk))
    running = job.children.get(parent_item__object_id="1")
    token = states.claim(running.pk)
    job = control.cancel(job, actor=COMMAND_LINE)
    assert job.status == "running"
    assert states.beat(running.pk, token) is True
    runner.settling.settle(running, token, runner.Ending.of_error(runner.Cancelled()))
    job.refresh_from_db()
    assert (job.status, outcomes(job)) == ("cancelled", {"1": "deferred", "2": "deferred"})


def test_cancel_between_two_inline_children_defers_the_rest(bulk):
    def one(ctx, n):
        if n == 2:
            control.cancel(ctx.job.parent, actor=COMMAND_LINE)
            ctx.checkpoint()  # the running child is asked as well
        return Done()

    job = runner.run_inline(bulk(one), {"ns": [1, 2, 3, 4]}, COMMAND_LINE).job
    assert job.status == "cancelled"
    assert outcomes(job) == {"1": "updated", "2": "deferred", "3": "deferred", "4": "deferred"}
    assert set(job.items.exclude(object_id="1").values_list("code", flat=True)) == {"cancelled"}


def test_ctrl_c_leaves_finished_rows_and_a_cancelled_job(bulk):
    def one(ctx, n):
        if n == 2:
            raise KeyboardInterrupt
        return Done()

    definition = bulk(one)
    with pytest.raises(KeyboardInterrupt):
        runner.run_inline(definition, {"ns": [1, 2, 3]}, COMMAND_LINE)
    job = Job.objects.get(kind="test.many")
    assert (job.status, outcomes(job)) == ("cancelled", {"1": "updated", "2": "deferred", "3": ""})
    retried = control.retry(job, actor=COMMAND_LINE)
    assert retried.params == {"ns": [2, 3]}


def test_a_retry_takes_only_what_failed_or_was_deferred(bulk, run, worker):
    well = set()

    def one(ctx, n):
        if n not in well and n in (2, 3):
            raise LimitExceeded
        return Done()

    job = run(bulk(one), [1, 2, 3, 4])
    well.update({2})
    again = control.retry(job, actor=COMMAND_LINE)
    assert (again.parent, again.params, again.status) == (job, {"ns": [2, 3]}, "queued")
    worker()
    again.refresh_from_db()
    assert outcomes(again) == {"2": "updated", "3": "failed"}
    job.refresh_from_db()
    assert (job.done, job.result["summary"]["total"]) == (4, 4)  # the old one stays as it ended


def test_a_second_attempt_does_not_hand_out_twice(bulk, worker, define):
    """The worker died after handing out two of four children."""
    ran = []

    def one(ctx, n):
        ran.append(n)
        return Done()

    bulk(one)
    child = runner.registry.get("test.one")
    attempts = []

    def many(ctx, ns):
        attempts.append(ctx.job.attempt)
        targets = [Target(target_of({"n": n}), {"n": n}) for n in ns]
        if ctx.job.attempt == 1:
            ctx.fan_out(child, targets[:2])
            raise Killed
        return ctx.fan_out(child, targets)

    job = runner.enqueue(define(many, kind="test.dying"), {"ns": [1, 2, 3, 4]}, COMMAND_LINE)
    with pytest.raises(Killed):
        runner.deliver(str(job.pk))
    runner.deliver(messages()[1])  # one of the two is through before anybody notices
    age(job)
    assert reaper.reap().requeued == 1
    worker()
    job.refresh_from_db()
    assert attempts == [1, 2]
    assert sorted(ran) == [1, 2, 3, 4]
    assert (job.status, job.done, job.total, job.children.count()) == ("succeeded", 4, 4, 4)


def test_an_inline_parent_lives_as_long_as_its_children(bulk):
    """One child takes longer than a heart may stop: the reaper must not take the parent for dead."""

    def one(ctx, n):
        age(ctx.job.parent)
        ctx.checkpoint()
        assert reaper.reap() == reaper.ReapResult()
        return Done()

    job = runner.run_inline(bulk(one), {"ns": [1, 2]}, COMMAND_LINE).job
    assert (job.status, outcomes(job)) == ("succeeded", {"1": "updated", "2": "updated"})


def test_a_parent_that_was_given_up_begins_no_more_children(bulk):
    ran = []

    def one(ctx, n):
        ran.append(n)
        age(ctx.job.parent)
        reaper.reap()
        return Done()

    outcome = runner.run_inline(bulk(one), {"ns": [1, 2, 3]}, COMMAND_LINE)
    assert ran == [1]
    job = Job.objects.get(kind="test.many")
    assert (job.status, job.error_code) == ("failed", "worker_lost")
    assert outcome.error.code == "lease_lost"
    assert outcomes(job) == {"1": "updated", "2": "", "3": ""}  # not begun, so neither failed: a retry takes them up
    assert control.retry(job, actor=COMMAND_LINE).params == {"ns": [2, 3]}


def test_more_children_than_one_transaction_holds(bulk, worker, monkeypatch):
    monkeypatch.setattr(runner, "CHILDREN_PER_TRANSACTION", 3)
    job = runner.enqueue(bulk(lambda ctx, n: Done()), {"ns": list(range(1, 9))}, COMMAND_LINE)
    worker()
    job.refresh_from_db()
    assert (job.status, job.done, job.total, job.children.count()) == ("succeeded", 8, 8, 8)


def test_the_targets_names_are_kept(bulk, run):
    job = run(bulk(lambda ctx, n: Done()), [1])
    item = job.items.get()
    assert ObjectRef(item.object_type, item.object_id, item.object_label) == target_of({"n": 1})
