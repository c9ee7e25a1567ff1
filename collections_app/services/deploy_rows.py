"""What became of each artifact that was to be deployed or undeployed, in the words of all faces."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from collections_app.domain.deploy_plan import Key, Reason
from collections_app.domain.drift import DriftState
from collections_app.models import Artifact, Project
from collections_app.services.deployed_view import Known
from skillmeat_site.core.errors import REGISTRY, DomainError, NotFound
from skillmeat_site.core.results import UNWELL, ItemOutcome, JobStatus, ObjectRef, Row

WORDS: Mapping[Reason, str] = {
    Reason.UNMANAGED: "Something that nobody deployed is there already; overwrite replaces it.",
    Reason.MODIFIED: "It has been edited in the project since it was deployed, and was kept.",
    Reason.TAKEN: "Another deployment has the place, or the name comes from another collection.",
    Reason.BLOCKED: "Something on the way to the target is no folder, or the target is no ordinary file.",
    Reason.UNSAFE_LINK: "Something on the way to the target is a link; it was not followed.",
    Reason.SETTINGS_INVALID: "The project's file cannot be merged into; it was left as it is.",
    Reason.NEEDS_PLUGIN: "It names its plugin's folder, which only the deployed plugin has.",
    Reason.UNSUPPORTED: "The profile has no place for artifacts of this type or name.",
    Reason.UNSAFE_PATH: "Its name is not safe in a project.",
    Reason.NOT_DEPLOYED: "There is no record of such a deployment.",
    Reason.UNKNOWN_CONTENT: "SkillMeat 1.x did not record what it deployed; it was kept. Force removes it.",
}


@dataclass(frozen=True, slots=True)
class Settled:
    """One artifact's end: where it is, or was to be, and why it is not.

    ``collection`` and ``content_oid``: what was to be deployed, for an end without a deployment (``known``).
    """

    project: Project
    key: Key | None
    outcome: ItemOutcome
    code: str = ""
    message: str = ""
    target: str = ""
    known: Known | None = None
    state: DriftState | None = None
    collection: str = ""
    content_oid: str = ""

    def row(self, ref: ObjectRef, artifact_id: uuid.UUID | None) -> Row:
        """As the row of a bulk result; its ``id`` is the deployment's, or what was asked for where there is none."""
        return Row(ref, self.outcome, self.code, self.message, self.shape(ref.id, artifact_id))

    def shape(self, asked: str, artifact_id: uuid.UUID | None) -> dict[str, Any]:
        deployed = self.known.deployed if self.known else None
        return {
            "id": str(self.known.id) if self.known else asked,
            "artifact_id": str(artifact_id) if artifact_id else None,
            "project": self.project.pk,
            "project_path": self.project.path,
            "profile": self.key.profile.value if self.key else None,
            "type": self.key.kind.value if self.key else None,
            "name": self.key.name if self.key else None,
            "collection": (deployed.collection if deployed else self.collection) or None,
            "target": self.target or (deployed.project_path if deployed else None),
            "content_oid": (deployed.content_oid if deployed else self.content_oid) or None,
            "state": self.state.value if self.state else None,
            "deployed_at": moment(deployed.deployed_at) if deployed else None,
        }


def moment(when: datetime) -> str:
    """A time as it stands in answers, and in the results that jobs keep."""
    return when.isoformat().replace("+00:00", "Z")


def refused(project: Project, key: Key | None, error: DomainError, target: str = "") -> Settled:
    """An expected error of one artifact."""
    return Settled(project, key, ItemOutcome.FAILED, error.code, error.detail, target)


def artifact_label(artifact: Artifact | None, pk: uuid.UUID) -> ObjectRef:
    return ObjectRef("artifact", str(pk), str(artifact) if artifact else "")


def unknown_row(type_: str, pk: uuid.UUID) -> Row:
    return Row(ObjectRef(type_, str(pk)), ItemOutcome.FAILED, NotFound.code, f"There is no {type_} {pk}.")


@dataclass(frozen=True, slots=True)
class OneResult:
    """The result of a job about one deployment."""

    row: Row
    dry_run: bool = False

    @property
    def job_status(self) -> JobStatus:
        return JobStatus.FAILED if self.row.outcome in UNWELL else JobStatus.SUCCEEDED

    @property
    def item_outcome(self) -> ItemOutcome:
        return self.row.outcome

    @property
    def code(self) -> str:
        return self.row.code

    def to_json(self) -> dict[str, Any]:
        shown = self.row.to_json()
        return {**shown, "dry_run": True} if self.dry_run else shown


def unwrap(row: Row) -> Row:
    """The row of the only object of an operation; one that did not come about is raised as the error it names."""
    if row.outcome in UNWELL or row.outcome is ItemOutcome.SKIPPED:
        kind = REGISTRY.get(row.code, DomainError)
        detail = row.detail or {}
        told = {key: detail[key] for key in ("target", "project", "name") if key in detail}
        if "type" in detail:  # a problem's own ``type`` says which problem it is
            told["artifact_type"] = detail["type"]
        raise kind(row.message, data={"outcome": row.outcome.value, **told})
    return row
