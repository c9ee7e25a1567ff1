"""What a host allows us still: pure rules on what its answers said. Rows are in ``core.models.budget``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from skillmeat_site.upstream.budget import Resource
from skillmeat_site.upstream.quota import DEFAULT_PAUSE, Quota

RESERVE_PERCENT = 10
"""Of a limit, kept for what people wait for: sweeps stop there."""
MAX_PAUSE = timedelta(hours=2)
WINDOW = timedelta(hours=1)
"""For which GitHub's limits hold."""
SECONDS_PER_REQUEST = 0.5
OFFLINE_PAUSE = timedelta(minutes=1)
"""How long work that nobody waits for leaves a host alone that could not be reached: one probe in each of these."""


class State(StrEnum):
    """What may be done with a resource now."""

    OPEN = "open"
    RESERVE_ONLY = "reserve only"
    """Sweeps wait; what people ask for goes on."""
    WAITING = "waiting"
    OFFLINE = "offline"
    """The host could not be reached; sweeps wait."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One resource of one token, by the last answer. None: the host has not said, or has no limit.

    ``cooldown_until``: the host refused, nothing is asked before. ``strikes``: refusals since the last good answer.
    ``offline_until``: no connection could be made; until then only people try.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None
    cooldown_until: datetime | None = None
    strikes: int = 0
    offline_until: datetime | None = None

    @property
    def reserve(self) -> int:
        return (self.limit or 0) * RESERVE_PERCENT // 100

    def left(self, now: datetime) -> int | None:
        """What is left now: after the reset, all of it."""
        if self.limit is not None and self.reset_at is not None and self.reset_at <= now:
            return self.limit
        return self.remaining

    def after_quota(self, quota: Quota, now: datetime) -> Standing:
        """A good answer. Does not end a cooldown: it may have been under way when another was refused."""
        reset_at = None if quota.reset_in is None else now + timedelta(seconds=quota.reset_in)
        strikes = 0 if self.is_forgivable(now) else self.strikes
        limit, remaining = _storable(quota.limit), _storable(quota.remaining)
        return replace(self, limit=limit, remaining=remaining, reset_at=reset_at, strikes=strikes)

    def is_forgivable(self, now: datetime) -> bool:
        """It was refused, and that is over: the next good answer makes good for it."""
        return self.strikes > 0 and (self.cooldown_until is None or self.cooldown_until <= now)

    def after_limit(self, pause: int | None, now: datetime, *, doubling: bool) -> Standing:
        """A refusal, with the seconds to wait. ``doubling``: each one in a row doubles them."""
        factor = 2 ** min(self.strikes, 10) if doubling else 1
        until = now + min(timedelta(seconds=(pause or DEFAULT_PAUSE) * factor), MAX_PAUSE)
        return replace(self, cooldown_until=max(until, self.cooldown_until or until), strikes=self.strikes + 1)

    def after_no_connection(self, now: datetime) -> Standing:
        """Nobody was there."""
        return replace(self, offline_until=now + OFFLINE_PAUSE)

    def after_contact(self) -> Standing:
        """Somebody was."""
        return replace(self, offline_until=None)

    def state(self, now: datetime) -> State:
        if self.closed_until(now, background=False) is not None:
            return State.WAITING
        if self.offline_until is not None and self.offline_until > now:
            return State.OFFLINE
        return State.OPEN if self.closed_until(now, background=True) is None else State.RESERVE_ONLY

    def closed_until(self, now: datetime, *, background: bool) -> datetime | None:
        """Until when nothing may be asked; None: it may. For ``background`` work the reserve is out of reach."""
        if self.cooldown_until is not None and self.cooldown_until > now:
            return self.cooldown_until
        kept = self.reserve if background else 0
        if self.remaining is not None and self.remaining <= kept and self.reset_at is not None:
            return self.reset_at if self.reset_at > now else None
        return None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run will take, beside what is left. ``enough`` leaves the reserve alone."""

    needs: Mapping[Resource, int]
    standings: Mapping[Resource, Standing]
    now: datetime

    @property
    def requests(self) -> int:
        return sum(self.needs.values())

    @property
    def enough(self) -> bool:
        return all(self._windows(resource) == 0 for resource in self.needs)

    @property
    def done_at(self) -> datetime:
        """When all will have been asked: soon, or after as many resets as it takes."""
        ends = [self.now + timedelta(seconds=math.ceil(self.requests * SECONDS_PER_REQUEST))]
        for resource in self.needs:
            if windows := self._windows(resource):
                reset_at = self._standing(resource).reset_at or self.now + WINDOW
                ends.append(max(reset_at, self.now) + (windows - 1) * WINDOW)
        return max(ends)

    def _standing(self, resource: Resource) -> Standing:
        return self.standings.get(resource, Standing())

    def _windows(self, resource: Resource) -> int:
        """How many resets have to be waited for."""
        standing, need = self._standing(resource), self.needs[resource]
        left = standing.left(self.now)
        if left is None or standing.limit is None:
            return 0
        missing = need - max(0, left - standing.reserve)
        return math.ceil(missing / max(1, standing.limit - standing.reserve)) if missing > 0 else 0

    def in_words(self) -> str:
        """For a line of a command: in local terms of whoever formats ``done_at``, so without it."""
        needs = f"needs about {self.requests:,} request{'' if self.requests == 1 else 's'}"
        lefts = [
            f"{left:,} of {standing.limit:,} left ({resource.value})"
            for resource, standing in self.standings.items()
            if resource in self.needs and (left := standing.left(self.now)) is not None and standing.limit is not None
        ]
        return ", ".join([needs, *lefts])


def _storable(number: int | None) -> int | None:
    """A header may say anything; no limit of this world is beyond what a column holds."""
    return None if number is None else min(number, 2**31 - 1)
