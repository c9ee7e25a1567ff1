"""What a running job tells and hears: heartbeat, progress, cancel, timeout. The clock is the test's."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import Cancelled, JobTimeout
from skillmeat_site.core.jobs import context, control, runner, states
from skillmeat_site.core.jobs.context import DryRunContext
from skillmeat_site.core.leases import RENEW_SECONDS, Lease
from skillmeat_site.core.models import Job
from tests.core.conftest import Calls, Done, age
from tests.factories.marketplace import SourceFactory

pytestmark = pytest.mark.django_db


class Clock:
    """``time`` as the context sees it."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(context, "time", clock)
    monkeypatch.setattr("skillmeat_site.core.leases.time", clock)
    return clock


def statements(action):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        action()
    return len(captured)


def test_a_tick_costs_nothing_until_the_heartbeat_is_due(define, clock):
    def work(ctx):
        costs = []
        for _ in range(12):
            clock.now += 1
            costs.append(bool(statements(ctx.tick)))
        assert costs == [False, False, False, False, True] * 2 + [False, False]
        return Done()

    runner.run_inline(define(work), {}, COMMAND_LINE).unwrap()


def test_the_heart_beats(define, clock):
    def work(ctx):
        age(ctx.job)
        assert Job.objects.filter(states.is_stale()).exists()
        clock.now += states.HEARTBEAT_SECONDS
        ctx.tick()
        assert not Job.objects.filter(states.is_stale()).exists()
        return Done()

    runner.run_inline(define(work), {}, COMMAND_LINE).unwrap()


def test_progress_is_written_at_most_once_a_second_and_is_the_latest(define, clock):
    def work(ctx):
        written = []
        for n in range(1, 31):
            clock.now += 0.1
            ctx.progress(n, 30, f"thing {n}")
            written.append(Job.objects.values_list("done", "total", "progress_label").get())
        assert len(set(written)) in (3, 4)
        assert all(done <= n for n, (done, _, _) in enumerate(written, start=1))
        assert written[-1][0] >= 20
        assert written[-1][2] == f"thing {written[-1][0]}"
        return Done()

    runner.run_inline(define(work), {}, COMMAND_LINE).unwrap()


def test_a_watcher_sees_all_of_it(define):
    seen = []

    def work(ctx):
        for n in range(5):
            ctx.progress(n, 5, "x" * 300)
        return Done()

    runner.run_inline(define(work), {}, COMMAND_LINE, watch=lambda *step: seen.append(step[:2])).unwrap()
    assert seen == [(n, 5) for n in range(5)]


@pytest.mark.parametrize("how", ["tick", "progress", "checkpoint"])
def test_a_cancel_is_heard(define, clock, how):
    def work(ctx):
        control.cancel(ctx.job, actor=COMMAND_LINE)
        clock.now += states.HEARTBEAT_SECONDS
        {"tick": ctx.tick, "progress": lambda: ctx.progress(1, 2), "checkpoint": ctx.checkpoint}[how]()
        pytest.fail("went on after a cancel")

    outcome = runner.run_inline(define(work), {}, COMMAND_LINE)
    with pytest.raises(Cancelled):
        outcome.unwrap()
    assert (outcome.job.status, outcome.job.error_code) == ("cancelled", "cancelled")


@pytest.mark.parametrize(("seconds", "over"), [(59, False), (61, True)])
def test_a_job_may_take_as_long_as_it_says(define, clock, seconds, over):
    def work(ctx):
        clock.now += seconds
        ctx.tick()
        return Done()

    outcome = runner.run_inline(define(work, timeout=60), {}, COMMAND_LINE)
    assert (outcome.job.status, outcome.job.error_code) == (("failed", "job_timeout") if over else ("succeeded", ""))
    if over:
        with pytest.raises(JobTimeout):
            outcome.unwrap()


@pytest.mark.parametrize("kind", ["job", "dry run"])
def test_a_tick_renews_the_leases_that_it_keeps(define, clock, kind):
    source = SourceFactory()

    def work(ctx):
        lease = Lease.acquire(type(source), source.pk)
        ctx.keep(lease)
        source.refresh_from_db()
        before = source.lease_until
        ctx.tick()
        source.refresh_from_db()
        assert source.lease_until == before
        clock.now += RENEW_SECONDS
        ctx.tick()
        source.refresh_from_db()
        assert source.lease_until > before
        kept = source.lease_until
        ctx.drop(lease)
        clock.now += RENEW_SECONDS
        ctx.tick()
        source.refresh_from_db()
        assert source.lease_until == kept
        return Done()

    if kind == "job":
        runner.run_inline(define(work), {}, COMMAND_LINE).unwrap()
    else:
        work(DryRunContext(COMMAND_LINE))


def test_a_dry_run_leaves_no_row():
    ctx = DryRunContext(COMMAND_LINE)
    assert statements(lambda: (ctx.progress(1, 2, "x"), ctx.tick())) == 0
    assert (ctx.dry_run, ctx.job_id, ctx.actor) == (True, None, COMMAND_LINE)


def test_the_context_knows_who_asked(define):
    function = Calls()
    runner.run_inline(define(function), {}, COMMAND_LINE)
    ctx = function.contexts[0]
    assert (ctx.actor.trigger, ctx.job_id, ctx.dry_run) == ("command", Job.objects.get().pk, False)
