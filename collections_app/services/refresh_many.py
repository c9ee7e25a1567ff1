"""The same refresh for artifacts out of several collections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from collections_app.domain.refresh_options import RefreshOptions
from collections_app.services.artifacts import artifact_ref, artifacts_by_collection, missing_row
from collections_app.services.refreshing import refresh_collection
from collections_app.services.settled_rows import Keep, SettledRows, forget
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import BulkResult, JobStatus


def refresh_artifacts(
    ids: Sequence[UUID],
    options: RefreshOptions,
    *,
    actor: Actor,
    report: Report,
    job_id: UUID | None = None,
    keep: Keep = forget,
    dry_run: bool = False,
) -> BulkResult:
    """Refresh or check these artifacts, collection by collection; each row settles by itself.

    After a cancel the rest is deferred. Raises JobTimeout and LeaseLost, a dry run Cancelled as well; ``keep`` has
    what settled before.
    """
    groups = artifacts_by_collection(ids)
    told = SettledRows(keep)
    for slug, group in groups.items():
        chosen = replace(options.filters, ids=tuple(str(row.pk) for row in group))
        try:
            result = refresh_collection(
                slug, replace(options, filters=chosen), actor=actor, report=report, job_id=job_id, dry_run=dry_run
            )
        except (JobTimeout, LeaseLost):
            raise
        except Cancelled as error:
            if dry_run:
                raise
            told.fail((artifact_ref(row) for rows in groups.values() for row in rows), error)
            break
        except DomainError as error:
            told.fail((artifact_ref(row) for row in group), error)
        else:
            told.settle(result.rows)
            if result.job_status is JobStatus.CANCELLED:
                told.fail((artifact_ref(row) for rows in groups.values() for row in rows), Cancelled())
                break
    rows = tuple(told.rows.get(str(pk)) or missing_row(pk) for pk in dict.fromkeys(ids))
    return BulkResult(rows, dry_run=dry_run, cancelled=told.cancelled)
