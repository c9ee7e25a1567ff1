"""Slots: few at once, paced, shared by all, and never lost for good."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from skillmeat_site.core import slots
from skillmeat_site.core.budgets import Account, RowBudget
from skillmeat_site.core.leases import LEASE_SECONDS, Lease
from skillmeat_site.core.models import UpstreamSlot
from skillmeat_site.core.slots import forget_slots, held_slot
from skillmeat_site.upstream.budget import Resource, Slot
from skillmeat_site.upstream.budgeted import BudgetedProvider
from skillmeat_site.upstream.errors import UpstreamRateLimited
from skillmeat_site.upstream.types import no_tick

pytestmark = pytest.mark.django_db


HELD = []
"""What was entered: a slot that nobody refers to any more would be given back."""


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(slots, "WAIT_SECONDS", 0)
    HELD.clear()


def take(host="github.com", token="t"):
    """Enter, and hand out how to leave."""
    manager = held_slot(host, token, no_tick)
    manager.__enter__()
    HELD.append(manager)
    return manager


def leave(manager):
    manager.__exit__(None, None, None)


def is_full(host="github.com", token="t"):
    try:
        leave(take(host, token))
    except UpstreamRateLimited:
        return True
    return False


def test_four_and_no_fifth_until_one_is_given_back():
    held = [take() for _ in range(4)]
    with pytest.raises(UpstreamRateLimited) as caught:
        take()
    assert caught.value.retry_after == slots.COME_BACK_SECONDS
    leave(held[1])
    assert not is_full()
    assert UpstreamSlot.objects.count() == 4


def test_other_hosts_and_tokens_have_their_own():
    for _ in range(4):
        take()
    assert is_full()
    assert not is_full(token="another")
    assert not is_full(host="ghe.example.org")


def test_the_number_is_a_setting(settings):
    leave(take())
    settings.SKILLMEAT_UPSTREAM_CONCURRENCY = 1
    take()
    assert is_full()
    settings.SKILLMEAT_UPSTREAM_CONCURRENCY = 6
    for _ in range(5):
        take()
    assert is_full()
    assert UpstreamSlot.objects.count() == 6


def test_a_failure_gives_it_back():
    for _ in range(6):
        with pytest.raises(KeyError), held_slot("github.com", "t", no_tick):
            raise KeyError
    assert not UpstreamSlot.objects.exclude(lease_token=None).exists()


def test_who_died_with_one_loses_it_with_its_lease():
    for _ in range(4):
        take()
    UpstreamSlot.objects.filter(number=2).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert not is_full()


def test_who_works_long_keeps_it(monkeypatch):
    with held_slot("github.com", "t", no_tick) as slot:
        UpstreamSlot.objects.exclude(lease_token=None).update(lease_until=timezone.now() + timedelta(seconds=1))
        monkeypatch.setattr("skillmeat_site.core.leases.RENEW_SECONDS", 0)
        slot.keep()
        row = UpstreamSlot.objects.exclude(lease_token=None).get()
        assert row.lease_until - timezone.now() > timedelta(seconds=LEASE_SECONDS - 5)


def test_who_lost_it_goes_on_and_takes_nothing_from_its_successor(monkeypatch, settings):
    settings.SKILLMEAT_UPSTREAM_PER_SECOND = 10
    monkeypatch.setattr("skillmeat_site.core.leases.RENEW_SECONDS", 0)
    settings.SKILLMEAT_UPSTREAM_CONCURRENCY = 1
    with held_slot("github.com", "t", no_tick) as slot:
        slot.count()
        UpstreamSlot.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        successor = Lease.acquire(UpstreamSlot, UpstreamSlot.objects.get().pk)
        slot.keep()
    assert UpstreamSlot.objects.get().lease_token == successor.token


def test_a_database_that_does_not_answer_stops_nobody(monkeypatch):
    def broken(*args):
        raise DatabaseError

    monkeypatch.setattr(slots, "_try", broken)
    with held_slot("github.com", "t", no_tick) as slot:
        assert type(slot) is Slot


def test_it_costs_two_statements():
    leave(take())
    with CaptureQueriesContext(connection) as captured:
        leave(take())
    assert len(captured) == 2


def test_whoever_waits_ticks(monkeypatch):
    monkeypatch.setattr(slots, "WAIT_SECONDS", 60)
    for _ in range(4):
        take()

    def tick():
        raise KeyError("cancelled")

    with pytest.raises(KeyError, match="cancelled"), held_slot("github.com", "t", tick):
        pass


# ---- the pace


@pytest.fixture
def paced(settings):
    """One slot, one request a second, a burst of ten."""
    settings.SKILLMEAT_UPSTREAM_CONCURRENCY, settings.SKILLMEAT_UPSTREAM_PER_SECOND = 1, 1


def requests(count):
    with held_slot("github.com", "t", no_tick) as slot:
        for _ in range(count):
            slot.count()


def wait_of():
    until = UpstreamSlot.objects.get().paced_until
    return (until - timezone.now()).total_seconds() if until else None


def test_a_burst_is_free(paced):
    for _ in range(3):
        requests(3)
    assert not is_full()


def test_beyond_a_burst_the_next_waits_as_long_as_was_asked_too_much(paced):
    requests(15)
    assert 3 < wait_of() <= 5
    assert is_full()
    UpstreamSlot.objects.update(paced_until=timezone.now() - timedelta(seconds=1))
    requests(3)
    assert 1 < wait_of() <= 2, "the burst that was used up comes back with time only"


def test_a_rest_brings_no_more_than_one_burst(paced):
    requests(1)
    UpstreamSlot.objects.update(paced_until=timezone.now() - timedelta(days=1))
    requests(12)
    assert 1 < wait_of() <= 2


def test_what_asks_nothing_of_an_api_costs_no_time(paced):
    requests(0)
    assert wait_of() is None


def test_the_slots_share_the_pace(settings):
    """Ten a second over four slots: in each of them a request takes 0.4 s, beyond its burst of ten seconds."""
    settings.SKILLMEAT_UPSTREAM_PER_SECOND = 10
    requests(35)
    until = UpstreamSlot.objects.exclude(paced_until=None).get().paced_until
    assert 3 < (until - timezone.now()).total_seconds() <= 4
    assert not is_full()


def test_slots_that_nobody_uses_are_forgotten():
    leave(take())
    held = take("ghe.example.org")
    assert forget_slots(timezone.now() - timedelta(days=30)) == 7
    assert UpstreamSlot.objects.get().host == "ghe.example.org"
    leave(held)


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="threads share no database in memory; see test_concurrency"
)
@pytest.mark.django_db(transaction=True)
def test_twelve_threads_at_once(monkeypatch):
    monkeypatch.setattr(slots, "WAIT_SECONDS", 60)
    lock, held, peak, done = threading.Lock(), [], [0], []

    def work():
        try:
            for _ in range(10):
                with held_slot("github.com", "t", no_tick):
                    with lock:
                        held.append(1)
                        peak[0] = max(peak[0], len(held))
                    time.sleep(0.01)
                    with lock:
                        held.pop()
                        done.append(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), peak[0]) == (120, 4)


def test_git_asks_whether_it_may_once_it_has_its_turn(monkeypatch):
    """While it waited for a slot, those who held them were refused."""
    monkeypatch.setattr(slots, "WAIT_SECONDS", 5)
    account, asked = Account("forge.example", "main", "t"), []
    held = [take(account.host, account.token_id) for _ in range(4)]

    class Provider:
        def resolve(self, address, **more):
            asked.append(address)

    def others_end():
        RowBudget(account).limited(Resource.GIT, UpstreamRateLimited(retry_after=900))
        for slot in held:
            leave(slot)
        held.clear()

    with pytest.raises(UpstreamRateLimited) as caught:
        BudgetedProvider(Provider(), RowBudget(account), Resource.GIT).resolve("it", tick=others_end)
    assert caught.value.retry_after > 890
    assert asked == []
