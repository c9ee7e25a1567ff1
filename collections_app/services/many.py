"""The same with several collections, each of which settles by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from collections_app.services.settled_rows import Keep, SettledRows, forget
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import BulkResult, JobStatus, ObjectRef, Result, Row


def each_collection(
    slugs: Sequence[str],
    operation: Callable[[str], Result],
    *,
    report: Report,
    keep: Keep = forget,
    dry_run: bool = False,
) -> BulkResult:
    """One row per collection, in order; after a cancel the rest is deferred.

    Raises JobTimeout and LeaseLost, a dry run Cancelled as well; ``keep`` has what settled before.
    """
    told = SettledRows(keep)
    partly = False
    wanted = [ObjectRef("collection", slug, slug) for slug in dict.fromkeys(slugs)]
    for number, ref in enumerate(wanted):
        try:
            report.progress(number, len(wanted), ref.id)
            result = operation(ref.id)
        except (JobTimeout, LeaseLost):
            raise
        except Cancelled as error:
            if dry_run:
                raise
            told.fail(wanted, error)
            break
        except DomainError as error:
            told.fail([ref], error)
        else:
            told.settle([Row(ref, result.item_outcome, result.code, detail=result.to_json())])
            partly = partly or result.job_status is JobStatus.PARTIAL
            if result.job_status is JobStatus.CANCELLED:
                told.fail(wanted, Cancelled())
                break
    rows = tuple(told.rows[ref.id] for ref in wanted)
    return BulkResult(rows, dry_run=dry_run, partly=partly, cancelled=told.cancelled)
