"""What discoveries and refreshes answer: the same inline, in a job's row and in a command's document."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cache_app.domain.discovery_plan import Fate
from cache_app.domain.readings import Change
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.results import ItemOutcome, JobStatus, ObjectRef, Row

OUTCOME: Mapping[Fate, ItemOutcome] = {
    Fate.ADDED: ItemOutcome.CREATED,
    Fate.REMOVED: ItemOutcome.REMOVED,
    Fate.CHANGED: ItemOutcome.UPDATED,
    Fate.UNCHANGED: ItemOutcome.UNCHANGED,
    Fate.ERROR: ItemOutcome.FAILED,
}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An error row. ``project`` None: a folder that is not registered."""

    project: int | None
    path: str
    error: DomainError

    def to_json(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "path": shown_path(self.path),
            "code": self.error.code,
            "detail": self.error.detail,
        }

    @property
    def row(self) -> Row:
        return Row(
            object_ref(self.project, self.path),
            ItemOutcome.FAILED,
            self.error.code,
            self.error.detail,
            {"path": shown_path(self.path)},
        )


def shown_path(path: str) -> str:
    """A path as a database and a page take it: bytes that are no text are replaced."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\x00", "\ufffd")


def object_ref(project: int | None, path: str) -> ObjectRef:
    label = shown_path(path)
    if project is None:
        return ObjectRef("folder", hashlib.sha256(label.encode()).hexdigest()[:32], label)
    return ObjectRef("project", str(project), label)


@dataclass(frozen=True, slots=True)
class Stats:
    """How much the list of projects holds and how old it is; ``cache_ttl`` and ``age_seconds`` in seconds."""

    entries: int
    last_scan: datetime | None
    cache_ttl: int
    is_valid: bool
    age_seconds: int | None

    def to_json(self) -> dict[str, Any]:
        return {
            "entries": self.entries,
            "last_scan": self.last_scan.isoformat().replace("+00:00", "Z") if self.last_scan else None,
            "cache_ttl": self.cache_ttl,
            "is_valid": self.is_valid,
            "age_seconds": self.age_seconds,
        }


class _Outcome:
    """How a result with ``errors`` ends its job. One whose rows all failed is partial too: the answer is whole."""

    __slots__ = ()
    errors: tuple[Unreadable, ...]

    @property
    def success(self) -> bool:
        return not self.errors

    @property
    def job_status(self) -> JobStatus:
        return JobStatus.SUCCEEDED if self.success else JobStatus.PARTIAL

    @property
    def code(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class DiscoveryResult(_Outcome):
    """Each folder counts once: in one of the four, or as an error. ``rows``: each with what became of it."""

    counts: Mapping[Fate, int]
    errors: tuple[Unreadable, ...]
    rows: tuple[Row, ...]
    stats: Stats
    dry_run: bool = False

    @property
    def item_outcome(self) -> ItemOutcome:
        moved = any(self.counts.get(fate, 0) for fate in (Fate.ADDED, Fate.REMOVED, Fate.CHANGED))
        return ItemOutcome.UPDATED if moved else ItemOutcome.UNCHANGED

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"success": self.success}
        told |= {fate.value: self.counts.get(fate, 0) for fate in Fate if fate is not Fate.ERROR}
        told |= {"errors": [error.to_json() for error in self.errors], "stats": self.stats.to_json()}
        return {**told, "dry_run": True} if self.dry_run else told


@dataclass(frozen=True, slots=True)
class RefreshResult(_Outcome):
    """``refreshed``: how many projects were read; ``rows``: one for each that was to be."""

    refreshed: int
    changes: tuple[Change, ...]
    errors: tuple[Unreadable, ...]
    rows: tuple[Row, ...]
    duration_seconds: float
    dry_run: bool = False

    @property
    def item_outcome(self) -> ItemOutcome:
        return ItemOutcome.UPDATED if self.changes else ItemOutcome.UNCHANGED

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "success": self.success,
            "projects_refreshed": self.refreshed,
            "changes_detected": len(self.changes),
            "changes": [change.to_json() for change in self.changes],
            "errors": [error.to_json() for error in self.errors],
            "duration_seconds": self.duration_seconds,
        }
        return {**told, "dry_run": True} if self.dry_run else told
