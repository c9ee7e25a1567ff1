"""Artifacts whose names the index cannot tell apart: it holds less of a name than a file may say."""

from __future__ import annotations

from collections.abc import Sequence, Sized

from collections_app.domain.manifest import MANIFEST_NAME
from collections_app.domain.names import MAX_NAME, stored_ref
from collections_app.domain.types import ArtifactRef, Problem
from collections_app.errors import ManifestInvalid, NameTaken
from collections_app.store.reader import Found


def doubles_of(artifacts: Sequence[Found], names: Sized) -> dict[ArtifactRef, Problem]:
    """The artifacts that cannot be in the index, as another one has their name there; ``names`` are all those there.

    A name that is stored as it is comes before one that is not, and what a record names before what merely lies on
    disk: the row that an artifact has had is not another one's from one day to the next.
    """
    if len(names) == len(artifacts):  # nearly always
        return {}
    holders: dict[ArtifactRef, Found] = {}
    doubles: dict[ArtifactRef, Problem] = {}
    for found in sorted(artifacts, key=lambda found: (found.record is None, stored_ref(found.ref) != found.ref)):
        holder = holders.setdefault(stored_ref(found.ref), found)
        if holder is not found:
            code = ManifestInvalid.code if found.record else NameTaken.code
            detail = (
                f"{MANIFEST_NAME}: {found.path[:200]!a} has the name of {holder.path[:200]!a}; "
                f"{MAX_NAME} characters of a name count, and no U+0000"
            )
            doubles[found.ref] = Problem(code, detail, found.path)
    return doubles
