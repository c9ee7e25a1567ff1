"""What indexing came to, one collection or many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skillmeat_site.core.results import ItemOutcome, JobStatus, ObjectRef, Row


@dataclass(frozen=True, slots=True)
class Indexed:
    """What indexing one collection came to; each artifact that has a row afterwards is counted once.

    ``missing``: its files are gone. ``errors``: artifacts that cannot be read; their rows say why.
    """

    added: int
    updated: int
    removed: int
    missing: int
    unchanged: int
    errors: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class IndexResult:
    """The contract's counters. ``skipped_count`` artifacts are in ``errors``, and in no other count."""

    collection: str
    indexed: Indexed
    changed: bool
    dry_run: bool = False

    @property
    def job_status(self) -> JobStatus:
        return JobStatus.PARTIAL if self.indexed.errors else JobStatus.SUCCEEDED

    @property
    def item_outcome(self) -> ItemOutcome:
        return ItemOutcome.UPDATED if self.changed else ItemOutcome.UNCHANGED

    @property
    def code(self) -> str:
        return self.indexed.errors[0]["code"] if self.indexed.errors else ""

    def to_json(self) -> dict[str, Any]:
        indexed = self.indexed
        return {
            "collection_id": self.collection,
            "outcome": self.item_outcome.value,
            "updated_count": indexed.updated,
            "skipped_count": len(indexed.errors),
            "added_count": indexed.added,
            "removed_count": indexed.removed,
            "missing_count": indexed.missing,
            "unchanged_count": indexed.unchanged,
            "errors": [dict(error) for error in indexed.errors],
            "dry_run": self.dry_run,
        }


@dataclass(frozen=True, slots=True)
class FailedIndex:
    """A collection that could not be indexed at all."""

    collection: str
    error_code: str
    detail: str


@dataclass(frozen=True, slots=True)
class IndexAllResult:
    """``success`` only where there is no error, of a collection or of an artifact."""

    done: tuple[IndexResult, ...]
    failed: tuple[FailedIndex, ...]
    duration_seconds: float
    dry_run: bool = False

    @property
    def success(self) -> bool:
        return not self.failed and not any(result.indexed.errors for result in self.done)

    @property
    def job_status(self) -> JobStatus:
        if self.success:
            return JobStatus.SUCCEEDED
        return JobStatus.PARTIAL if self.done else JobStatus.FAILED

    @property
    def item_outcome(self) -> ItemOutcome:
        if self.failed and not self.done:
            return ItemOutcome.FAILED
        return ItemOutcome.UPDATED if any(result.changed for result in self.done) else ItemOutcome.UNCHANGED

    @property
    def code(self) -> str:
        return self.failed[0].error_code if self.failed else ""

    @property
    def rows(self) -> tuple[Row, ...]:
        """One per collection, by name."""
        settled = [
            Row(_ref(result.collection), result.item_outcome, result.code, detail=result.to_json())
            for result in self.done
        ]
        lost = [Row(_ref(row.collection), ItemOutcome.FAILED, row.error_code, row.detail) for row in self.failed]
        return tuple(sorted([*settled, *lost], key=lambda row: row.object.label))

    def to_json(self) -> dict[str, Any]:
        errors = [
            {"collection_id": result.collection, "errors": [dict(error) for error in result.indexed.errors]}
            for result in self.done
            if result.indexed.errors
        ]
        errors += [
            {"collection_id": row.collection, "errors": [{"code": row.error_code, "detail": row.detail}]}
            for row in self.failed
        ]
        return {
            "success": self.success,
            "collections_refreshed": len(self.done),
            "total_updated": sum(result.indexed.updated for result in self.done),
            "total_skipped": sum(len(result.indexed.errors) for result in self.done),
            "errors": sorted(errors, key=lambda row: str(row["collection_id"])),
            "duration_seconds": self.duration_seconds,
            "dry_run": self.dry_run,
        }


def _ref(slug: str) -> ObjectRef:
    return ObjectRef("collection", slug, slug)
