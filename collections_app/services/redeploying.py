"""Keeping deployments up to date when their artifact is imported anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import structlog

from collections_app.domain.deploy_plan import Found, Presence
from collections_app.models import Deployment, Project
from collections_app.services.deploy_rows import Settled
from collections_app.services.deploy_sources import read_source
from collections_app.services.deployed_view import Known, key_of, read_view
from collections_app.services.deploying import DeployOptions, deploy_sources
from collections_app.services.homes import limits
from collections_app.services.project_holding import HeldProject, check_project, held_project
from collections_app.services.settled_rows import STOPS
from collections_app.store.project_disk import ProjectDisk
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.reporting import Report

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Redeployed:
    """``kept_modified``: ``project:target`` of each that was edited, and stays as it is."""

    restored: int = 0
    kept_modified: tuple[str, ...] = ()


def redeploy_clean(artifact_id: UUID, *, was: str, actor: Actor, report: Report, job_id: UUID | None) -> Redeployed:
    """Bring the deployments of an artifact that nobody has edited to what the collection has now.

    ``was``: the content id that the collection had before; what SkillMeat 1.x deployed, whose record has none, is
    compared with that. Edited ones stay and are named; missing ones stay missing. A project that cannot be changed
    now is logged and keeps what it has: its deployments are ``outdated``. Raises LeaseLost and what stops a job.
    """

    def follow(row: Deployment) -> bool | None:
        with held_project(row.project_id, report) as held:
            return _redeploy(held, row, was, actor, job_id)

    return _following(artifact_id, follow)


def would_follow(artifact_id: UUID, *, was: str, new: str) -> Redeployed:
    """What ``redeploy_clean`` would come to once the collection has ``new``. Takes no lease, changes nothing."""

    def follow(row: Deployment) -> bool | None:
        known, found = _recorded(row.project, row)
        return None if known is None else _is_clean(known, found, was, new)

    return _following(artifact_id, follow)


def _following(artifact_id: UUID, follow: Callable[[Deployment], bool | None]) -> Redeployed:
    rows = Deployment.objects.filter(artifact_id=artifact_id).select_related("project", "artifact__collection")
    restored = 0
    kept: list[str] = []
    for row in rows.order_by("project__path", "profile"):
        try:
            outcome = follow(row)
        except STOPS:
            raise
        except DomainError as error:
            log.warning("deployment.not_followed", deployment=str(row.pk), code=error.code, detail=error.detail)
            continue
        restored += outcome is True
        if outcome is False:
            kept.append(f"{row.project.name}:{row.target}")
    return Redeployed(restored, tuple(kept))


def _recorded(project: Project, row: Deployment) -> tuple[Known | None, Found]:
    """What the project records of a deployment, and what is there; None for what is no deployment of it any more."""
    key = key_of(row)
    view = read_view(project)
    known = view.known.get(key) if key else None
    if known is None or row.artifact is None or known.artifact_id != row.artifact_id:
        return None, Found(Presence.ABSENT)
    with ProjectDisk(check_project(project.path), limits=limits()) as disk:
        place = view.merged_file(disk, known.key.kind) if known.merged else None
        found = place.look(known.key) if place else disk.look(known.recorded.path)
    return (None if found.presence is Presence.ABSENT else known), found


def _is_clean(known: Known, found: Found, was: str, new: str) -> bool:
    return found.partial or found.oid in (known.recorded.oid or was, new)


def _redeploy(held: HeldProject, row: Deployment, was: str, actor: Actor, job_id: UUID | None) -> bool | None:
    """Whether one deployment follows; None where it is gone, or was no deployment of the artifact any more."""
    known, found = _recorded(held.row, row)
    if known is None or row.artifact is None:
        return None
    source = read_source(row.artifact)
    if not _is_clean(known, found, was, source.oid):
        return False
    # What a record of 1.x deployed was compared with ``was`` just now; the swap proves that it is still the same.
    options = DeployOptions(known.key.profile, force=known.recorded.oid is None)
    told: dict[UUID, Settled] = {}
    deploy_sources(held, [source], options, actor, job_id, told.update)
    settled = told[row.artifact.pk]
    if settled.code:
        log.warning("deployment.not_followed", deployment=str(row.pk), code=settled.code, detail=settled.message)
        return None
    return True
