"""Stub: written by the deployments helper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from skillmeat_site.core.actor import Actor
from skillmeat_site.core.reporting import Report


@dataclass(frozen=True, slots=True)
class Redeployed:
    restored: int = 0
    kept_modified: tuple[str, ...] = ()


def deployments_of(artifacts: Sequence[UUID]) -> Mapping[str, Sequence[UUID]]:
    return {}


def forget_deployments(ids: Sequence[UUID], *, actor: Actor, report: Report) -> tuple[str, ...]:
    return ()


def redeploy_clean(artifact_id: UUID, *, was: str, actor: Actor, report: Report, job_id: UUID | None) -> Redeployed:
    return Redeployed()
