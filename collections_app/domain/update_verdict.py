"""Under which counter of a check an artifact stands. Pure."""

from __future__ import annotations

from enum import StrEnum

from collections_app.domain.artifact_state import ArtifactState
from collections_app.domain.refresh_plan import Failure, Mine, Theirs, state_of


class Verdict(StrEnum):
    """Each artifact has exactly one."""

    UPDATE = "updates_available"
    UP_TO_DATE = "up_to_date"
    SKIPPED = "skipped"
    ERROR = "errors"


def verdict(mine: Mine, theirs: Theirs | Failure | None) -> Verdict:
    """A failure is never taken for up to date, and a pinned artifact is no update."""
    if mine.problem is not None or isinstance(theirs, Failure):
        return Verdict.ERROR
    if theirs is None:
        return Verdict.SKIPPED
    match state_of(mine, theirs):
        case ArtifactState.IN_SYNC | ArtifactState.LOCALLY_MODIFIED:
            return Verdict.UP_TO_DATE
        case ArtifactState.UPDATE_AVAILABLE | ArtifactState.CONFLICT:
            return Verdict.SKIPPED if mine.is_pinned else Verdict.UPDATE
        case _:
            return Verdict.SKIPPED
