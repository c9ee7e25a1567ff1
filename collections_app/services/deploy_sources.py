"""What is to be deployed, read from the collection's folder: the files are the truth, the index may lag behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from collections_app.domain.merge_slots import Payload, needs_plugin, read_payload
from collections_app.domain.merged_files import KINDS
from collections_app.domain.names import check_relative
from collections_app.domain.types import ArtifactKind
from collections_app.errors import PathBlocked, UnsupportedTarget
from collections_app.models import Artifact
from collections_app.services.homes import home, limits
from collections_app.store.content_on_disk import content_of
from collections_app.store.project_disk import ProjectDisk


@dataclass(frozen=True, slots=True)
class Source:
    """An artifact as it is in its collection now.

    ``oid``: what a deployment of it is compared by: the content id, of a hook or server that of its payload.
    """

    artifact: Artifact
    kind: ArtifactKind
    path: Path
    oid: str
    payload: Payload | None = None
    needs_plugin: bool = False

    @property
    def collection(self) -> str:
        return self.artifact.collection.slug


def read_source(artifact: Artifact) -> Source:
    """Read an artifact, whose collection is loaded with it.

    No lease is taken: whoever copies the files states the id that was read here, so that a mixture of old and new is
    refused. Raises UnsupportedTarget for a type that this version only keeps, NotFound where the files are gone,
    ArtifactInvalid, and what ``content_of`` raises.
    """
    kind = artifact.kind
    if kind is None:
        raise UnsupportedTarget(f"{artifact.type!a} is a type that nothing can be done with.")
    folder = home().collection(artifact.collection.slug)
    path = folder.joinpath(*check_relative(artifact.path))
    if kind in KINDS:
        content_of(path, limits=limits())  # refuses what is missing, a link or no file
        with ProjectDisk(folder, limits=limits()) as disk:
            data = disk.read(artifact.path) or b""
        payload = read_payload(KINDS[kind], artifact.name, data)
        return Source(artifact, kind, path, payload.oid, payload, needs_plugin(data))
    content = content_of(path, limits=limits())
    if content.is_folder != kind.is_folder:
        raise PathBlocked(f"{artifact.path}: a {'folder' if kind.is_folder else 'file'} is due there.")
    return Source(artifact, kind, path, content.oid)
