"""Leases: exclusive, expiring, and proven in the transaction that they protect."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from marketplace.models import Source
from skillmeat_site.core.errors import LeaseLost
from skillmeat_site.core.leases import LEASE_SECONDS, Lease
from tests.factories.marketplace import SourceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def leased():
    return SourceFactory(name="first")


def expire(row):
    Source.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def take_over(row):
    expire(row)
    taken = Lease.acquire(Source, row.pk)
    assert taken is not None
    return taken


def test_only_one_holds_it(leased):
    lease = Lease.acquire(Source, leased.pk)
    assert lease is not None
    assert Lease.acquire(Source, leased.pk) is None
    lease.release()
    assert Lease.acquire(Source, leased.pk) is not None


def test_rows_do_not_share_a_lease(leased):
    assert Lease.acquire(Source, leased.pk)
    assert Lease.acquire(Source, SourceFactory().pk)


def test_a_row_that_is_gone_has_no_lease(leased):
    assert Lease.acquire(Source, leased.pk + 1000) is None


def test_it_lasts_as_long_as_it_says(leased):
    before = timezone.now()
    Lease.acquire(Source, leased.pk)
    leased.refresh_from_db()
    rest = (leased.lease_until - before).total_seconds()
    assert LEASE_SECONDS - 1 <= rest <= LEASE_SECONDS + 60


@pytest.mark.parametrize("prove", ["renew", "fence", "stamp_and_release"])
def test_after_a_take_over_the_old_holder_can_prove_nothing(leased, prove):
    old = Lease.acquire(Source, leased.pk)
    new = take_over(leased)
    with pytest.raises(LeaseLost), transaction.atomic():
        getattr(old, prove)()
    leased.refresh_from_db()
    assert leased.lease_token == new.token


def test_an_expired_lease_that_nobody_took_is_still_ours(leased):
    lease = Lease.acquire(Source, leased.pk)
    expire(leased)
    with transaction.atomic():
        lease.fence()
    assert Lease.acquire(Source, leased.pk) is None


def test_a_fence_rolls_back_what_stands_around_it(leased):
    lease = Lease.acquire(Source, leased.pk)
    take_over(leased)
    with pytest.raises(LeaseLost), transaction.atomic():  # noqa: PT012 - both statements are one transaction
        Source.objects.filter(pk=leased.pk).update(name="written by the old holder")
        lease.fence()
    leased.refresh_from_db()
    assert leased.name == "first"


@pytest.mark.django_db(transaction=True)
def test_a_fence_outside_a_transaction_proves_nothing_and_is_refused(leased):
    lease = Lease.acquire(Source, leased.pk)
    with pytest.raises(RuntimeError, match="transaction"):
        lease.fence()
    with transaction.atomic():
        lease.fence()


def test_releasing_a_lost_lease_leaves_the_new_holder_alone(leased):
    old = Lease.acquire(Source, leased.pk)
    new = take_over(leased)
    old.release()
    old.release()
    leased.refresh_from_db()
    assert leased.lease_token == new.token
    assert Lease.acquire(Source, leased.pk) is None


def test_stamp_and_release_writes_and_gives_back(leased):
    lease = Lease.acquire(Source, leased.pk)
    lease.stamp_and_release(name="stamped")
    leased.refresh_from_db()
    assert (leased.name, leased.lease_token, leased.lease_until) == ("stamped", None, None)
    again = Lease.acquire(Source, leased.pk)
    lease.release()  # in a `finally`, after the stamp
    leased.refresh_from_db()
    assert leased.lease_token == again.token


def test_a_lost_stamp_writes_nothing(leased):
    lease = Lease.acquire(Source, leased.pk)
    take_over(leased)
    with pytest.raises(LeaseLost):
        lease.stamp_and_release(name="stamped")
    leased.refresh_from_db()
    assert leased.name == "first"


def test_renewing_puts_the_end_off(leased):
    lease = Lease.acquire(Source, leased.pk)
    expire(leased)
    lease.renew()
    leased.refresh_from_db()
    assert leased.lease_until > timezone.now()
    lease.renew_if_due()  # not due: a moment ago
    before = leased.lease_until
    leased.refresh_from_db()
    assert leased.lease_until == before
