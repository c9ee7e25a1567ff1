"""Limits: what is not asked any more, for how long, and what goes on meanwhile."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.utils import timezone

from marketplace.jobs import rescan
from marketplace.models import Source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import control, runner
from skillmeat_site.core.models import UpstreamBudget
from skillmeat_site.upstream.errors import UpstreamRateLimited
from tests.fakes.git_http import status
from tests.marketplace.faults.conftest import asked, gaps, pass_time
from tests.marketplace.scanning import scan
from tests.marketplace.sweeping import many_sources, outcomes, sweep_all

pytestmark = pytest.mark.django_db

EXCEEDED = '{"message": "API rate limit exceeded for user ID 1."}'


def used_up(*, reset=None, **headers):
    told = {"X_RateLimit_Remaining": "0", "X_RateLimit_Limit": "5000", "X_RateLimit_Resource": "core", **headers}
    return status(403, EXCEEDED, **told, **({} if reset is None else {"X_RateLimit_Reset": str(reset)}))


def left_to_wait():
    """Seconds, by the ledger."""
    return (UpstreamBudget.objects.get(resource="core").cooldown_until - timezone.now()).total_seconds()


def refused(source):
    with pytest.raises(UpstreamRateLimited) as caught:
        scan(source)
    return caught.value


@pytest.mark.fault(1)
def test_nothing_is_asked_before_the_reset_and_the_job_is_parked(upstream, source):
    upstream.on("/commits/", used_up(reset=int(time.time()) + 90))
    job = runner.enqueue(rescan, {"source_id": source.pk}, COMMAND_LINE)
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.error_code, job.items.get().outcome) == ("partial", "upstream_rate_limited", "deferred")
    assert len(upstream.requests) == 1
    assert 80 < left_to_wait() <= 90
    again = control.retry(job, actor=COMMAND_LINE)
    runner.deliver(str(again.pk))
    again.refresh_from_db()
    assert (again.status, len(upstream.requests)) == ("partial", 1)
    pass_time()
    assert scan(source).counters.new == 2
    assert len(asked(upstream, "/commits/")) == 2


@pytest.mark.fault(2)
def test_it_comes_back_no_sooner_than_it_was_told(upstream, tools):
    sources = many_sources(upstream, 2)
    upstream.requests.clear()
    upstream.on("graphql", status(429, "{}", Retry_After="2"))
    assert outcomes(sweep_all()) == {"unchanged": len(sources)}
    assert [request.kind for request in upstream.requests] == ["graphql", "graphql"]
    assert gaps(upstream)[0] >= 2


@pytest.mark.fault(2)
def test_git_goes_on_while_the_api_waits(upstream, source):
    upstream.on("/commits/", status(429, "{}", Retry_After="7"))
    refused(source)
    assert 6 < (UpstreamBudget.objects.get(resource="secondary").cooldown_until - timezone.now()).total_seconds() <= 7
    upstream.requests.clear()
    Source.objects.update(provider="git")
    assert scan(source).counters.new == 2
    assert {request.kind for request in upstream.requests} == {"git"}


@pytest.mark.fault(5)
@pytest.mark.parametrize(
    ("reset", "least", "most"),
    [
        pytest.param(lambda now: now - 5000, 0, 1, id="past"),
        pytest.param(lambda now: 0, 0, 1, id="the epoch"),
        pytest.param(lambda now: (now + 300) * 1000, 290, 301, id="milliseconds"),
        pytest.param(lambda now: now + 400 * 24 * 3600, 7190, 7200, id="next year"),
        pytest.param(lambda now: None, 55, 60, id="missing"),
        pytest.param(lambda now: "soon", 55, 60, id="a word"),
    ],
)
def test_an_odd_reset_is_waited_for_between_a_second_and_two_hours(upstream, source, reset, least, most):
    upstream.on("/commits/", used_up(reset=reset(int(time.time()))))
    error = refused(source)
    assert least < left_to_wait() <= most
    assert 1 <= error.retry_after <= most
    if least:
        refused(source)
        assert len(upstream.requests) == 1
    pass_time()
    assert scan(source).counters.new == 2


def in_an_hour():
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        pytest.param(in_an_hour, 3300, 3601, id="a date"),
        pytest.param(lambda: "-5", 55, 60, id="negative"),
        pytest.param(lambda: "abc", 55, 60, id="a word"),
        pytest.param(lambda: "99999999999", 7190, 7200, id="for ever"),
    ],
)
def test_an_odd_retry_after(upstream, source, text, least, most):
    upstream.on("/commits/", status(429, "{}", Retry_After=text()))
    refused(source)
    wait = UpstreamBudget.objects.get(resource="secondary").cooldown_until - timezone.now()
    assert least < wait.total_seconds() <= most
    refused(source)
    assert len(upstream.requests) == 1
    pass_time()
    assert scan(source).counters.new == 2


@pytest.mark.fault(45)
@pytest.mark.parametrize("ahead", [600, -600])
def test_a_servers_wrong_clock_makes_no_wait_longer_or_shorter(upstream, source, ahead):
    """Its reset is by its own clock, which its Date header tells."""
    upstream.clock = lambda: time.time() + ahead
    upstream.on("/commits/", used_up(reset=int(time.time()) + ahead + 900))
    refused(source)
    assert 880 < left_to_wait() <= 901
    refused(source)
    assert len(upstream.requests) == 1
    pass_time()
    assert scan(source).counters.new == 2
