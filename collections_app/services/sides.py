"""The places in which an artifact may be: upstream, as imported, in its collection, in projects. Read, never written.

A side that cannot be read says why, and the others stand all the same. Hooks and servers are compared by what they
mean: the part of a file that is theirs, in one spelling.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collections_app.domain.json_merge import deployed_part
from collections_app.domain.merge_slots import owned_part, read_payload
from collections_app.domain.merged_files import KINDS, is_merged
from collections_app.domain.names import check_relative
from collections_app.domain.types import ArtifactKind
from collections_app.errors import ArtifactInvalid, BaseNotKept, UnsupportedTarget
from collections_app.models import Artifact, Deployment
from collections_app.services.bases import base_of
from collections_app.services.deployed_view import owned_keys
from collections_app.services.homes import history, home, limits
from collections_app.services.project_holding import check_project
from collections_app.store.content_ids import FileEntry, blob_oid
from collections_app.store.content_on_disk import content_of
from collections_app.store.history.differences import Diff, Load, disk_side, status_of
from collections_app.store.history.types import Change, Content
from collections_app.store.project_disk import ProjectDisk
from skillmeat_site.core.errors import DomainError, NotFound
from skillmeat_site.upstream.types import FileMode

COLLECTION, BASE, UPSTREAM, AS_DEPLOYED = "collection", "base", "upstream", "deployed"
PART_NAME = "what it says.json"
"""The path of a hook or server, which is no file but a part of one."""

Prepare = Callable[[Iterable[Content]], None]


@dataclass(frozen=True, slots=True)
class Side:
    """``contents``: by path, of an artifact that is one file by its name; empty where it is not there.

    ``name``: of one that is no well-known key; ``place``: where it is; both for people. ``problem``: why nothing is
    known of it. ``prepare`` fetches many contents at once before they are loaded one by one; it may raise DomainError.
    """

    key: str
    place: str
    name: str = ""
    contents: Mapping[str, Content] = field(default_factory=dict)
    load: Load = lambda path, content, limit: None
    problem: DomainError | None = None
    prepare: Prepare = lambda contents: None


def side(key: str, place: str, read: Callable[[], tuple[Mapping[str, Content], Load]], name: str = "") -> Side:
    """A side, or the reason why it cannot be read."""
    try:
        return Side(key, place, name, *read())
    except DomainError as error:
        return Side(key, place, name, problem=error)


def difference(old: Side, new: Side) -> tuple[Diff, Prepare]:
    """What differs between two sides, and what fetches the contents of some of it. Neither may have a problem."""
    changes = [
        Change(path, status_of(before, after), before, after)
        for path in sorted({*old.contents, *new.contents})
        if (before := old.contents.get(path)) != (after := new.contents.get(path))
    ]

    def prepare(contents: Iterable[Content]) -> None:
        wanted = dict.fromkeys(contents)
        for place in (old, new):
            held = set(place.contents.values())
            place.prepare([content for content in wanted if content in held])

    return Diff(changes, old.load, new.load), prepare


def in_memory(files: Mapping[str, tuple[FileMode, bytes]]) -> tuple[dict[str, Content], Load]:
    """Contents whose bytes are at hand."""
    contents = {path: Content(mode, blob_oid(data)) for path, (mode, data) in files.items()}

    def load(path: str, content: Content, limit: int) -> bytes | int | None:
        data = files[path][1]
        return len(data) if len(data) > limit else data

    return contents, load


def meaning_of(kind: ArtifactKind, name: str, data: bytes) -> tuple[dict[str, Content], Load]:
    """A hook or server by what it means. What is no such thing is told as the text it is."""
    try:
        payload = read_payload(KINDS[kind], name, data)
    except ArtifactInvalid:
        return in_memory({PART_NAME: (FileMode.FILE, data)})
    return _part(owned_part(payload.kind, payload.slots))


def _part(text: str) -> tuple[dict[str, Content], Load]:
    try:
        spelled = json.dumps(json.loads(text), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    except (ValueError, RecursionError):
        spelled = text
    return in_memory({PART_NAME: (FileMode.FILE, spelled.encode("utf-8", "backslashreplace"))})


def collection_side(artifact: Artifact) -> Side:
    """As it lies in the collection's folder now."""
    return side(COLLECTION, f"{artifact.collection.slug}/{artifact.path}", lambda: _in_collection(artifact))


