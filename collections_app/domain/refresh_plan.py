"""What a refresh does with one artifact: which content it takes, which fields, and why not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from collections_app.domain.artifact_document import NOTHING_TOLD, Told
from collections_app.domain.artifact_state import ArtifactState, artifact_state
from collections_app.domain.manifest import ArtifactRecord
from collections_app.domain.refresh_fields import FieldChanges, Written, plan_fields
from collections_app.domain.refresh_options import RefreshMode, RefreshOptions, Strategy
from collections_app.domain.types import ArtifactRef, Problem
from skillmeat_site.core.errors import Cancelled, DomainError
from skillmeat_site.core.results import ItemOutcome

CONTENT = "content"
"""Stands among the changes of an artifact that takes new files; its values are content ids."""
PATH = "path"
"""Stands among the changes of an artifact whose record follows a move; its values are paths upstream."""
BASE = "base"
"""Stands among the changes of an artifact whose copy here is upstream's new version already; its values are content
ids: what the record said it was imported with, and what it is.
"""


class Status(StrEnum):
    REFRESHED = "refreshed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    ERROR = "error"


class Why(StrEnum):
    """Codes of rows that are no errors of their own."""

    NO_UPSTREAM = "no_upstream"
    PINNED = "pinned"
    MISSING = "missing"
    MOVED = "moved_upstream"
    EDITED = "locally_modified"
    CONFLICT = "conflict"


class Repo(NamedTuple):
    """A repository at a ref: what is asked about at once."""

    url: str
    ref: str


def repo_of(record: ArtifactRecord) -> Repo:
    """Its ref is the pin, else what was asked for at import; "" is the default branch."""
    ref = record.pin or record.version_spec or ""
    return Repo(record.upstream or "", "" if ref == "latest" else ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """An artifact as the collection has it. ``record`` None: no manifest knows it. ``current`` "": no files."""

    id: str
    ref: ArtifactRef
    path: str
    record: ArtifactRecord | None
    current: str
    problem: Problem | None = None
    written: Written = field(default_factory=Written)

    @property
    def base(self) -> str:
        return (self.record.base_oid or "") if self.record else ""

    @property
    def repo(self) -> Repo:
        """What is looked at. Only means something where it ``has_upstream``."""
        return repo_of(self.record) if self.record else Repo("", "")

    @property
    def has_upstream(self) -> bool:
        return bool(
            self.record and self.record.upstream and self.record.upstream_path and self.ref.kind and not self.problem
        )

    @property
    def upstream_path(self) -> str:
        return (self.record.upstream_path or "") if self.record else ""

    @property
    def is_pinned(self) -> bool:
        return bool(self.record and self.record.pin)


@dataclass(frozen=True, slots=True)
class Theirs:
    """An artifact as upstream has it at ``commit``. ``license`` is the repository's, for one that names none.

    ``moved_to``: where it is now, if that is not where the record says; else empty.
    """

    oid: str
    commit: str
    told: Told = NOTHING_TOLD
    license: str = ""
    moved_to: str = ""

    @property
    def says(self) -> Told:
        if not self.license or self.told.fields.get("license"):
            return self.told
        return self.told._replace(fields={**self.told.fields, "license": self.license})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why upstream cannot be told. ``deferred``: nobody has asked, because of a limit."""

    code: str
    detail: str
    deferred: bool = False

    @classmethod
    def of(cls, error: DomainError) -> Failure:
        return cls(error.code, error.detail_until, error.defers)


