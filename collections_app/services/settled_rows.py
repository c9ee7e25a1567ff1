"""What an operation over many objects has told of them so far, whatever ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.results import ItemOutcome, ObjectRef, Row

STOPS = (Cancelled, JobTimeout, LeaseLost)
"""What ends the whole work, and is no failure of one row."""

Keep = Callable[[Sequence[Row]], None]
"""Is given rows as they settle: a job keeps them, so that they stand however it ends."""


def forget(rows: Sequence[Row]) -> None:
    """For callers that get all rows in the end."""


class SettledRows:
    """The rows so far. One that has settled stays as it is: what comes later is about the others."""

    def __init__(self, keep: Keep = forget) -> None:
        self.rows: dict[str, Row] = {}
        self.cancelled = False
        self._keep = keep

    def settle(self, rows: Iterable[Row]) -> None:
        fresh = {row.object.id: row for row in rows}
        self.rows |= fresh
        if fresh:
            self._keep(tuple(fresh.values()))

    def fail(self, refs: Iterable[ObjectRef], error: DomainError) -> None:
        """What of these has not settled does not come about, because of ``error``; a cancel defers it."""
        self.cancelled = self.cancelled or isinstance(error, Cancelled)
        outcome = ItemOutcome.DEFERRED if isinstance(error, Cancelled) else ItemOutcome.FAILED
        self.settle(Row(ref, outcome, error.code, error.detail) for ref in refs if ref.id not in self.rows)
