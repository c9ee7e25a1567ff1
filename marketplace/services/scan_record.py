"""What a source remembers of its scans: the columns to write after each way a scan can end."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from marketplace.domain.scan_plan import ScanPlan
from marketplace.errors import REMOVALS_HELD
from marketplace.models import ScanRun, Source
from marketplace.services.results import ScanResult
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.results import ItemOutcome
from skillmeat_site.upstream.errors import UpstreamBlocked, UpstreamTimeout, UpstreamUnreachable
from skillmeat_site.upstream.types import Head, Listing

BACK_OFF = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24), timedelta(days=7))
"""How long a sweep leaves a source alone after so many failures in a row; the last one goes on for ever."""
NO_ANSWER = (UpstreamUnreachable.code, UpstreamTimeout.code)
"""Failures by which nothing was learnt of a repository."""
RUNS_PER_STATEMENT = 1_000
JITTER = 0.1
"""Due times are spread by a tenth either way, so that sources registered together are not scanned together."""


def next_scan_at(interval: int | None, now: datetime) -> datetime | None:
    """When a source with this interval (minutes) is due again."""
    if interval is None:
        return None
    return now + timedelta(minutes=interval) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret


def _seen(source: Source, result: ScanResult, head: Head) -> dict[str, Any]:
    return {
        "resolved_ref": head.ref[:255],
        "head_commit": head.commit or "",
        "last_scanned_at": result.scanned_at,
        "next_scan_at": next_scan_at(source.scan_interval, result.scanned_at),
        "failures": 0,
        "not_before": None,
        "updated_at": result.scanned_at,
    }


def still_current(source: Source, result: ScanResult, head: Head) -> dict[str, Any]:
    """After a short circuit."""
    fine = {"last_success_at": result.scanned_at, "last_error_code": "", "last_error_detail": ""}
    return {**_seen(source, result, head), **fine}


def scanned(
    source: Source, result: ScanResult, head: Head, listing: Listing, key: str, plan: ScanPlan
) -> dict[str, Any]:
    """After a scan that was applied. Held removals are no success: the next scan looks again."""
    held = bool(result.held)
    counts = Counter(artifact.type.value for artifact in plan.found.values())
    counts.update(entry.type for entry in plan.held)
    return {
        **_seen(source, result, head),
        "tree_oid": listing.tree_oid,
        "detection_key": key,
        "listing_complete": listing.complete,
        "counts": dict(sorted(counts.items())),
        "counters": result.counters.to_json(),
        "last_success_at": source.last_success_at if held else result.scanned_at,
        "last_error_code": REMOVALS_HELD if held else "",
        "last_error_detail": result.warnings[0].detail if held else "",
    }


def failed(source: Source, error: DomainError, now: datetime) -> dict[str, Any]:
    """After a failure: nothing of what was known is touched.

    Where the one before was another than silence, it still counts (removals are held, say): the next scan is whole.
    """
    failures = source.failures + 1
    still = source.last_error_code not in ("", *NO_ANSWER)
    return {
        "last_scanned_at": now,
        "last_error_code": error.code,
        "last_error_detail": error.detail,
        "failures": failures,
        **({"detection_key": ""} if still else {}),
        "not_before": now + _back_off(error, failures),
        "next_scan_at": next_scan_at(source.scan_interval, now),
        "updated_at": now,
    }


def _back_off(error: DomainError, failures: int) -> timedelta:
    """What was taken down is seldom put back: it is not asked about every hour."""
    return BACK_OFF[-1] if isinstance(error, UpstreamBlocked) else BACK_OFF[min(failures, len(BACK_OFF)) - 1]


def stamped(source: QuerySet[Source], columns: Mapping[str, Any]) -> bool:
    """Write the columns; False where there is no such source, or its new address was registered a moment ago."""
    try:
        with transaction.atomic():
            return bool(source.update(**columns))
    except IntegrityError:
        return False


def write_run(source: Source, result: ScanResult, job_id: UUID | None) -> None:
    _write_run(
        source,
        job_id,
        outcome=result.item_outcome,
        code=result.code,
        commit=result.commit or "",
        short_circuit=result.short_circuit or "",
        listing_complete=result.listing_complete,
        new_count=result.counters.new,
        updated_count=result.counters.updated,
        removed_count=result.counters.removed,
        unchanged_count=result.counters.unchanged,
        duration_ms=result.duration_ms,
        result=result.to_json(),
    )


def prune_runs(before: datetime) -> int:
    """Delete runs from before a moment, but for each source's newest one. Returns how many.

    In parts, so that the writes of others come in between.
    """
    newest = ScanRun.objects.order_by().values("source").annotate(newest=Max("pk")).values("newest")
    old = ScanRun.objects.filter(day__lte=before.date(), created_at__lt=before).exclude(pk__in=newest).order_by("pk")
    deleted = 0
    while ids := list(old.values_list("pk", flat=True)[:RUNS_PER_STATEMENT]):
        deleted += ScanRun.objects.filter(pk__in=ids).delete()[0]
    return deleted


def write_failed_run(source: Source, error: DomainError, job_id: UUID | None, duration_ms: int) -> None:
    _write_run(
        source, job_id, outcome=ItemOutcome.FAILED, code=error.code, detail=error.detail, duration_ms=duration_ms
    )


def _write_run(source: Source, job_id: UUID | None, **columns: Any) -> None:
    now = timezone.now()
    ScanRun.objects.create(source=source, job_id=job_id, created_at=now, day=now.date(), **columns)