class Step(StrEnum):
    """What becomes of the files."""

    LEAVE = "leave"
    SETTLE = "settle"  # they are upstream's already: only the record does not know yet
    TAKE = "take"
    MERGE = "merge"

    @property
    def writes_files(self) -> bool:
        return self in (Step.TAKE, Step.MERGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """``oid``: what the content will be, unless the step is to leave it. ``follow``: the record's new place upstream,
    where it gets one.
    """

    mine: Mine
    status: Status
    theirs: Theirs | None = None
    step: Step = Step.LEAVE
    oid: str = ""
    follow: str = ""
    fields: FieldChanges = field(default_factory=FieldChanges)
    code: str = ""
    reason: str = ""
    deferred: bool = False
    conflicts: tuple[Mapping[str, Any], ...] = ()

    @property
    def outcome(self) -> ItemOutcome:
        if self.code == Why.CONFLICT:
            return ItemOutcome.CONFLICT
        if self.deferred:
            return ItemOutcome.DEFERRED
        return _OUTCOMES[self.status]

    @property
    def changes(self) -> bool:
        return self.status is Status.REFRESHED

    def merged(self, oid: str) -> Planned:
        """The merge came out as this content."""
        return replace(self, oid=oid)

    def in_conflict(self, reason: str, conflicts: tuple[Mapping[str, Any], ...] = ()) -> Planned:
        """The merge did not come out: the files and the record stay as they are."""
        return self.failed(Why.CONFLICT, reason, conflicts=conflicts)

    def failed_by(self, error: DomainError) -> Planned:
        """As ``failed``; where it is only not the time, or somebody has cancelled, the artifact is deferred."""
        failure = Failure.of(error)
        deferred = failure.deferred or isinstance(error, Cancelled)
        return replace(self.failed(failure.code, failure.detail), deferred=deferred)

    def failed(self, code: str, reason: str, *, conflicts: tuple[Mapping[str, Any], ...] = ()) -> Planned:
        """It turned out not to be possible: nothing of the artifact changes."""
        return replace(
            self,
            status=Status.ERROR,
            code=code,
            reason=reason,
            conflicts=conflicts,
            step=Step.LEAVE,
            oid="",
            follow="",
            fields=FieldChanges(),
        )

    def to_json(self) -> dict[str, Any]:
        """The contract's row of a RefreshResponse."""
        old, new = dict(self.fields.old), dict(self.fields.new)
        if self.follow:
            old, new = {PATH: self.mine.upstream_path, **old}, {PATH: self.follow, **new}
        if self.step is Step.SETTLE:
            old, new = {BASE: self.mine.base, **old}, {BASE: self.oid, **new}
        elif self.step.writes_files:
            old, new = {CONTENT: self.mine.current, **old}, {CONTENT: self.oid, **new}
        row: dict[str, Any] = {
            "artifact_id": self.mine.id or None,
            "name": self.mine.ref.told.name,
            "type": self.mine.ref.type,
            "status": self.status.value,
            "changes": list(new),
            "old_values": old,
            "new_values": new,
            "applied": list(new),
            "kept": list(self.fields.kept),
            "reason": self.reason or None,
            "code": self.code or None,
        }
        if self.conflicts:
            row["conflicts"] = list(self.conflicts)
        if self.theirs is not None and self.changes:
            row["upstream_commit"] = self.theirs.commit
        return row


_OUTCOMES = {
    Status.REFRESHED: ItemOutcome.UPDATED,
    Status.UNCHANGED: ItemOutcome.UNCHANGED,
    Status.SKIPPED: ItemOutcome.SKIPPED,
    Status.ERROR: ItemOutcome.FAILED,
}


def state_of(mine: Mine, theirs: Theirs | None) -> ArtifactState:
    """How an artifact stands to its own content upstream, wherever else the repository has moved on."""
    if mine.problem is not None or (mine.current and theirs is None):
        return ArtifactState.UNKNOWN
    return artifact_state(base=mine.base, current=mine.current, upstream=theirs.oid if theirs else "")


def plan_artifact(mine: Mine, theirs: Theirs | Failure | None, options: RefreshOptions) -> Planned:
    """What a refresh does with one artifact. ``Step.MERGE`` has yet to be tried: ``merged`` or ``in_conflict``.

    Applied, and planned again on the same upstream, nothing changes.
    """
    if mine.problem is not None:
        return Planned(mine=mine, status=Status.ERROR, code=mine.problem.code, reason=mine.problem.detail)
    if not mine.has_upstream or mine.record is None:
        return _skip(mine, Why.NO_UPSTREAM, "It has no upstream.")
    if options.mode is RefreshMode.SYNC and mine.is_pinned:
        return _skip(mine, Why.PINNED, f"It is pinned to {mine.record.pin}.")
    if theirs is None:
        return _skip(mine, Why.NO_UPSTREAM, "Nothing is known of its upstream.")
    if isinstance(theirs, Failure):
        return Planned(
            mine=mine, status=Status.ERROR, code=theirs.code, reason=theirs.detail, deferred=theirs.deferred
        )
    if options.mode is RefreshMode.SYNC:
        return _plan_sync(mine, theirs, options)
    return _refreshed(mine, theirs, options, reason=told_of_move(theirs))


def _plan_sync(mine: Mine, theirs: Theirs, options: RefreshOptions) -> Planned:
    step, reason = Step.LEAVE, ""
    match state_of(mine, theirs):
        case ArtifactState.MISSING:
            return _skip(mine, Why.MISSING, "Its files are gone from the collection.")
        case _ if mine.current == theirs.oid != mine.base:
            step, reason = Step.SETTLE, "The copy here is upstream's new version already."
        case ArtifactState.UPDATE_AVAILABLE:
            step = Step.TAKE
        case ArtifactState.LOCALLY_MODIFIED:
            status = Status.REFRESHED if theirs.moved_to else Status.UNCHANGED
            reason = "Edited here, unchanged upstream."
            fields = FieldChanges(written=mine.written)
            return Planned(
                mine=mine, status=status, theirs=theirs, follow=theirs.moved_to, fields=fields, reason=reason
            )
        case ArtifactState.CONFLICT | ArtifactState.UNKNOWN:
            if options.strategy is Strategy.ABORT:
                return _skip(mine, Why.EDITED, "Edited here and changed upstream.")
            step = Step.MERGE
    return _refreshed(mine, theirs, options, step=step, follow=theirs.moved_to, reason=reason)


def _refreshed(
    mine: Mine, theirs: Theirs, options: RefreshOptions, *, step: Step = Step.LEAVE, follow: str = "", reason: str = ""
) -> Planned:
    fields = plan_fields(mine.record, mine.written, theirs.says, options.fields) if mine.record else FieldChanges()
    changes = bool(fields.new or follow) or step is not Step.LEAVE
    return Planned(
        mine=mine,
        status=Status.REFRESHED if changes else Status.UNCHANGED,
        theirs=theirs,
        step=step,
        oid=theirs.oid if step in (Step.TAKE, Step.SETTLE) else "",
        follow=follow,
        fields=fields,
        reason=reason,
    )


def told_of_move(theirs: Theirs) -> str:
    """For a person; empty where the artifact is where its record says."""
    return f"Its content is at {theirs.moved_to} now: a sync follows it." if theirs.moved_to else ""


def _skip(mine: Mine, why: Why, reason: str) -> Planned:
    return Planned(mine=mine, status=Status.SKIPPED, code=why, reason=reason)
