"""How things end: outcomes, states, and counters that add up. Pure Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable


class ItemOutcome(StrEnum):
    """What became of one object of an operation. DEFERRED: not attempted (rate limit, cancel), may be retried."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    SKIPPED = "skipped"
    CONFLICT = "conflict"
    FAILED = "failed"
    DEFERRED = "deferred"


RETRIABLE = frozenset({ItemOutcome.FAILED, ItemOutcome.DEFERRED})
"""Outcomes that a retry of the job takes up again."""
UNWELL = frozenset({ItemOutcome.FAILED, ItemOutcome.CONFLICT, ItemOutcome.DEFERRED})
"""Outcomes that make a job partial and a command exit with 1."""


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = (JobStatus.QUEUED, JobStatus.RUNNING)
TERMINAL = (JobStatus.SUCCEEDED, JobStatus.PARTIAL, JobStatus.FAILED, JobStatus.CANCELLED)


class Trigger(StrEnum):
    """Which face asked."""

    API = "api"
    ADMIN = "admin"
    COMMAND = "command"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"


class Result(Protocol):
    """What a job's function returns. ``to_json`` is the only serialisation, the same inline and in the job row."""

    @property
    def job_status(self) -> JobStatus: ...

    @property
    def item_outcome(self) -> ItemOutcome: ...

    @property
    def code(self) -> str:
        """Why the result is not what was asked for, or ""."""

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Summary:
    """How many objects ended how. The counts of all outcomes are present and add up to ``total``."""

    counts: Mapping[ItemOutcome, int]

    @classmethod
    def of(cls, outcomes: Iterable[str]) -> Summary:
        counted = Counter(ItemOutcome(outcome) for outcome in outcomes)
        return cls({outcome: counted[outcome] for outcome in ItemOutcome})

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def job_status(self) -> JobStatus:
        """SUCCEEDED if nothing went wrong, FAILED if everything failed, PARTIAL in between."""
        unwell = sum(self.counts[outcome] for outcome in UNWELL)
        if not unwell:
            return JobStatus.SUCCEEDED
        return JobStatus.FAILED if self.counts[ItemOutcome.FAILED] == self.total else JobStatus.PARTIAL

    def to_json(self) -> dict[str, int]:
        return {**{outcome.value: count for outcome, count in self.counts.items()}, "total": self.total}


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """Names a domain object in a job's items: its type, its id as text, and what people call it."""

    type: str
    id: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One object of a bulk operation: which, how it ended, and the full result of its own operation."""

    object: ObjectRef
    outcome: ItemOutcome
    code: str = ""
    message: str = ""
    detail: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": int(self.object.id) if self.object.id.isdecimal() else self.object.id,
            **(self.detail or {}),
            "outcome": self.outcome.value,
            "code": self.code or None,
        }
        if self.message:
            row["detail"] = self.message
        return row


@runtime_checkable
class Itemised(Protocol):
    """A result of several objects in a shape of its own: its rows become the items of its job."""

    @property
    def rows(self) -> tuple[Row, ...]: ...


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The answer of an operation over many objects: each row has settled by itself, the summary counts them all.

    ``partly``: an object that did not end well was done in part, so that the whole has not failed. ``cancelled``:
    somebody asked to stop, and the rest is deferred.
    """

    rows: tuple[Row, ...]
    dry_run: bool = False
    partly: bool = False
    cancelled: bool = False

    @property
    def summary(self) -> Summary:
        return Summary.of(row.outcome for row in self.rows)

    @property
    def job_status(self) -> JobStatus:
        if self.cancelled:
            return JobStatus.CANCELLED
        return JobStatus.PARTIAL if self.partly else self.summary.job_status

    @property
    def item_outcome(self) -> ItemOutcome:
        return ItemOutcome.FAILED if self.job_status is JobStatus.FAILED else ItemOutcome.UPDATED

    @property
    def code(self) -> str:
        return ""

    def to_json(self) -> dict[str, Any]:
        result = {"results": [row.to_json() for row in self.rows], "summary": self.summary.to_json()}
        return {**result, "dry_run": True} if self.dry_run else result
