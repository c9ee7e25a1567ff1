"""What stands in a collection where artifacts are due.

Looked at before the snapshot is taken: what somebody writes later is in none, and so is not replaced.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from collections_app.domain.manifest import ArtifactRecord
from collections_app.domain.names import artifact_path, check_relative
from collections_app.domain.types import ArtifactRef
from collections_app.errors import ManifestInvalid, NameTaken, UnsafeLink
from collections_app.services.homes import limits
from collections_app.store.content_ids import EMPTY_TREE
from collections_app.store.content_on_disk import content_oid
from collections_app.store.reader import read_files
from collections_app.store.transaction import WHATEVER, Expected
from skillmeat_site.core.errors import DomainError, LimitExceeded


@dataclass(frozen=True, slots=True)
class Seen:
    """``oid``: as a change has to expect it there. ``record``: what the manifest says of the artifact, if it does."""

    path: str
    oid: Expected
    record: ArtifactRecord | None = None

    @property
    def is_there(self) -> bool:
        return self.oid not in (None, EMPTY_TREE)

    @property
    def content_oid(self) -> str:
        """Empty where nothing is, or nothing that has an id."""
        return self.oid if self.is_there and isinstance(self.oid, str) else ""

    def refuse(self) -> None:
        """Raises NameTaken where something stands there: no manifest knows it, so nobody said that it may go."""
        if self.is_there:
            raise NameTaken(f"{self.path[:200]!r}: something stands there that no manifest knows.")


def look(
    folder: Path, refs: Iterable[ArtifactRef], *, tick: Callable[[], None]
) -> dict[ArtifactRef, Seen | DomainError]:
    """What stands at the place of each artifact of the collection in ``folder``, or why that cannot be told.

    A collection that is not there has nothing anywhere. Raises ManifestInvalid, and what ``tick`` raises.
    """
    manifest = read_files(folder).manifest if folder.exists() else None
    records = manifest.by_ref() if manifest else {}
    found: dict[ArtifactRef, Seen | DomainError] = {}
    for ref in refs:
        tick()
        record = records.get(ref)
        try:
            path = place_of(ref, record)
            found[ref] = Seen(path, what_is_at(folder, path), record)
        except DomainError as error:
            found[ref] = error
    return found


def place_of(ref: ArtifactRef, record: ArtifactRecord | None) -> str:
    """Where an artifact is, or is due. Raises ManifestInvalid for a type that is not imported, UnsafePath."""
    if ref.kind is None:
        raise ManifestInvalid(f"{ref.type} is no type that is imported.")
    return (record.path.rstrip("/") if record else "") or artifact_path(ref.kind, ref.name)


def what_is_at(folder: Path, path: str) -> Expected:
    """What stands at a path of a collection, as a change has to expect it: a content id, or None for nothing.

    ``WHATEVER`` for what has no id and is in the snapshot all the same (links that leave the artifact, too many
    files), so that a broken artifact can be replaced. Raises UnsafePath for a path that leads out, UnsafeLink where a
    folder on the way is a link, and what else cannot be read: a ``.git`` folder in an artifact, say, that no snapshot
    would hold.
    """
    parts = check_relative(path)
    for depth in range(1, len(parts)):
        if folder.joinpath(*parts[:depth]).is_symlink():
            raise UnsafeLink(f"{'/'.join(parts[:depth])}: a folder on the way is a link.")
    place = folder.joinpath(*parts)
    if not os.path.lexists(place):
        return None
    try:
        return content_oid(place, limits=limits())
    except (UnsafeLink, LimitExceeded):
        return WHATEVER
