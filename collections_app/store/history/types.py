"""What the history speaks of: snapshots, contents, what was left out, differences. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from skillmeat_site.core.diffs.types import DiffKind, Hunk
from skillmeat_site.upstream.types import FileMode


@dataclass(frozen=True, slots=True)
class Content:
    """A file, a link or a folder as git knows it. ``oid`` is what ``git hash-object`` or ``git mktree`` would say."""

    mode: FileMode
    oid: str

    @property
    def is_folder(self) -> bool:
        return self.mode == FileMode.TREE


class ExcludedReason(StrEnum):
    """Why something in a collection directory is in no snapshot of it."""

    GIT_NAME = "git_name"
    """``.git``, or a name that some file system takes for it: git refuses to hold it."""
    SPECIAL = "special"
    """A socket, a pipe, a device."""
    UNREADABLE = "unreadable"
    CHANGING = "changing"
    """It was written to each time it was read."""
    TOO_DEEP = "too_deep"
    EMPTY_FOLDER = "empty_folder"
    """Git holds no empty folder. The folders of the layout itself (``skills/``) are not told."""


@dataclass(frozen=True, slots=True)
class Excluded:
    """One thing that was left out, at a path relative to the collection directory."""

    path: str
    reason: ExcludedReason


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of a collection directory. ``id`` sorts by time within a collection.

    ``excluded`` lists at most ``commits.MAX_EXCLUDED`` things, ``excluded_count`` counts all.
    """

    slug: str
    id: str
    commit_oid: str
    tree_oid: str
    created_at: datetime
    reason: str
    job: str
    actor: str
    artifact_count: int
    excluded_count: int = 0
    excluded: tuple[Excluded, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file or link of a snapshot."""

    path: str
    mode: FileMode
    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A whole artifact, or a file beside artifacts, that differs between a snapshot and the directory.

    ``now`` is what lies on disk, ``then`` what the snapshot holds; None is absence. ``excluded`` tells what lies on
    disk below ``path`` and in no snapshot: whoever swaps the unit has to carry it over, or it would be lost.
    """

    path: str
    now: Content | None
    then: Content | None
    excluded: tuple[Excluded, ...] = ()


class ChangeStatus(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"
    MODE_CHANGED = "mode_changed"
    """The same bytes, executable on one side only."""
    TYPE_CHANGED = "type_changed"
    """A file on one side, a link on the other."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file that differs between two states."""

    path: str
    status: ChangeStatus
    old: Content | None
    new: Content | None


@dataclass(frozen=True, slots=True)
class DiffLimits:
    """Larger files are told apart rather than compared; longer differences are cut. ``skip``: lines left out first."""

    max_bytes: int = 512 * 1024
    max_lines: int = 2_000
    context: int = 3
    skip: int = 0


@dataclass(frozen=True, slots=True)
class FileDiff:
    """``truncated``: there is more than ``DiffLimits.max_lines``. Sizes are None where the side is absent.

    ``added`` and ``removed`` count the lines of the whole difference, ``total`` with its context.
    """

    kind: DiffKind
    old_size: int | None
    new_size: int | None
    hunks: tuple[Hunk, ...] = ()
    truncated: bool = False
    added: int = 0
    removed: int = 0
    total: int = 0


class Favour(StrEnum):
    """Whose side wins where both changed the same lines, or a binary file."""

    NEITHER = "neither"
    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True)
class ConflictHunk:
    """Lines that both sides changed, each in its own way. ``line`` counts from 1 in the file merged with ours."""

    line: int
    ours: bytes
    theirs: bytes


@dataclass(frozen=True, slots=True)
class FileMerge:
    """``content`` is None where a conflict is not settled; then ``conflicts`` has the hunks, or ``binary`` is true."""

    content: bytes | None
    conflicts: tuple[ConflictHunk, ...] = ()
    binary: bool = False


@dataclass(frozen=True, slots=True)
class TreeMerge:
    """``content`` None: everything was deleted. ``conflicts`` are paths that nobody settled: there ours was kept."""

    content: Content | None
    conflicts: dict[str, FileMerge | None] = field(default_factory=dict)
    """None where one side deleted or retyped what the other changed."""


@dataclass(frozen=True, slots=True)
class Maintained:
    """What a maintenance did, in numbers."""

    packs_before: int
    packs_after: int
    objects: int
    kept_unreachable: int
    bytes_before: int
    bytes_after: int
