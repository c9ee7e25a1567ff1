"""What an import and a re-import answer. The same inline, in the job row, and printed by the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from marketplace.services.entries import entry_ref
from skillmeat_site.core.errors import Cancelled
from skillmeat_site.core.results import ItemOutcome, JobStatus, Row, Summary


class ImportStatus(StrEnum):
    SUCCESS = "success"
    SKIPPED = "skipped"
    CONFLICT = "conflict"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ImportedEntry:
    """What became of one entry. ``outcome`` says it in the words that every bulk operation shares."""

    entry_id: int
    label: str
    outcome: ItemOutcome
    artifact_id: str = ""
    name: str = ""
    conflict_with: str = ""
    code: str = ""
    error: str = ""

    @property
    def status(self) -> ImportStatus:
        return _STATUS.get(self.outcome, ImportStatus.SUCCESS)

    def to_json(self) -> dict[str, Any]:
        return {
            "entry_id": self.entry_id,
            "status": self.status.value,
            "outcome": self.outcome.value,
            "artifact_id": self.artifact_id or None,
            "name": self.name or None,
            "conflict_with": self.conflict_with or None,
            "code": self.code or None,
            "error": self.error or None,
        }

    def row(self) -> Row:
        detail = self.to_json()
        return Row(entry_ref(self.entry_id, self.label), self.outcome, self.code, self.error, detail)


_WORST_FIRST = (
    ItemOutcome.FAILED, ItemOutcome.CONFLICT, ItemOutcome.DEFERRED, ItemOutcome.SKIPPED, ItemOutcome.UNCHANGED,
)  # fmt: skip


def _overall(summary: Summary) -> ItemOutcome:
    if summary.counts[ItemOutcome.CREATED] or summary.counts[ItemOutcome.UPDATED]:
        return ItemOutcome.UPDATED
    return next((outcome for outcome in _WORST_FIRST if summary.counts[outcome]), ItemOutcome.UNCHANGED)


def _job_status(rows: Sequence[Row]) -> JobStatus:
    if any(row.code == Cancelled.code for row in rows):
        return JobStatus.CANCELLED
    return Summary.of(row.outcome for row in rows).job_status


_STATUS: Mapping[ItemOutcome, ImportStatus] = {
    ItemOutcome.SKIPPED: ImportStatus.SKIPPED,
    ItemOutcome.CONFLICT: ImportStatus.CONFLICT,
    ItemOutcome.FAILED: ImportStatus.ERROR,
    ItemOutcome.DEFERRED: ImportStatus.ERROR,
}


@dataclass(frozen=True, slots=True)
class ImportResult:
    """One import out of one source into one collection; every wanted entry is in ``entries``, once, in order.

    ``import_id`` is the id of the job, which the records in collection.toml carry as well.
    """

    import_id: str
    source_id: int | None
    collection: str
    started_at: datetime
    completed_at: datetime
    entries: tuple[ImportedEntry, ...]
    snapshot_id: str = ""
    dry_run: bool = False

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(entry.row() for entry in self.entries)

    @property
    def summary(self) -> Summary:
        return Summary.of(entry.outcome for entry in self.entries)

    @property
    def job_status(self) -> JobStatus:
        return _job_status(self.rows)

    @property
    def item_outcome(self) -> ItemOutcome:
        """UPDATED if anything came in; else the worst that happened to an entry; UNCHANGED for no entry at all."""
        return _overall(self.summary)

    @property
    def code(self) -> str:
        """Why nothing came in: the first entry's reason."""
        return next((entry.code for entry in self.entries if entry.outcome is self.item_outcome), "")

    @property
    def detail(self) -> str:
        return next((entry.error for entry in self.entries if entry.outcome is self.item_outcome), "")

    def count(self, status: ImportStatus) -> int:
        return sum(entry.status is status for entry in self.entries)

    def to_json(self) -> dict[str, Any]:
        return {
            "import_id": self.import_id or None,
            "source_id": self.source_id,
            "collection": self.collection,
            "outcome": self.item_outcome.value,
            "code": self.code or None,
            **({"detail": self.detail} if self.detail else {}),
            "started_at": _time(self.started_at),
            "completed_at": _time(self.completed_at),
            "entries": [entry.to_json() for entry in self.entries],
            "success_count": self.count(ImportStatus.SUCCESS),
            "skipped_count": self.count(ImportStatus.SKIPPED),
            "conflict_count": self.count(ImportStatus.CONFLICT),
            "error_count": self.count(ImportStatus.ERROR),
            "summary": self.summary.to_json(),
            "snapshot_id": self.snapshot_id or None,
            "dry_run": self.dry_run,
        }


@dataclass(frozen=True, slots=True)
class BulkImportResult:
    """Imports out of several sources: one row per entry in the order wanted, and one ImportResult per source."""

    imports: tuple[ImportResult, ...]
    rows: tuple[Row, ...]
    dry_run: bool = False

    @property
    def summary(self) -> Summary:
        return Summary.of(row.outcome for row in self.rows)

    @property
    def job_status(self) -> JobStatus:
        return _job_status(self.rows)

    @property
    def item_outcome(self) -> ItemOutcome:
        return _overall(self.summary)

    @property
    def code(self) -> str:
        return ""

    def to_json(self) -> dict[str, Any]:
        return {
            "results": [row.to_json() for row in self.rows],
            "imports": [result.to_json() for result in self.imports],
            "summary": self.summary.to_json(),
            "dry_run": self.dry_run,
        }


@dataclass(frozen=True, slots=True)
class ReimportResult:
    """``local_changes``: the copy on disk was edited, and the snapshot holds it."""

    entry_id: int
    artifact_id: str
    previous_oid: str
    new_oid: str
    local_changes: bool
    snapshot_id: str
    message: str
    deployments_restored: int = 0
    deployments_kept_modified: Sequence[str] = ()
    deployments_dropped: Sequence[str] = ()
    dry_run: bool = False

    @property
    def job_status(self) -> JobStatus:
        return JobStatus.SUCCEEDED

    @property
    def item_outcome(self) -> ItemOutcome:
        if not self.previous_oid:
            return ItemOutcome.CREATED
        return ItemOutcome.UPDATED if self.previous_oid != self.new_oid else ItemOutcome.UNCHANGED

    @property
    def code(self) -> str:
        return ""

    def to_json(self) -> dict[str, Any]:
        return {
            "success": True,
            "outcome": self.item_outcome.value,
            "entry_id": self.entry_id,
            "artifact_id": self.artifact_id or None,
            "previous_oid": self.previous_oid or None,
            "new_oid": self.new_oid or None,
            "local_changes": self.local_changes,
            "deployments_restored": self.deployments_restored,
            "deployments_kept_modified": list(self.deployments_kept_modified),
            "deployments_dropped": list(self.deployments_dropped),
            "snapshot_id": self.snapshot_id or None,
            "message": self.message,
            "dry_run": self.dry_run,
        }


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
