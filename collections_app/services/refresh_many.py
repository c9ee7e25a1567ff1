"""The same refresh for artifacts out of several collections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from collections_app.domain.refresh_options import RefreshOptions
from collections_app.models import Artifact
from collections_app.services.artifacts import missing_row
from collections_app.services.refreshing import refresh_collection
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import BulkResult, ItemOutcome, ObjectRef, Row


def refresh_artifacts(
    ids: Sequence[UUID],
    options: RefreshOptions,
    *,
    actor: Actor,
    report: Report,
    job_id: UUID | None = None,
    dry_run: bool = False,
) -> BulkResult:
    """Refresh or check these artifacts, collection by collection; each row settles by itself.

    Raises Cancelled, JobTimeout and LeaseLost: the rest was not begun.
    """
    groups: dict[str, list[Artifact]] = {}
    for artifact in Artifact.objects.filter(pk__among=list(ids)).select_related("collection").order_by("pk"):
        groups.setdefault(artifact.collection.slug, []).append(artifact)
    rows: dict[str, Row] = {}
    for slug, group in groups.items():
        chosen = replace(options.filters, ids=tuple(str(row.pk) for row in group))
        try:
            result = refresh_collection(
                slug, replace(options, filters=chosen), actor=actor, report=report, job_id=job_id, dry_run=dry_run
            )
        except (Cancelled, JobTimeout, LeaseLost):
            raise
        except DomainError as error:
            refs = (ObjectRef("artifact", str(row.pk), str(row)) for row in group)
            rows |= {ref.id: Row(ref, ItemOutcome.FAILED, error.code, error.detail) for ref in refs}
        else:
            rows |= {row.object.id: row for row in result.rows}
    return BulkResult(tuple(rows.get(str(pk)) or missing_row(pk) for pk in dict.fromkeys(ids)), dry_run=dry_run)
