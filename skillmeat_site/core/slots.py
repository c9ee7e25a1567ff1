"""How many operations talk to a host at once with one token, and how fast: over all threads, workers and machines.

Slots are leased rows. Whoever dies with one loses it with its lease; a lease that was lost meanwhile stops nobody,
since one request too many does no harm.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Greatest, Now

from skillmeat_site.core.errors import LeaseLost
from skillmeat_site.core.leases import Lease, is_free
from skillmeat_site.core.models import UpstreamSlot
from skillmeat_site.upstream.budget import Slot
from skillmeat_site.upstream.errors import UpstreamRateLimited
from skillmeat_site.upstream.types import Tick

log = structlog.get_logger(__name__)

BURST = timedelta(seconds=10)
"""Of the pace, which a slot that was not used may make at once."""
WAIT_SECONDS = 60
COME_BACK_SECONDS = 10
_POLL_SECONDS = 0.1


class LeasedSlot(Slot):
    """A slot that this process holds."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._requests = 0

    def keep(self) -> None:
        """Renew its lease where that is due. Never raises: who lost it goes on."""
        try:
            self._lease.renew_if_due()
        except (LeaseLost, DatabaseError) as error:
            log.warning("upstream.slot_not_kept", exc_info=error)

    def count(self) -> None:
        self._requests += 1

    def give_back(self) -> None:
        """Let others have it, once what was asked in it has its time. Never raises."""
        try:
            per_second = settings.SKILLMEAT_UPSTREAM_PER_SECOND
            if not per_second or not self._requests:
                self._lease.release()
                return
            seconds = self._requests * settings.SKILLMEAT_UPSTREAM_CONCURRENCY / per_second
            since = Now() - BURST
            earlier = Greatest(Coalesce(F("paced_until"), since), since)
            self._lease.stamp_and_release(paced_until=earlier + timedelta(seconds=seconds))
        except (LeaseLost, DatabaseError) as error:
            log.warning("upstream.slot_not_given_back", exc_info=error)


@contextmanager
def held_slot(host: str, token_id: str, tick: Tick) -> Iterator[Slot]:
    """Hold one of the slots of a token at a host, waiting for it with ``tick``: two statements where one is free.

    Raises UpstreamRateLimited after WAIT_SECONDS, and what the tick raises. Where the database does not answer, the
    operation goes on without one.
    """
    slot = _taken(host, token_id, tick)
    if slot is None:
        yield Slot()
        return
    try:
        yield slot
    finally:
        slot.give_back()


def _taken(host: str, token_id: str, tick: Tick) -> LeasedSlot | None:
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            lease = _try(host, token_id)
        except DatabaseError as error:
            log.warning("upstream.no_slot", host=host, exc_info=error)
            return None
        if lease is not None:
            return LeasedSlot(lease)
        if time.monotonic() >= end:
            raise UpstreamRateLimited(
                f"{host} is being asked by as many as may ask at once", retry_after=COME_BACK_SECONDS
            )
        time.sleep(_POLL_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        tick()


def _try(host: str, token_id: str) -> Lease | None:
    """Take a slot that is free now, any of them. Those that are missing are made when none is."""
    most = settings.SKILLMEAT_UPSTREAM_CONCURRENCY
    slots = UpstreamSlot.objects.filter(host=host, token_id=token_id, number__lt=most)
    rested = slots.filter(Q(paced_until__isnull=True) | Q(paced_until__lte=Now()))
    lease = Lease.acquire_any(rested)
    if lease is None and slots.count() < most:
        _add_slots(host, token_id, most)
        lease = Lease.acquire_any(rested)
    return lease


def _add_slots(host: str, token_id: str, most: int) -> None:
    numbers = range(most)
    rows = [UpstreamSlot(host=host, token_id=token_id, number=number) for number in numbers]
    UpstreamSlot.objects.bulk_create(rows, ignore_conflicts=True)


def forget_slots(before: datetime) -> int:
    """Delete those that nobody has used since. Returns how many."""
    used = Q(lease_until__gte=before) | Q(paced_until__gte=before)
    gone, _ = UpstreamSlot.objects.exclude(used).filter(is_free()).delete()
    return gone
