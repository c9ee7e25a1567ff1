"""What is most worth doing now."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from skillmeat_site.core.advice import Advice, Urgency, most_worth
from skillmeat_site.core.work_advice import Need, token_needs, worker_needs


class Named(NamedTuple):
    name: str
    advice: Advice


def named(name, urgency):
    return Named(name, Advice(name, urgency))


def test_the_most_urgent_come_first_and_the_rest_is_left_out():
    found = [
        named("tidy", Urgency.TIDY),
        named("behind", Urgency.BEHIND),
        named("stopped", Urgency.STOPPED),
        named("decide", Urgency.DECISION),
    ]
    assert [one.name for one in most_worth(found)] == ["stopped", "decide", "behind"]


def test_equally_urgent_ones_keep_their_order():
    found = [named("b", Urgency.BROKEN), named("a", Urgency.BROKEN), named("c", Urgency.BROKEN)]
    assert [one.name for one in most_worth(found)] == ["b", "a", "c"]


def test_nothing_to_do_is_nothing():
    assert most_worth([]) == []


@pytest.mark.parametrize(
    ("workers", "queued", "needs"),
    [
        (1, 0, []),
        (1, 9, []),
        (0, 0, [Advice(Need.START_WORKER, Urgency.BROKEN, 1)]),
        (0, 9, [Advice(Need.START_WORKER, Urgency.STOPPED, 9)]),
    ],
)
def test_workers(workers, queued, needs):
    assert worker_needs(workers=workers, queued=queued) == needs


def test_tokens():
    assert token_needs(refused=0) == []
    assert token_needs(refused=2) == [Advice(Need.REPLACE_TOKEN, Urgency.STOPPED, 2)]
