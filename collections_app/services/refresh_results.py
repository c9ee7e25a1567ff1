"""What a refresh and a check of updates come to: every artifact once, under one counter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from collections_app.domain.refresh_options import RefreshOptions
from collections_app.domain.refresh_plan import (
    Failure,
    Mine,
    Planned,
    Status,
    Theirs,
    Why,
    state_of,
    told_of_move,
)
from collections_app.domain.update_verdict import Verdict, verdict
from skillmeat_site.core.results import ItemOutcome, JobStatus, ObjectRef, Row, Summary


@dataclass(frozen=True)
class RefreshResult:
    """``refreshed + unchanged + skipped + error`` is every artifact that the filters took.

    ``cancelled``: somebody stopped it in the middle; what was not begun is deferred.
    """

    collection: str
    options: RefreshOptions
    planned: tuple[Planned, ...]
    duration_ms: int
    dry_run: bool = False
    snapshot_id: str | None = None
    plan_id: str | None = None
    reset_at: datetime | None = None
    cancelled: bool = False

    @property
    def summary(self) -> Summary:
        return Summary.of(one.outcome for one in self.planned)

    @property
    def job_status(self) -> JobStatus:
        if self.cancelled:
            return JobStatus.CANCELLED
        failed = sum(one.status is Status.ERROR for one in self.planned)
        if not failed:
            return JobStatus.SUCCEEDED
        all_failed = failed == len(self.planned) and self.summary.counts[ItemOutcome.DEFERRED] == 0
        return JobStatus.FAILED if all_failed else JobStatus.PARTIAL

    @property
    def changes(self) -> bool:
        """Whether anything of the collection changes."""
        return any(one.changes for one in self.planned)

    @property
    def item_outcome(self) -> ItemOutcome:
        return worst_of(self.summary, ItemOutcome.UPDATED if self.changes else ItemOutcome.UNCHANGED)

    @property
    def code(self) -> str:
        return next((one.code for one in self.planned if one.status is Status.ERROR), "")

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(_row(one.mine, one.outcome, one.code, one.reason, one.to_json()) for one in self.planned)

    @property
    def status(self) -> str:
        """``failed`` if nothing but errors came of it, in the words of the API."""
        errors = sum(one.status is Status.ERROR for one in self.planned)
        return "completed" if not errors else "failed" if errors == len(self.planned) else "partial"

    def to_json(self) -> dict[str, Any]:
        counts = Counter(one.status for one in self.planned)
        return {
            "collection_id": self.collection,
            "status": self.status,
            "mode": self.options.mode.value,
            "dry_run": self.dry_run,
            **{f"{status.value}_count": counts[status] for status in Status},
            "summary": self.summary.to_json(),
            "details": [row.detail for row in self.rows],
            "snapshot_id": self.snapshot_id,
            "plan_id": self.plan_id,
            "reset_at": _shown(self.reset_at),
            "duration_ms": self.duration_ms,
        }


@dataclass(frozen=True)
class UpdateCheckResult:
    """``updates_available + up_to_date + skipped + errors`` is every artifact that the filters took."""

    collection: str
    timestamp: datetime
    checked: Sequence[tuple[Mine, Theirs | Failure | None]]
    dry_run: bool = False
    reset_at: datetime | None = None

    @cached_property
    def counts(self) -> Mapping[Verdict, int]:
        counted = Counter(verdict(mine, theirs) for mine, theirs in self.checked)
        return {one: counted[one] for one in Verdict}

    @property
    def something_to_do(self) -> bool:
        """Whether a sync would take a new version, or follow a move."""
        loose = (theirs for mine, theirs in self.checked if not mine.is_pinned)
        moved = any(isinstance(theirs, Theirs) and theirs.moved_to for theirs in loose)
        return moved or self.counts[Verdict.UPDATE] > 0

    @property
    def summary(self) -> Summary:
        return Summary.of(row.outcome for row in self.rows)

    @property
    def job_status(self) -> JobStatus:
        errors = self.counts[Verdict.ERROR]
        if not errors:
            return JobStatus.SUCCEEDED
        deferred = any(isinstance(theirs, Failure) and theirs.deferred for _, theirs in self.checked)
        return JobStatus.FAILED if errors == len(self.checked) and not deferred else JobStatus.PARTIAL

    @property
    def changes(self) -> bool:
        return False

    @property
    def item_outcome(self) -> ItemOutcome:
        return worst_of(self.summary, ItemOutcome.UNCHANGED)

    @property
    def code(self) -> str:
        failures = (_failure(mine, theirs) for mine, theirs in self.checked)
        return next((failure.code for failure in failures if failure), "")

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(self._row(mine, theirs) for mine, theirs in self.checked)

    def _row(self, mine: Mine, theirs: Theirs | Failure | None) -> Row:
        failure = _failure(mine, theirs)
        code, detail = (failure.code, failure.detail) if failure else ("", "")
        return _row(mine, _outcome(mine, theirs), code, detail, _checked(mine, theirs))

    def to_json(self) -> dict[str, Any]:
        return {
            "collection_id": self.collection,
            "timestamp": _shown(self.timestamp),
            **{one.value: number for one, number in self.counts.items()},
            "results": [row.detail for row in self.rows],
            "reset_at": _shown(self.reset_at),
        }


def worst_of(summary: Summary, well: ItemOutcome) -> ItemOutcome:
    """How a collection ended, in one word: what a retry takes up comes before what has to be decided."""
    worst = (ItemOutcome.FAILED, ItemOutcome.DEFERRED, ItemOutcome.CONFLICT)
    return next((outcome for outcome in worst if summary.counts[outcome]), well)


def _outcome(mine: Mine, theirs: Theirs | Failure | None) -> ItemOutcome:
    failure = _failure(mine, theirs)
    if failure is not None:
        return ItemOutcome.DEFERRED if failure.deferred else ItemOutcome.FAILED
    return ItemOutcome.SKIPPED if verdict(mine, theirs) is Verdict.SKIPPED else ItemOutcome.UNCHANGED


def _failure(mine: Mine, theirs: Theirs | Failure | None) -> Failure | None:
    if mine.problem is not None:
        return Failure(mine.problem.code, mine.problem.detail)
    return theirs if isinstance(theirs, Failure) else None


def _checked(mine: Mine, theirs: Theirs | Failure | None) -> dict[str, Any]:
    failure = _failure(mine, theirs)
    told = theirs if isinstance(theirs, Theirs) else None
    return {
        "artifact_id": mine.id or None,
        "name": mine.ref.told.name,
        "type": mine.ref.type,
        "state": state_of(mine, told).value,
        "pinned": mine.is_pinned,
        "current_oid": mine.current or None,
        "upstream_oid": told.oid if told else None,
        "upstream_commit": told.commit if told else None,
        "moved_to": told.moved_to or None if told else None,
        "code": failure.code if failure else Why.MOVED.value if told and told.moved_to else None,
        "reason": failure.detail if failure else told_of_move(told) or None if told else None,
    }


def _row(mine: Mine, outcome: ItemOutcome, code: str, message: str, detail: Mapping[str, Any]) -> Row:
    return Row(ObjectRef("artifact", mine.id, str(mine.ref.told)), outcome, code, message, detail)


def _shown(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
