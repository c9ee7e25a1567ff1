"""The same with several collections, each of which settles by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import BulkResult, ItemOutcome, JobStatus, ObjectRef, Result, Row


def each_collection(
    slugs: Sequence[str], operation: Callable[[str], Result], *, report: Report, dry_run: bool = False
) -> BulkResult:
    """One row per collection, in order. Raises Cancelled, JobTimeout and LeaseLost: the rest was not begun."""
    rows = []
    partly = False
    wanted = list(dict.fromkeys(slugs))
    for number, slug in enumerate(wanted):
        report.progress(number, len(wanted), slug)
        ref = ObjectRef("collection", slug, slug)
        try:
            result = operation(slug)
        except (Cancelled, JobTimeout, LeaseLost):
            raise
        except DomainError as error:
            rows.append(Row(ref, ItemOutcome.FAILED, error.code, error.detail))
        else:
            rows.append(Row(ref, result.item_outcome, result.code, detail=result.to_json()))
            partly = partly or result.job_status is JobStatus.PARTIAL
    return BulkResult(tuple(rows), dry_run=dry_run, partly=partly)
