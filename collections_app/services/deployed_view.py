"""What is deployed in a project: its own records on disk, and the rows that index them.

A record that is there is the truth; rows say the same after each change. Where a record is gone as a whole, the rows
stand, and the next change writes it anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models import Q
from django.utils import timezone

from collections_app.domain.deploy_plan import Key, Presence, Recorded
from collections_app.domain.deploy_targets import Profile
from collections_app.domain.deployed_record import Deployed, DeployedFile, parse_deployed
from collections_app.domain.deployed_writer import dump_deployed
from collections_app.domain.merge_types import Container, OwnedKey
from collections_app.domain.merged_files import MERGE_PROFILE, PATHS, MergedFile, is_merged
from collections_app.domain.names import MAX_NAME
from collections_app.domain.types import ArtifactKind, ArtifactRef
from collections_app.errors import DiskDenied, PathBlocked, UnsafeLink
from collections_app.models import Artifact, Deployment, Project
from collections_app.services.homes import limits
from collections_app.store.project_disk import ProjectDisk
from skillmeat_site.core.errors import DomainError, LimitExceeded
from skillmeat_site.core.text import storable

_BLOCKED: Mapping[type[DomainError], Presence] = {
    UnsafeLink: Presence.LINKED_PARENT,
    LimitExceeded: Presence.INVALID,
}


@dataclass(frozen=True, slots=True)
class Known:
    """A deployment: what the record says, the row's id, and the artifact that it came from, if that is still there."""

    key: Key
    deployed: Deployed
    id: uuid.UUID
    artifact_id: uuid.UUID | None

    @property
    def merged(self) -> bool:
        return is_merged(self.key.kind, self.deployed.project_path)

    @property
    def recorded(self) -> Recorded:
        """In the words of the plan."""
        return Recorded(self.key, self.deployed.project_path, self.deployed.content_oid, self.deployed.collection)


@dataclass(frozen=True, slots=True)
class RecordFile:
    """``raw`` None: there is no such file."""

    raw: bytes | None
    file: DeployedFile


Records = Mapping[Profile, RecordFile]
_Origin = tuple[str, str, str, str]
"""Type, name, collection and recorded id of an artifact."""


@dataclass(slots=True)
class View:
    """A project's deployments, by key; ``rows``: what the database has of them at this moment."""

    project: Project
    records: dict[Profile, RecordFile]
    known: dict[Key, Known]
    rows: dict[Key, Deployment]

    def advance(self, later: View) -> None:
        """Be as a view that was read later."""
        self.records, self.known, self.rows = later.records, later.known, later.rows

    def merged_file(self, disk: ProjectDisk, kind: ArtifactKind) -> MergedFile:
        """The file that this kind is merged into, as it is now; one that cannot be read is ``blocked``."""
        owned = {key: one.deployed.keys for key, one in self.known.items() if key.kind is kind and one.merged}
        containers = self.records[MERGE_PROFILE].file.containers.get(PATHS[kind], ())
        try:
            return MergedFile(kind, disk.read(PATHS[kind]), owned, containers)
        except (UnsafeLink, LimitExceeded, PathBlocked, DiskDenied) as error:
            reason = _BLOCKED.get(type(error), Presence.BLOCKED)
            return MergedFile(kind, None, owned, containers, reason)

    def record_of(
        self, profile: Profile, known: Mapping[Key, Known], containers: Mapping[str, tuple[Container, ...]]
    ) -> bytes | None:
        """The record with these deployments and containers; None where nothing is left to record."""
        file = replace(
            self.records[profile].file,
            deployments=tuple(one.deployed for key, one in known.items() if key.profile is profile),
            containers={path: made for path, made in containers.items() if made},
        )
        return None if file.empty else dump_deployed(file)


def read_view(project: Project) -> View:
    """Raises ManifestInvalid, FormatTooNew, UnsafePath for a record that is not understood, and as reading."""
    return _view(project, read_records(project.path))


def read_records(folder: str) -> Records:
    """What a project's records say, of every profile. Asks no database, so that any thread may call it.

    Raises as ``read_view``.
    """
    with ProjectDisk(Path(folder), limits=limits()) as disk:
        raw = {profile: disk.read(profile.record) for profile in Profile}
    return {
        profile: RecordFile(data, DeployedFile() if data is None else parse_deployed(data))
        for profile, data in raw.items()
    }


def rows_view(project: Project) -> View:
    """Only what the database says, for a project whose record cannot be read."""
    return _view(project, {profile: RecordFile(None, DeployedFile()) for profile in Profile})


def _view(project: Project, records: Records) -> View:
    (view,) = views_of([(project, records)])
    return view


def views_of(read: Sequence[tuple[Project, Records]]) -> list[View]:
    """The views of projects whose records were read. Two statements, however many projects."""
    rows: dict[Any, dict[Key, Deployment]] = {}
    registered = [project.pk for project, _ in read if project.pk is not None]
    if registered:
        deployed = Deployment.objects.filter(project__in=registered)
        for row in deployed.select_related("artifact__collection").order_by("pk"):
            if (key := key_of(row)) is not None:
                rows.setdefault(row.project_id, {})[key] = row
    artifacts = _artifacts(
        one for _, records in read for record in records.values() for one in record.file.deployments
    )
    return [
        View(project, dict(records), _known(records, rows.get(project.pk, {}), artifacts), rows.get(project.pk, {}))
        for project, records in read
    ]


