"""How the services of collections run as jobs, and what runs by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from collections_app.deploy_jobs import bulk_deploy, bulk_undeploy, deploy, undeploy_one  # noqa: F401 - found here
from collections_app.domain.artifact_edit import ArtifactEdit
from collections_app.errors import CollectionBusy
from collections_app.job_parts import artifacts_in_parts, collections_in_parts
from collections_app.refresh_jobs import apply, bulk_refresh, refresh, refresh_artifacts, rollback  # noqa: F401 - found here
from collections_app.services.artifacts import edit_artifacts, remove_artifacts
from collections_app.services.collections import delete_collection
from collections_app.services.index_results import IndexAllResult, IndexResult
from collections_app.services.indexing import index_collection, index_collections
from collections_app.services.recovery import prune_operations, recover_disk
from collections_app.services.results import Deleted, Restored, Retained, Taken
from collections_app.services.snapshots import apply_retention, restore_snapshot, snapshot_collection
from skillmeat_site.core.actor import SCHEDULER
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.jobs.registry import Params, job
from skillmeat_site.core.jobs.schedules import every
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import BulkResult, ItemOutcome, ObjectRef, Row
from skillmeat_site.core.startup import at_start

DAY = 60 * 24


def _collection_of(params: Params) -> ObjectRef:
    return ObjectRef("collection", str(params["slug"]), str(params["slug"]))


def _count_ids(params: Params) -> int:
    return len(params["ids"])


def _count_slugs(params: Params) -> int:
    return len(params["slugs"])


def _only_these(params: Params, ids: Sequence[str]) -> dict[str, Any]:
    return {**params, "ids": list(ids)}


def _only_these_slugs(params: Params, ids: Sequence[str]) -> dict[str, Any]:
    return {**params, "slugs": list(ids)}


def _uuids(ids: Sequence[str]) -> tuple[list[UUID], list[Row]]:
    """The ids that are some, and rows for those that are not."""
    known, rows = [], []
    for text in dict.fromkeys(ids):
        try:
            known.append(UUID(text))
        except ValueError:
            detail = f"There is no artifact {text[:60]!r}."
            rows.append(Row(ObjectRef("artifact", text[:64]), ItemOutcome.FAILED, "not_found", detail))
    return known, rows


@job(
    "collections.edit",
    permission="collections_app.change_artifact",
    label=lambda params: f"Edit {len(params['ids'])} artifacts",
    busy=CollectionBusy,
    size=_count_ids,
    retry=_only_these,
)
def edit(ctx: Any, ids: Sequence[str], dry_run: bool = False, **said: Any) -> BulkResult:
    """``said``: pin, pin_reason, tags, add_tags, remove_tags, title."""
    wanted = ArtifactEdit.of(said)
    known, unknown = _uuids(ids)
    how = {"actor": ctx.actor, "report": ctx, "job_id": ctx.job_id, "keep": ctx.keep_rows}
    result = artifacts_in_parts(ctx, known, lambda left: edit_artifacts(left, wanted, **how, dry_run=dry_run))
    return replace(result, rows=(*result.rows, *unknown))


@job(
    "collections.remove",
    permission="collections_app.delete_artifact",
    label=lambda params: f"Remove {len(params['ids'])} artifacts",
    timeout=900,
    busy=CollectionBusy,
    size=_count_ids,
    retry=_only_these,
)
def remove(ctx: Any, ids: Sequence[str], dry_run: bool = False) -> BulkResult:
    known, unknown = _uuids(ids)
    how = {"actor": ctx.actor, "report": ctx, "job_id": ctx.job_id, "keep": ctx.keep_rows}
    result = artifacts_in_parts(ctx, known, lambda left: remove_artifacts(left, **how, dry_run=dry_run))
    return replace(result, rows=(*result.rows, *unknown))


@job(
    "collections.snapshot",
    permission="collections_app.add_snapshot",
    label="Snapshot of {target}",
    timeout=900,
    busy=CollectionBusy,
    target=_collection_of,
)
def snapshot(ctx: Any, slug: str, reason: str = "", dry_run: bool = False) -> Taken:
    return snapshot_collection(slug, reason=reason, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=dry_run)


@job(
    "collections.bulk_snapshot",
    permission="collections_app.add_snapshot",
    label=lambda params: f"Snapshots of {len(params['slugs'])} collections",
    queue="long",
    timeout=1800,
    busy=CollectionBusy,
    size=_count_slugs,
    retry=_only_these_slugs,
)
def bulk_snapshot(ctx: Any, slugs: Sequence[str], reason: str = "", dry_run: bool = False) -> BulkResult:
    def take(slug: str) -> Taken:
        return snapshot_collection(
            slug, reason=reason, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=dry_run
        )

    return collections_in_parts(ctx, slugs, take, dry_run=dry_run)


@job(
    "collections.restore",
    permission="collections_app.change_collection",
    label="Restore {target}",
    timeout=900,
    busy=CollectionBusy,
    target=_collection_of,
)
def restore(ctx: Any, slug: str, snapshot_id: str, dry_run: bool = False) -> Restored:
    return restore_snapshot(slug, snapshot_id, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=dry_run)


@job(
    "collections.index",
    permission="collections_app.refresh_collection",
    label="Index {target}",
    timeout=900,
    busy=CollectionBusy,
    target=_collection_of,
)
def index(ctx: Any, slug: str, dry_run: bool = False) -> IndexResult:
    return index_collection(slug, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=dry_run)


@job(
    "collections.index_all",
    permission="collections_app.refresh_collection",
    label=lambda params: f"Index {len(params['slugs'])} collections",
    queue="long",
    timeout=1800,
    busy=CollectionBusy,
    size=_count_slugs,
    retry=_only_these_slugs,
)
def index_all(ctx: Any, slugs: Sequence[str], dry_run: bool = False) -> IndexAllResult:
    return index_collections(slugs, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=dry_run)


@job(
    "collections.bulk_delete",
    permission="collections_app.delete_collection",
    label=lambda params: f"Delete {len(params['slugs'])} collections",
    queue="long",
    timeout=1800,
    busy=CollectionBusy,
    size=_count_slugs,
    retry=_only_these_slugs,
)
def bulk_delete(ctx: Any, slugs: Sequence[str], force: bool = False, dry_run: bool = False) -> BulkResult:
    def delete(slug: str) -> Deleted:
        return delete_collection(slug, force=force, actor=ctx.actor, report=ctx, job_id=ctx.job_id, dry_run=dry_run)

    return collections_in_parts(ctx, slugs, delete, dry_run=dry_run)


@job("collections.retention", label="Let old snapshots go", queue="long", timeout=900)
def retention(ctx: Any) -> Retained:
    return apply_retention(report=ctx)


@every(DAY, "collections.retention")
def retain_daily() -> Mapping[str, Any]:
    """Queue the retention, one at a time: a maintenance of the store may take its time."""
    if Job.objects.active().filter(kind=retention.kind).exists():
        return {"queued": 0}
    runner.enqueue(retention, {}, SCHEDULER)
    return {"queued": 1}


@every(DAY, "collections.prune")
def prune_daily() -> int:
    return prune_operations(timezone.now() - timedelta(days=1))


@at_start("collections.recover")
def recover() -> None:
    recover_disk()
