"""How an artifact of a collection stands to its upstream: told by three content ids, stored nowhere."""

from __future__ import annotations

from enum import StrEnum


class ArtifactState(StrEnum):
    IN_SYNC = "in_sync"
    UPDATE_AVAILABLE = "update_available"
    LOCALLY_MODIFIED = "locally_modified"
    CONFLICT = "conflict"  # edited here and changed upstream
    MISSING = "missing"  # in the manifest, not on disk
    UNKNOWN = "unknown"  # no upstream, or it could not be read


def artifact_state(*, base: str, current: str, upstream: str) -> ArtifactState:
    """Return the state of what was imported as ``base``, is ``current`` on disk, and is ``upstream`` now.

    An empty id: nothing was imported, nothing is there, nothing is known. The rows' ``with_state()`` says the same in
    SQL (tested over all cases).
    """
    if not current:
        return ArtifactState.MISSING
    if not base:
        return ArtifactState.UNKNOWN
    if current in (upstream, base) and upstream in ("", current):
        return ArtifactState.IN_SYNC
    if upstream in ("", base):
        return ArtifactState.LOCALLY_MODIFIED
    return ArtifactState.UPDATE_AVAILABLE if current == base else ArtifactState.CONFLICT
