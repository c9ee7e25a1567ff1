"""What GitHub says about its rate limits in the headers of every answer, and how long that means to wait."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from skillmeat_site.upstream.errors import UpstreamRateLimited
from skillmeat_site.upstream.git_errors import MAX_RETRY_AFTER, read_retry_after, server_time

DEFAULT_PAUSE = 60
"""Seconds to wait where a limit is hit and nothing usable says for how long: what GitHub asks for as a minimum."""

# Epoch seconds have ten digits until the year 2286; more mean that somebody counts in milliseconds.
_MILLISECONDS = 10**11


@dataclass(frozen=True, slots=True)
class Quota:
    """The budget of one resource (``core``, ``graphql``...) after an answer. ``reset_in`` is in seconds from then.

    ``reset_in`` is within 1 and MAX_RETRY_AFTER, and measured from the server's clock, so that a wrong one here does
    not matter. None for what the answer does not say; hosts without limits (Enterprise) say nothing.
    """

    resource: str
    limit: int | None
    remaining: int | None
    reset_in: int | None


def read_quota(headers: Mapping[str, str]) -> Quota:
    """Read the ``x-ratelimit-*`` headers. ``headers`` finds names in any case."""
    resource = headers.get("x-ratelimit-resource", "")
    return Quota(
        resource if resource.isascii() and resource.isalnum() else "core",
        _number(headers.get("x-ratelimit-limit", "")),
        _number(headers.get("x-ratelimit-remaining", "")),
        _reset_in(headers),
    )


def rate_limited(headers: Mapping[str, str]) -> UpstreamRateLimited:
    """Return the error for an answer that refuses because of a limit, primary or secondary.

    ``retry_after`` is Retry-After where it can be read, else the reset where the quota is used up, else DEFAULT_PAUSE;
    always within 1 and MAX_RETRY_AFTER seconds. ``reset_at`` is that moment by this machine's clock.
    """
    quota = read_quota(headers)
    pause = read_retry_after(headers)
    if pause is None and quota.remaining == 0:
        pause = quota.reset_in
    pause = DEFAULT_PAUSE if pause is None else pause
    kind = "rate limit" if quota.remaining == 0 else "secondary rate limit"
    return UpstreamRateLimited(
        f"GitHub's {kind} is reached",
        retry_after=pause,
        reset_at=datetime.now(UTC) + timedelta(seconds=pause),
    )


def _reset_in(headers: Mapping[str, str]) -> int | None:
    reset = _number(headers.get("x-ratelimit-reset", ""))
    if reset is None:
        return None
    seconds = reset / 1000 if reset >= _MILLISECONDS else reset
    return max(1, min(math.ceil(seconds - server_time(headers).timestamp()), MAX_RETRY_AFTER))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
