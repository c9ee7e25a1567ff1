"""What workers and tokens need most. Pure."""

from __future__ import annotations

from enum import StrEnum

from skillmeat_site.core.advice import Advice, Urgency


class Need(StrEnum):
    """What there may be to do, and what its rows are."""

    START_WORKER = "start_worker"  # jobs that wait; one, if none does
    REPLACE_TOKEN = "replace_token"  # tokens  # noqa: S105 - no password


def worker_needs(*, workers: int, queued: int) -> list[Advice]:
    """Without a worker waiting jobs stand still; where none waits, schedules do."""
    if workers:
        return []
    return [Advice(Need.START_WORKER, Urgency.STOPPED if queued else Urgency.BROKEN, max(queued, 1))]


def token_needs(*, refused: int) -> list[Advice]:
    """What a refused token read is not read any more."""
    return [Advice(Need.REPLACE_TOKEN, Urgency.STOPPED, refused)] if refused else []
