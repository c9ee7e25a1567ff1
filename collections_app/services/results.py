"""What operations on collections come to. The same inline, in the job row, and printed by a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from collections_app.models import Snapshot
from skillmeat_site.core.results import ItemOutcome, JobStatus


class _Done:
    """An operation that either came about or raised."""

    __slots__ = ()

    @property
    def job_status(self) -> JobStatus:
        return JobStatus.SUCCEEDED

    @property
    def code(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Taken(_Done):
    """``snapshot`` None: a dry run."""

    collection: str
    reason: str
    snapshot: Snapshot | None

    @property
    def item_outcome(self) -> ItemOutcome:
        return ItemOutcome.CREATED

    def to_json(self) -> dict[str, Any]:
        told = {"collection": self.collection, "outcome": self.item_outcome.value}
        if self.snapshot is None:
            return {**told, "id": None, "reason": self.reason, "dry_run": True}
        return {**told, **snapshot_json(self.snapshot)}


@dataclass(frozen=True, slots=True)
class Restored(_Done):
    """``changed``: the artifacts and files that were swapped. ``safety``: the snapshot taken before."""

    collection: str
    snapshot_id: str
    safety_id: str | None
    changed: tuple[str, ...]
    dry_run: bool = False

    @property
    def item_outcome(self) -> ItemOutcome:
        return ItemOutcome.UPDATED if self.changed else ItemOutcome.UNCHANGED

    def to_json(self) -> dict[str, Any]:
        return {
            "collection": self.collection,
            "outcome": self.item_outcome.value,
            "snapshot_id": self.snapshot_id,
            "safety_snapshot_id": self.safety_id,
            "changed": list(self.changed),
            "dry_run": self.dry_run,
        }


@dataclass(frozen=True, slots=True)
class Deleted(_Done):
    """``trash``: where the folder is now, relative to the home; empty where there was none."""

    collection: str
    artifacts: int
    deployments: int
    trash: str = ""
    dry_run: bool = False

    @property
    def item_outcome(self) -> ItemOutcome:
        return ItemOutcome.REMOVED

    def to_json(self) -> dict[str, Any]:
        return {
            "collection": self.collection,
            "outcome": self.item_outcome.value,
            "artifacts": self.artifacts,
            "deployments": self.deployments,
            "trash": self.trash or None,
            "dry_run": self.dry_run,
        }


@dataclass(frozen=True, slots=True)
class Retained(_Done):
    """``dropped`` snapshots; ``forgotten`` collections that were deleted long ago."""

    dropped: int
    forgotten: int

    @property
    def item_outcome(self) -> ItemOutcome:
        return ItemOutcome.REMOVED if self.dropped or self.forgotten else ItemOutcome.UNCHANGED

    def to_json(self) -> dict[str, Any]:
        return {"dropped": self.dropped, "forgotten": self.forgotten}


def snapshot_json(row: Snapshot) -> Mapping[str, Any]:
    """The contract's shape of a snapshot."""
    return {
        "id": str(row.pk),
        "collection": row.collection.slug,
        "commit_oid": row.commit_oid,
        "reason": row.reason,
        "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
        "artifact_count": row.artifact_count,
        "job_id": str(row.job_id) if row.job_id else None,
    }
