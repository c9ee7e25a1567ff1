"""Waiting for a host: until a deadline, not below a certain pace, and with the caller's tick meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

from skillmeat_site.upstream.errors import UpstreamTimeout
from skillmeat_site.upstream.process import TICK_SECONDS, Deadline
from skillmeat_site.upstream.types import Tick

_SLICE = 0.25


class Watch:
    """Told of every wait and every byte of one operation, so that neither silence nor a trickle holds it up.

    ``slowest``: bytes a second below which a transfer is given up, measured over ``slow_seconds``.
    """

    def __init__(self, deadline: Deadline, tick: Tick, *, slowest: float, slow_seconds: float) -> None:
        self._deadline, self._tick = deadline, tick
        self._least, self._slow_seconds = slowest * slow_seconds, slow_seconds
        self._next_tick = time.monotonic() + TICK_SECONDS
        self._raised: BaseException | None = None
        self.begin()

    def begin(self) -> None:
        """Measure the pace from here on: another request starts."""
        self._window_end, self._received = time.monotonic() + self._slow_seconds, 0

    def remaining(self) -> float:
        """Seconds until the deadline. Raises UpstreamTimeout where there are none."""
        return self._deadline.remaining()

    def received(self, count: int) -> None:
        """Count bytes that arrived."""
        self._received += count
        self._check()

    def wait(self, ready: Callable[[float], bool]) -> None:
        """Wait until ``ready``, which is called with the seconds it may take, says so.

        Raises UpstreamTimeout at the deadline or below the pace, and whatever the tick raises.
        """
        while not ready(min(_SLICE, self._deadline.remaining())):
            self._check()

    def sleep(self, seconds: float) -> None:
        """Do nothing for a while. Raises UpstreamTimeout at once where the deadline would pass meanwhile."""
        end = time.monotonic() + seconds
        if seconds >= self._deadline.remaining():
            raise UpstreamTimeout
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(_SLICE, left))
            self._check_tick()

    def reraise(self) -> None:
        """Raise what the tick raised, which others may meanwhile have taken for a fault of the network."""
        if self._raised is not None:
            raise self._raised

    def _check(self) -> None:
        self._deadline.remaining()
        self._check_tick()
        now = time.monotonic()
        if now >= self._window_end:
            if self._received < self._least:
                raise UpstreamTimeout("the host sends too slowly")
            self.begin()

    def _check_tick(self) -> None:
        now = time.monotonic()
        if now < self._next_tick:
            return
        self._next_tick = now + TICK_SECONDS
        try:
            self._tick()
        except BaseException as error:
            self._raised = error
            raise
