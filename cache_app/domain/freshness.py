"""How long a reading holds. The clock is always handed in."""

from __future__ import annotations

from datetime import datetime, timedelta


def is_stale(fetched_at: datetime | None, now: datetime, ttl: timedelta, *, ahead: timedelta = timedelta()) -> bool:
    """Whether a reading is too old, or will be within ``ahead``.

    None was never read. One from the future was written before the clock was moved back: nobody knows how old it is.
    """
    if fetched_at is None or fetched_at > now:
        return True
    return now - fetched_at + ahead >= ttl


def age_seconds(then: datetime | None, now: datetime) -> int | None:
    """Whole seconds since then, never less than none."""
    return None if then is None else max(0, int((now - then).total_seconds()))
