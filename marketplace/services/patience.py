"""Waiting for what is soon over: a limit of a host, another scan of the same source."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from marketplace.errors import SourceBusy
from skillmeat_site.core.reporting import Report
from skillmeat_site.upstream.errors import UpstreamRateLimited

MAX_WAIT = 30
"""Seconds; what a job of a sweep sleeps at most for one limit."""
MAX_WAITS = 2
PATIENCE_SECONDS = 600
"""How long a scan after a push waits for its turn. Longer than nearly every scan, shorter than the job may take."""
POLL_SECONDS = 0.5

_Result = TypeVar("_Result")


def patiently(action: Callable[[], _Result], report: Report) -> _Result:
    """Do it, again after a short wait where a limit is over within MAX_WAIT seconds, at most MAX_WAITS times.

    Raises UpstreamRateLimited for a longer one, which defers the work, and what ``action`` and ticks raise.
    """
    for _ in range(MAX_WAITS):
        try:
            return action()
        except UpstreamRateLimited as limit:
            if limit.retry_after is None or limit.retry_after > MAX_WAIT:
                raise
            _sleep(limit.retry_after, report)
    return action()


def in_turn(scan: Callable[[], _Result], report: Report) -> _Result:
    """Scan, after the scan of the source that is under way. Raises SourceBusy after PATIENCE_SECONDS."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return scan()
        except SourceBusy:
            if time.monotonic() > deadline:
                raise
        report.progress(0, 0, "waiting for the scan that is under way")
        time.sleep(POLL_SECONDS)


def _sleep(seconds: float, report: Report) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(0.25, left))
        report.tick()
