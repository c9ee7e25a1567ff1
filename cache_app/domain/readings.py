"""What was read of a project's disk, and what is other than the time before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

UNMANAGED = "unmanaged"
"""The state of what lies in the project and stands in no record. The others are those of a deployment."""


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Item:
    """One artifact in a project. ``project_oid``: what is there now, None for nothing; ``content_oid``: what was
    deployed, None where nobody deployed it.
    """

    profile: str
    type: str
    name: str
    target: str
    state: str
    content_oid: str | None = None
    project_oid: str | None = None
    collection: str | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.profile, self.type, self.name

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Item:
        """From what ``to_json`` made. Raises TypeError for anything else."""
        return cls(**row)


@dataclass(frozen=True, slots=True)
class Change:
    project: int
    type: str
    name: str
    change: ChangeKind

    def to_json(self) -> dict[str, Any]:
        return {"project": self.project, "type": self.type, "name": self.name, "change": self.change.value}


def diff(project: int, before: Iterable[Item], after: Iterable[Item]) -> tuple[Change, ...]:
    """What is other, each artifact once: of two profiles' copies each counts by itself."""
    old = {item.identity: item for item in before}
    new = {item.identity: item for item in after}
    found = []
    for identity in sorted(old.keys() | new.keys()):
        if old.get(identity) == new.get(identity):
            continue
        kind = ChangeKind.CHANGED
        if identity not in old:
            kind = ChangeKind.ADDED
        elif identity not in new:
            kind = ChangeKind.REMOVED
        _, type_, name = identity
        found.append(Change(project, type_, name, kind))
    return tuple(found)


def count(items: Iterable[Item]) -> dict[str, dict[str, int]]:
    """How many of each type and in each state."""
    held = list(items)
    return {
        "types": dict(sorted(Counter(item.type for item in held).items())),
        "states": dict(sorted(Counter(item.state for item in held).items())),
    }