def _known(
    records: Records, rows: Mapping[Key, Deployment], artifacts: Mapping[_Origin, uuid.UUID]
) -> dict[Key, Known]:
    known: dict[Key, Known] = {
        key: Known(key, deployed_of(row), row.pk, row.artifact_id)
        for key, row in rows.items()
        if records[key.profile].raw is None
    }
    for profile, record in records.items():
        for one in record.file.deployments:
            if one.profile is profile:
                key = Key(one.kind, one.name, profile)
                known_id = rows[key].pk if key in rows else uuid.uuid4()
                known[key] = Known(key, one, known_id, artifacts.get(_origin(one)))
    return dict(sorted(known.items(), key=lambda item: item[1].deployed.identity))


def _origin(one: Deployed) -> _Origin:
    return one.kind.value, one.name, one.collection, one.artifact_uuid or ""


def _artifacts(recorded: Iterable[Deployed]) -> dict[_Origin, uuid.UUID]:
    """The artifacts that records mean: by their id where it is known here, else by collection, type and name."""
    wanted = {_origin(one): one for one in recorded}
    if not wanted:
        return {}
    ids = {pk for one in wanted.values() if (pk := _uuid(one.artifact_uuid)) is not None}
    names = {one.name for one in wanted.values()}
    slugs = {one.collection for one in wanted.values()}
    rows = Artifact.objects.filter(Q(pk__in=ids) | Q(name__in=names, collection__slug__in=slugs))
    by_name: dict[tuple[str, ArtifactRef], uuid.UUID] = {}
    by_id: dict[uuid.UUID, str] = {}
    for artifact_id, slug, type_, name in rows.values_list("pk", "collection__slug", "type", "name"):
        by_name[slug, ArtifactRef(type_, name)] = artifact_id
        by_id[artifact_id] = type_
    found: dict[_Origin, uuid.UUID] = {}
    for origin, one in wanted.items():
        known = _uuid(one.artifact_uuid)
        if known is None or by_id.get(known) != one.kind.value:
            known = by_name.get((one.collection, ArtifactRef(one.kind.value, one.name)))
        if known is not None:
            found[origin] = known
    return found


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None


def key_of(row: Deployment) -> Key | None:
    """None for what a newer version has deployed."""
    try:
        return Key(ArtifactKind(row.type), row.name, Profile(row.profile))
    except ValueError:
        return None


def deployed_of(row: Deployment) -> Deployed:
    """What a record would say of a row."""
    root = f"{Profile(row.profile).root}/"
    path = row.target.removeprefix(root) if row.target.startswith(root) else f"../{row.target}"
    return Deployed(
        kind=ArtifactKind(row.type),
        name=row.name,
        collection=row.collection_slug,
        path=path,
        deployed_at=row.deployed_at,
        content_oid=row.content_oid or None,
        profile=Profile(row.profile),
        artifact_uuid=row.artifact_id.hex if row.artifact_id else None,
        keys=owned_keys(row),
    )


def owned_keys(row: Deployment) -> tuple[OwnedKey, ...]:
    """The keys of a merged file that are a deployment's."""
    return tuple(OwnedKey(**{**key, "beside": tuple(key["beside"])}) for key in row.ownership.get("keys", []))


def write_rows(view: View, after: Mapping[Key, Known]) -> None:
    """Let the rows say what ``after`` says. Call it in the transaction that is the change's commit point."""
    now = timezone.now()
    gone = [row.pk for key, row in view.rows.items() if key not in after]
    if gone:
        Deployment.objects.filter(pk__in=gone).delete()
    new: list[Deployment] = []
    changed: list[Deployment] = []
    for key, one in after.items():
        row = view.rows.get(key)
        columns = _columns(one, now)
        if row is None:
            row = Deployment(id=one.id, project=view.project, **columns)
            new.append(row)
        elif any(getattr(row, name) != value for name, value in columns.items() if name != "updated_at"):
            for name, value in columns.items():
                setattr(row, name, value)
            changed.append(row)
    Deployment.objects.bulk_create(new)
    if changed:
        Deployment.objects.bulk_update(changed, list(_columns(next(iter(after.values())), now)))


def _columns(one: Known, now: datetime) -> dict[str, Any]:
    deployed = one.deployed
    return {
        "artifact_id": one.artifact_id,
        "profile": deployed.profile.value,
        "type": deployed.kind.value,
        "name": storable(deployed.name)[:MAX_NAME],
        "target": storable(deployed.project_path),
        "content_oid": (deployed.content_oid or "")[:40],
        "ownership": {
            "collection": deployed.collection,
            "keys": [{**asdict(key), "beside": list(key.beside)} for key in deployed.keys],
        },
        "deployed_at": deployed.deployed_at,
        "updated_at": now,
    }


def same_rows(view: View) -> bool:
    """Whether the rows say already what the records say."""
    return set(view.rows) == set(view.known) and all(
        getattr(view.rows[key], name) == value
        for key, one in view.known.items()
        for name, value in _columns(one, one.deployed.deployed_at).items()
        if name != "updated_at"
    )