def _in_collection(artifact: Artifact) -> tuple[Mapping[str, Content], Load]:
    folder = home().collection(artifact.collection.slug)
    kind = _kind(artifact)
    parts = check_relative(artifact.path)
    if kind in KINDS:
        with ProjectDisk(folder, limits=limits()) as disk:
            data = disk.read(artifact.path)
        if data is None:
            raise NotFound(f"{artifact.path}: nothing is there.")
        return meaning_of(kind, artifact.name, data)
    content = content_of(folder.joinpath(*parts), limits=limits())
    return _on_disk(folder.joinpath(*parts), content.files, own_name(artifact))


def own_name(artifact: Artifact) -> str:
    """What the file of an artifact that is one is called on every side, whatever it is called there."""
    return artifact.path.rpartition("/")[2]


def _on_disk(place: Path, files: Sequence[FileEntry], name: str) -> tuple[Mapping[str, Content], Load]:
    contents = {file.path or name: Content(FileMode(file.mode.value), file.oid) for file in files}
    if not files or files[0].path:
        return contents, disk_side(place)
    beside = disk_side(place.parent)
    return contents, lambda path, content, limit: beside(place.name, content, limit)


def base_side(artifact: Artifact) -> Side:
    """As it was imported, out of the history. Raises nothing."""
    return side(BASE, artifact.base_commit[:12], lambda: _stored(artifact, artifact.base_oid))


def _stored(artifact: Artifact, oid: str) -> tuple[Mapping[str, Content], Load]:
    kind = _kind(artifact)
    content = base_of(kind, oid)
    if content is None:
        raise BaseNotKept
    store = history()
    name = own_name(artifact)
    if kind in KINDS:
        return meaning_of(kind, artifact.name, store.read_content(content))
    files = store.content_files(content)
    sizes = {file.path or name: file.size for file in files}

    def load(path: str, file: Content, limit: int) -> bytes | int | None:
        inner = "" if not content.is_folder else path
        return sizes[path] if sizes[path] > limit else store.read_content(content, inner)

    return {file.path or name: Content(file.mode, file.oid) for file in files}, load


def as_deployed_side(row: Deployment) -> Side | None:
    """As it was when it was deployed, if the history still has that; artifact and collection are loaded with it."""
    artifact = row.artifact
    if artifact is None or artifact.kind is None or artifact.kind in KINDS:
        return None
    found = side(AS_DEPLOYED, "", lambda: _stored(artifact, row.content_oid))
    return None if found.problem else found


def deployed_side(row: Deployment) -> Side:
    """As it lies in the project now; its project and artifact are loaded with it."""
    return side(str(row.pk), row.target, lambda: _in_project(row), name=row.project.name)


def _in_project(row: Deployment) -> tuple[Mapping[str, Content], Load]:
    check_project(row.project.path)
    folder = Path(row.project.path)
    kind = ArtifactKind(row.type) if row.type in set(ArtifactKind) else None
    with ProjectDisk(folder, limits=limits()) as disk:
        if kind is not None and is_merged(kind, row.target):
            data = disk.read(row.target)
            beside = Deployment.objects.filter(project=row.project_id, type=row.type).exclude(pk=row.pk)
            others = [key for other in beside.order_by("pk") for key in owned_keys(other)]
            part = deployed_part(data, KINDS[kind], owned_keys(row), others)
            return _part(part) if part else in_memory({})
        content = disk.content(row.target)
    name = own_name(row.artifact) if row.artifact else row.target.rpartition("/")[2]
    return _on_disk(folder / row.target, content.files if content else (), name)


def _kind(artifact: Artifact) -> ArtifactKind:
    if artifact.kind is None:
        raise UnsupportedTarget(f"{artifact.type!a} is a type that nothing can be done with.")
    return artifact.kind
