"""What has become of deployments, from three content ids: as deployed, in the project, in the collection.

Asks no network and writes nothing, not even a time; each deployed thing is read once.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils import timezone

from collections_app.domain.deploy_plan import ABSENT, Found, Key, Presence
from collections_app.domain.drift import DriftState, drift_state
from collections_app.domain.merge_types import OwnedKey
from collections_app.domain.merged_files import KINDS, PATHS, MergedFile, is_merged
from collections_app.errors import FormatTooNew, ManifestInvalid, UnsafePath
from collections_app.models import Artifact, Deployment, Project
from collections_app.services.deploy_sources import read_source
from collections_app.services.deployed_view import Known, deployed_of, key_of, read_view, rows_view
from collections_app.services.homes import limits
from collections_app.services.project_holding import check_project
from collections_app.store.project_disk import ProjectDisk
from skillmeat_site.core.errors import DomainError

EDITED = "edited"
"""Stands for an id where something is there that has none: a link, a folder with links that lead out."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """One deployment with its three ids; None for nothing there. ``code``: why the disk could not be looked at."""

    known: Known
    state: DriftState
    disk_oid: str | None
    collection_oid: str | None
    code: str = ""

    def to_json(self, project: Project) -> dict[str, Any]:
        deployed = self.known.deployed
        return {
            "id": str(self.known.id),
            "artifact_id": str(self.known.artifact_id) if self.known.artifact_id else None,
            "project": project.pk,
            "project_path": project.path,
            "profile": deployed.profile.value,
            "type": deployed.kind.value,
            "name": deployed.name,
            "collection": deployed.collection,
            "target": deployed.project_path,
            "content_oid": deployed.content_oid,
            "project_oid": self.disk_oid,
            "collection_oid": self.collection_oid,
            "state": self.state.value,
            "deployed_at": deployed.deployed_at,
            "code": self.code or None,
        }


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All deployments of a project. ``problem``: the record cannot be read, and only the database was asked."""

    project: Project
    rows: tuple[Drifted, ...]
    problem: DomainError | None = None

    @property
    def summary(self) -> dict[str, int]:
        counted = Counter(row.state for row in self.rows)
        return {**{state.value: counted[state] for state in DriftState}, "total": len(self.rows)}

    @property
    def in_sync(self) -> bool:
        return all(row.state is DriftState.IN_SYNC for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        problem = {"code": self.problem.code, "detail": self.problem.detail} if self.problem else None
        return {
            "project_id": self.project.pk,
            "project_path": self.project.path,
            "checked_at": timezone.now(),
            "results": [row.to_json(self.project) for row in self.rows],
            "summary": self.summary,
            "problem": problem,
        }


def drift_of(project: Project) -> DriftReport:
    """The state of everything that is deployed in a project, as its record says; registered or not.

    Raises PathNotAllowed, ProjectMissing.
    """
    check_project(project.path)
    problem: DomainError | None = None
    try:
        view = read_view(project)
    except (ManifestInvalid, FormatTooNew, UnsafePath) as error:
        view, problem = rows_view(project), error
    return DriftReport(project, tuple(_drifted(project, list(view.known.values()))), problem)


def states_of(rows: Iterable[Deployment]) -> dict[uuid.UUID, DriftState]:
    """The states of deployments, whose project and artifact are loaded with them. One statement, however many."""
    wanted = list(rows)
    projects = {row.project_id: row.project for row in wanted}
    # Whose keys are whose can only be told with all keys of a file at hand.
    beside = Deployment.objects.filter(project_id__in=projects, type__in=[kind.value for kind in KINDS])
    everyone = {row.pk: row for row in (*beside.select_related("artifact__collection"), *wanted)}
    states = dict.fromkeys((row.pk for row in wanted), DriftState.UNKNOWN)
    artifacts = {row.artifact_id: row.artifact for row in everyone.values() if row.artifact is not None}
    for pk, project in projects.items():
        known = [one for row in everyone.values() if row.project_id == pk and (one := _known(row)) is not None]
        only = {row.pk for row in wanted if row.project_id == pk}
        try:
            check_project(project.path)
            states |= {row.known.id: row.state for row in _drifted(project, known, artifacts, only)}
        except DomainError:
            continue  # it cannot be looked at
    return states


def _known(row: Deployment) -> Known | None:
    key = key_of(row)
    return Known(key, deployed_of(row), row.pk, row.artifact_id) if key else None


def _drifted(
    project: Project,
    known: Sequence[Known],
    artifacts: Mapping[Any, Artifact] | None = None,
    only: set[uuid.UUID] | None = None,
) -> list[Drifted]:
    if artifacts is None:
        artifacts = artifacts_of(known)
    oids = {pk: collection_oid(artifact) for pk, artifact in artifacts.items()}
    with ProjectDisk(Path(project.path), limits=limits()) as disk:
        return look_at(disk, known, oids, only)


def artifacts_of(known: Iterable[Known]) -> dict[Any, Artifact]:
    """The artifacts that deployments came from, as ``collection_oid`` takes them."""
    ids = {one.artifact_id for one in known if one.artifact_id}
    return Artifact.objects.select_related("collection").in_bulk(list(ids)) if ids else {}


def collection_oid(artifact: Artifact) -> str | None:
    """What the collection's folder holds of an artifact now; None where nothing can be read. Asks no database."""
    try:
        return read_source(artifact).oid
    except DomainError:
        return None


def look_at(
    disk: ProjectDisk,
    known: Sequence[Known],
    collection_oids: Mapping[Any, str | None],
    only: set[uuid.UUID] | None = None,
) -> list[Drifted]:
    """The states of deployments in a project. Asks no database, so that any thread may call it.

    ``known`` are all of the project, for whose keys are whose in a merged file can only be told with all at hand.
    """
    look = _Looker(disk, known)
    return [
        look.drifted(one, collection_oids.get(one.artifact_id) if one.artifact_id else None)
        for one in known
        if only is None or one.id in only
    ]


class _Looker:
    """Looks at deployments of one project; the merged files are read once."""

    def __init__(self, disk: ProjectDisk, known: Sequence[Known]) -> None:
        self._disk = disk
        self._files: dict[str, MergedFile | DomainError] = {}
        self._owned: dict[str, dict[Key, tuple[OwnedKey, ...]]] = {path: {} for path in PATHS.values()}
        for one in known:
            if one.merged:
                self._owned[one.recorded.path][one.key] = one.deployed.keys

    def drifted(self, one: Known, in_collection: str | None) -> Drifted:
        try:
            found = self._look(one)
        except DomainError as error:
            return Drifted(one, DriftState.UNKNOWN, None, in_collection, error.code)
        if found.presence in (Presence.INVALID, Presence.LINKED_PARENT):
            code = "settings_invalid" if found.presence is Presence.INVALID else "unsafe_link"
            return Drifted(one, DriftState.UNKNOWN, None, in_collection, code)
        gone = found.presence in (Presence.ABSENT, Presence.BLOCKED)
        state = drift_state(
            deployed=one.deployed.content_oid,
            on_disk=None if gone else found.oid or EDITED,
            in_collection=in_collection,
        )
        return Drifted(one, state, found.oid, in_collection)

    def _look(self, one: Known) -> Found:
        if not is_merged(one.key.kind, one.recorded.path):
            return self._disk.look(one.recorded.path)
        file = self._file(one)
        if isinstance(file, DomainError):
            raise file
        return file.look(one.key) if one.deployed.keys else ABSENT

    def _file(self, one: Known) -> MergedFile | DomainError:
        path = one.recorded.path
        if path not in self._files:
            try:
                self._files[path] = MergedFile(one.key.kind, self._disk.read(path), self._owned[path], ())
            except DomainError as error:
                self._files[path] = error
        return self._files[path]
