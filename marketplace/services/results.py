"""What a scan answers. The same inline, in the job row, and printed by the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketplace.errors import REMOVALS_HELD
from skillmeat_site.core.documents.types import Warned
from skillmeat_site.core.results import ItemOutcome, JobStatus

MAX_WARNINGS = 200


@dataclass(frozen=True, slots=True)
class Counters:
    """Counts of one scan; they add up, or the scan does not end (docs: contract, ScanResult)."""

    new: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    within_source: int = 0
    cross_source: int = 0

    def __post_init__(self) -> None:
        if self.within_source + self.cross_source > self.total:
            raise AssertionError("more duplicates than artifacts")

    @property
    def total(self) -> int:
        return self.new + self.updated + self.unchanged

    @property
    def changed(self) -> int:
        return self.new + self.updated + self.removed

    def repeated(self) -> Counters:
        """What a scan that found nothing to do says: the same artifacts, all unchanged."""
        return Counters(unchanged=self.total, within_source=self.within_source, cross_source=self.cross_source)

    def to_json(self) -> dict[str, int]:
        return {
            "artifacts_found": self.total,
            "new_count": self.new,
            "updated_count": self.updated,
            "removed_count": self.removed,
            "unchanged_count": self.unchanged,
            "duplicates_within_source": self.within_source,
            "duplicates_cross_source": self.cross_source,
            "total_detected": self.total,
            "total_unique": self.total - self.within_source - self.cross_source,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, int]) -> Counters:
        return cls(
            new=stored.get("new_count", 0),
            updated=stored.get("updated_count", 0),
            removed=stored.get("removed_count", 0),
            unchanged=stored.get("unchanged_count", 0),
            within_source=stored.get("duplicates_within_source", 0),
            cross_source=stored.get("duplicates_cross_source", 0),
        )


@dataclass(frozen=True, slots=True)
class ScanResult:
    """One scan of one source. ``held`` removals wait for ``allow_removals``: the job is partial then."""

    source_id: int
    counters: Counters
    commit: str | None
    listing_complete: bool
    scanned_at: datetime
    duration_ms: int
    short_circuit: str | None = None
    moved: Sequence[Mapping[str, Any]] = ()
    updated_imports: Sequence[int] = ()
    warnings: Sequence[Warned] = ()
    held: int = 0
    dry_run: bool = False

    @property
    def item_outcome(self) -> ItemOutcome:
        return ItemOutcome.UPDATED if self.counters.changed else ItemOutcome.UNCHANGED

    @property
    def job_status(self) -> JobStatus:
        return JobStatus.PARTIAL if self.held else JobStatus.SUCCEEDED

    @property
    def code(self) -> str:
        return REMOVALS_HELD if self.held else ""

    def to_json(self) -> dict[str, Any]:
        warnings = list(self.warnings[:MAX_WARNINGS])
        if len(self.warnings) > MAX_WARNINGS:
            warnings.append(Warned("warnings_cut", f"{len(self.warnings) - MAX_WARNINGS} more"))
        return {
            "source_id": self.source_id,
            "outcome": self.item_outcome.value,
            "code": self.code or None,
            **self.counters.to_json(),
            "scan_duration_ms": self.duration_ms,
            "scanned_at": self.scanned_at.isoformat().replace("+00:00", "Z"),
            "commit": self.commit,
            "listing_complete": self.listing_complete,
            "short_circuit": self.short_circuit,
            "moved": [dict(move) for move in self.moved],
            "updated_imports": list(self.updated_imports),
            "warnings": [{"code": w.code, "detail": w.detail, "path": w.path} for w in warnings],
            "dry_run": self.dry_run,
        }
