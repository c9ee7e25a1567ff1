"""How deploying and undeploying run as jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from collections_app.domain.deploy_targets import Profile
from collections_app.errors import ProjectBusy
from collections_app.job_parts import artifacts_in_parts, deployments_in_parts
from collections_app.models import Artifact, Deployment, Project
from collections_app.services.deploy_rows import OneResult, artifact_label, unwrap
from collections_app.services.deploying import DeployOptions, deploy_artifacts
from collections_app.services.projects import ensure_project, project_at
from collections_app.services.undeploying import UndeployOptions, deployment_ref, undeploy
from skillmeat_site.core.jobs.registry import Params, job
from skillmeat_site.core.results import BulkResult, ObjectRef


def _count_ids(params: Params) -> int:
    return len(params["ids"])


def _only_these(params: Params, ids: Sequence[str]) -> dict[str, Any]:
    return {**params, "ids": list(ids)}


def _artifact_of(params: Params) -> ObjectRef:
    pk = UUID(params["artifact"])
    return artifact_label(Artifact.objects.filter(pk=pk).first(), pk)


def _deployment_of(params: Params) -> ObjectRef:
    row = Deployment.objects.filter(pk=params["deployment"]).select_related("project").first()
    return deployment_ref(row) if row else ObjectRef("deployment", params["deployment"])


def _project(ctx: Any, path: str, *, dry_run: bool) -> Project:
    """The project at a path. A run registers it, a dry run only looks."""
    return project_at(path) if dry_run else ensure_project(path, actor=ctx.actor, report=ctx)


def _deploy(
    ctx: Any, ids: Sequence[UUID], project: str, profile: str, overwrite: bool, dry_run: bool, **more: Any
) -> BulkResult:
    return deploy_artifacts(
        _project(ctx, project, dry_run=dry_run),
        ids,
        options=DeployOptions(Profile(profile), overwrite=overwrite, dry_run=dry_run),
        actor=ctx.actor,
        report=ctx,
        job_id=ctx.job_id,
        **more,
    )


@job(
    "collections.deploy",
    permission="collections_app.deploy_artifact",
    label="Deploy {target}",
    timeout=900,
    busy=ProjectBusy,
    target=_artifact_of,
)
def deploy(
    ctx: Any,
    artifact: str,
    project: str,
    profile: str = Profile.CLAUDE_CODE.value,
    overwrite: bool = False,
    dry_run: bool = False,
) -> OneResult:
    """One artifact: what does not come about is the error of the job."""
    (row,) = _deploy(ctx, [UUID(artifact)], project, profile, overwrite, dry_run).rows
    return OneResult(row if dry_run else unwrap(row), dry_run)


@job(
    "collections.bulk_deploy",
    permission="collections_app.deploy_artifact",
    label=lambda params: f"Deploy {len(params['ids'])} artifacts",
    queue="long",
    timeout=1800,
    busy=ProjectBusy,
    size=_count_ids,
    retry=_only_these,
)
def bulk_deploy(
    ctx: Any,
    ids: Sequence[str],
    project: str,
    profile: str = Profile.CLAUDE_CODE.value,
    overwrite: bool = False,
    dry_run: bool = False,
) -> BulkResult:
    def work(left: list[UUID]) -> BulkResult:
        return _deploy(ctx, left, project, profile, overwrite, dry_run, keep=ctx.keep_rows)

    return artifacts_in_parts(ctx, [UUID(pk) for pk in ids], work)


@job(
    "collections.undeploy",
    permission="collections_app.deploy_artifact",
    label="Undeploy {target}",
    timeout=900,
    busy=ProjectBusy,
    target=_deployment_of,
)
def undeploy_one(ctx: Any, deployment: str, force: bool = False, dry_run: bool = False) -> OneResult:
    """One deployment: what is kept is the error of the job."""
    options = UndeployOptions(force, dry_run)
    result = undeploy([UUID(deployment)], options=options, actor=ctx.actor, report=ctx, job_id=ctx.job_id)
    (row,) = result.rows
    return OneResult(row if dry_run else unwrap(row), dry_run)


@job(
    "collections.bulk_undeploy",
    permission="collections_app.deploy_artifact",
    label=lambda params: f"Undeploy {len(params['ids'])} deployments",
    queue="long",
    timeout=1800,
    busy=ProjectBusy,
    size=_count_ids,
    retry=_only_these,
)
def bulk_undeploy(ctx: Any, ids: Sequence[str], force: bool = False, dry_run: bool = False) -> BulkResult:
    options = UndeployOptions(force, dry_run)
    how = {"actor": ctx.actor, "report": ctx, "job_id": ctx.job_id, "keep": ctx.keep_rows}
    return deployments_in_parts(ctx, [UUID(pk) for pk in ids], lambda left: undeploy(left, options=options, **how))
