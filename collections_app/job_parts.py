"""Jobs over several collections, artifacts or deployments, each row kept as it settles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from collections_app.models import Artifact, Deployment
from collections_app.services.deploy_rows import artifact_label
from collections_app.services.many import each_collection
from collections_app.services.undeploying import deployment_ref
from skillmeat_site.core.jobs.parts import in_parts
from skillmeat_site.core.results import BulkResult, ObjectRef, Result

Work = Callable[[list[UUID]], BulkResult]


def collections_in_parts(
    ctx: Any, slugs: Sequence[str], operation: Callable[[str], Result], *, dry_run: bool
) -> BulkResult:
    def work(left: list[str]) -> BulkResult:
        return each_collection(left, operation, report=ctx, keep=ctx.keep_rows, dry_run=dry_run)

    return in_parts(ctx, [ObjectRef("collection", slug, slug) for slug in slugs], work)


def artifacts_in_parts(ctx: Any, ids: Sequence[UUID], work: Work) -> BulkResult:
    if ctx.dry_run:
        return work(list(ids))
    known = {row.pk: row for row in Artifact.objects.filter(pk__among=list(ids)).only("type", "name")}
    return _in_parts(ctx, [artifact_label(known.get(pk), pk) for pk in ids], work)


def deployments_in_parts(ctx: Any, ids: Sequence[UUID], work: Work) -> BulkResult:
    if ctx.dry_run:
        return work(list(ids))
    known = {row.pk: row for row in Deployment.objects.filter(pk__in=list(ids)).select_related("project")}
    refs = [deployment_ref(known[pk]) if pk in known else ObjectRef("deployment", str(pk)) for pk in ids]
    return _in_parts(ctx, refs, work)


def _in_parts(ctx: Any, refs: Sequence[ObjectRef], work: Work) -> BulkResult:
    return in_parts(ctx, refs, lambda left: work([UUID(pk) for pk in left]))
