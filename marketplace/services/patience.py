"""Waiting for a limit that is soon over. A longer one is not slept through: the work is deferred."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from skillmeat_site.core.reporting import Report
from skillmeat_site.upstream.errors import UpstreamRateLimited

MAX_WAIT = 30
"""Seconds; what a job of a sweep sleeps at most for one limit."""
MAX_WAITS = 2

_Result = TypeVar("_Result")


def patiently(action: Callable[[], _Result], report: Report) -> _Result:
    """Do it, again after a short wait where a limit is over within MAX_WAIT seconds, at most MAX_WAITS times.

    Raises UpstreamRateLimited for a longer one, and what ``action`` and the report's tick raise.
    """
    for _ in range(MAX_WAITS):
        try:
            return action()
        except UpstreamRateLimited as limit:
            if limit.retry_after is None or limit.retry_after > MAX_WAIT:
                raise
            _sleep(limit.retry_after, report)
    return action()


def _sleep(seconds: float, report: Report) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(0.25, left))
        report.tick()
