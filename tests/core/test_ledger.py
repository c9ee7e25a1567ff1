"""What is left, until when, and for whom: rules without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillmeat_site.core.ledger import MAX_PAUSE, Forecast, Standing
from skillmeat_site.upstream.budget import Resource
from skillmeat_site.upstream.quota import Quota

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def standing(remaining, *, limit=5000, reset_in=600):
    return Standing().after_quota(Quota("core", limit, remaining, reset_in), NOW)


@pytest.mark.parametrize(
    ("remaining", "for_people", "for_sweeps"),
    [(5000, True, True), (501, True, True), (500, True, False), (1, True, False), (0, False, False)],
)
def test_the_reserve_is_for_people(remaining, for_people, for_sweeps):
    told = standing(remaining)
    assert told.reserve == 500
    assert (told.closed_until(NOW, background=False) is None) == for_people
    assert (told.closed_until(NOW, background=True) is None) == for_sweeps


def test_after_the_reset_all_is_there_again():
    used_up = standing(0)
    assert used_up.closed_until(NOW, background=False) == NOW + timedelta(seconds=600)
    later = NOW + timedelta(seconds=600)
    assert used_up.closed_until(later, background=True) is None
    assert (used_up.left(NOW), used_up.left(later)) == (0, 5000)


def test_a_host_without_limits_never_closes():
    assert Standing().closed_until(NOW, background=True) is None
    assert Standing().left(NOW) is None


def test_fault_3_refusals_in_a_row_double_the_pause_up_to_a_bound():
    told, pauses = Standing(), []
    now = NOW
    for _ in range(9):
        told = told.after_limit(60, now, doubling=True)
        pauses.append(told.cooldown_until - now)
        now = told.cooldown_until
    assert [pause.total_seconds() for pause in pauses[:4]] == [60, 120, 240, 480]
    assert max(pauses) == pauses[-1] == MAX_PAUSE
    told = told.after_quota(Quota("core", 5000, 4000, 60), now)
    assert (told.after_limit(60, now, doubling=True).cooldown_until - now).total_seconds() == 60


def test_a_good_answer_that_was_under_way_ends_no_cooldown():
    cooling = Standing().after_limit(60, NOW, doubling=True).after_quota(Quota("core", 5000, 4000, 60), NOW)
    assert cooling.closed_until(NOW, background=False) == NOW + timedelta(seconds=60)
    assert cooling.strikes == 1


numbers = st.integers(0, 10**18)


@given(numbers | st.none(), numbers | st.none(), st.integers(1, 7200) | st.none(), st.integers(1, 7200) | st.none())
def test_nothing_is_closed_for_longer_than_two_hours(limit, remaining, reset_in, pause):
    told = (
        Standing().after_quota(Quota("core", limit, remaining, reset_in), NOW).after_limit(pause, NOW, doubling=True)
    )
    assert NOW < told.closed_until(NOW, background=True) <= NOW + MAX_PAUSE
    assert told.closed_until(NOW + MAX_PAUSE, background=True) is None
    assert (told.limit or 0) < 2**31 > (told.remaining or 0)


@pytest.mark.parametrize(
    ("need", "remaining", "enough", "windows"),
    [(12, 4900, True, 0), (4400, 4900, True, 0), (4401, 4900, False, 1), (9000, 4900, False, 2), (10, 300, False, 1)],
)
def test_a_forecast_counts_the_resets_to_wait_for(need, remaining, enough, windows):
    forecast = Forecast({Resource.GRAPHQL: need}, {Resource.GRAPHQL: standing(remaining)}, NOW)
    assert forecast.enough == enough
    if windows:
        waited = NOW + timedelta(seconds=600) + (windows - 1) * HOUR
        assert forecast.done_at == max(waited, NOW + timedelta(seconds=-(-need // 2)))
    assert forecast.in_words() == f"needs about {need:,} requests, {remaining:,} of 5,000 left (graphql)"
