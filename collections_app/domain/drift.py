"""What has become of a deployment, told from three content ids: as deployed, on disk, in the collection."""

from __future__ import annotations

from enum import StrEnum


class DriftState(StrEnum):
    IN_SYNC = "in_sync"
    OUTDATED = "outdated"  # untouched in the project; the collection has something else
    MODIFIED = "modified"  # edited in the project; the collection has nothing new
    CONFLICT = "conflict"  # both
    MISSING = "missing"  # gone from the project
    UNKNOWN = "unknown"  # there is nothing to compare with


DRIFTED = (DriftState.MODIFIED, DriftState.CONFLICT, DriftState.MISSING)
"""Somebody or something was at it in the project."""


def drift_state(
    *, deployed: str | None, on_disk: str | None, in_collection: str | None, readable: bool = True
) -> DriftState:
    """The state; total over all combinations.

    ``deployed`` is None for a record of SkillMeat 1.x, which has no such id; ``on_disk`` where nothing is left;
    ``in_collection`` where the artifact is gone from there. ``readable``: whether the disk could be looked at.
    What is on disk counts before how it came there: equal to the collection is in sync, whatever is recorded.
    """
    if not readable:
        return DriftState.UNKNOWN
    if on_disk is None:
        return DriftState.MISSING
    if on_disk == in_collection:
        return DriftState.IN_SYNC
    if deployed is None:
        return DriftState.UNKNOWN
    if on_disk == deployed:
        return DriftState.UNKNOWN if in_collection is None else DriftState.OUTDATED
    return DriftState.MODIFIED if in_collection in (None, deployed) else DriftState.CONFLICT
