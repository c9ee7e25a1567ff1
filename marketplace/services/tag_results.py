"""What a refresh of tags answers. The same inline, in the job row, and printed by the command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.models import SourceTag
from marketplace.services.tag_sync import TagChanges
from skillmeat_site.core.jobs.settling import MAX_ROWS_IN_RESULT
from skillmeat_site.core.results import ItemOutcome, JobStatus, Row, Summary

NOT_GITHUB = "not_github"
ORIGIN = "github_topic"


@dataclass(frozen=True, slots=True)
class TagRefresh:
    """One source. ``code`` tells why it was skipped."""

    source_id: int
    outcome: ItemOutcome
    code: str = ""
    changes: TagChanges = field(default_factory=TagChanges)
    tags: Sequence[SourceTag] = ()
    dry_run: bool = False

    @property
    def job_status(self) -> JobStatus:
        return JobStatus.SUCCEEDED

    @property
    def item_outcome(self) -> ItemOutcome:
        return self.outcome

    def to_json(self) -> dict[str, Any]:
        segments = [
            {"value": tag.value, "normalized": tag.normalized, "status": tag.status, "source": ORIGIN}
            for tag in self.tags
        ]
        return {
            "source_id": self.source_id,
            "outcome": self.outcome.value,
            "code": self.code or None,
            "tags_found": self.changes.found,
            "tags_added": self.changes.added,
            "tags_updated": self.changes.updated,
            "tags_gone": self.changes.gone,
            "segments": segments,
            "dry_run": self.dry_run,
        }


@dataclass(frozen=True, slots=True)
class TagRefreshes:
    """Many sources, each settled by itself. ``rate_limited``: some are deferred, until ``reset_at`` where it is known.

    ``cancelled``: somebody asked to stop, and the rest is deferred.
    """

    rows: tuple[Row, ...]
    rate_limited: bool = False
    reset_at: datetime | None = None
    cancelled: bool = False
    dry_run: bool = False
    job_id: UUID | None = None

    @property
    def summary(self) -> Summary:
        return Summary.of(row.outcome for row in self.rows)

    @property
    def job_status(self) -> JobStatus:
        return JobStatus.CANCELLED if self.cancelled else self.summary.job_status

    @property
    def item_outcome(self) -> ItemOutcome:
        return ItemOutcome.FAILED if self.job_status is JobStatus.FAILED else ItemOutcome.UPDATED

    @property
    def code(self) -> str:
        return ""

    def to_json(self) -> dict[str, Any]:
        counts = self.summary.counts
        long = self.job_id is not None and len(self.rows) > MAX_ROWS_IN_RESULT
        return {
            "results": [] if long else [row.to_json() for row in self.rows],
            **({"results_url": f"/api/v1/jobs/{self.job_id}/items"} if long else {}),
            "total_succeeded": counts[ItemOutcome.UPDATED] + counts[ItemOutcome.UNCHANGED],
            "total_failed": counts[ItemOutcome.FAILED],
            "total_deferred": counts[ItemOutcome.DEFERRED],
            "rate_limited": self.rate_limited,
            "rate_limit_reset_at": self.reset_at.isoformat().replace("+00:00", "Z") if self.reset_at else None,
            "summary": self.summary.to_json(),
            "dry_run": self.dry_run,
        }
