"""One file's difference, as plain data. Whoever compares makes it, whoever shows reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class DiffKind(StrEnum):
    TEXT = "text"
    BINARY = "binary"
    TOO_LARGE = "too_large"
    """A side is larger than the limits; no hunks were computed."""
    UNAVAILABLE = "unavailable"
    """The file on disk is no longer the one that was compared."""


class FileStatus(StrEnum):
    """How a file differs. The words of ``ChangeStatus``, and one that only pairs of changes have."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"
    MODE_CHANGED = "mode_changed"
    TYPE_CHANGED = "type_changed"
    RENAMED = "renamed"
    CONFLICT = "conflict"
    """Both sides of a merge changed it."""


@dataclass(frozen=True, slots=True)
class Line:
    """``origin`` is ``+``, ``-`` or a space. ``text`` has U+FFFD where the file is not UTF-8.

    It ends as the file's line does; without a line feed it is the last of a file that has none at its end.
    """

    origin: str
    text: str
    old_number: int | None
    new_number: int | None


@dataclass(frozen=True, slots=True)
class Hunk:
    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """One file of a difference, ready to be drawn.

    ``old_path``: where it was, if it was renamed. Modes as git writes them, sizes in bytes; None where the side is
    absent or does not tell. ``added`` and ``removed`` count all lines of the difference, ``left_out`` those lines,
    context included, that ``hunks`` does not hold; None where nobody counted and there are more.
    ``note``: what else there is to say.
    """

    path: str
    status: str
    kind: DiffKind
    old_path: str = ""
    old_mode: str | None = None
    new_mode: str | None = None
    old_size: int | None = None
    new_size: int | None = None
    hunks: tuple[Hunk, ...] = ()
    added: int = 0
    removed: int = 0
    left_out: int | None = 0
    note: str = ""

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> FileView:
        """Read one row of a difference as REST tells it: path, status, kind, hunks, truncated; more if it is there."""
        hunks = tuple(_hunk(hunk) for hunk in row.get("hunks") or ())
        origins = [line.origin for hunk in hunks for line in hunk.lines]
        return cls(
            path=str(row.get("path", "")),
            status=str(row.get("status", "")),
            kind=DiffKind(row.get("kind", DiffKind.TEXT)),
            old_mode=row.get("old_mode"),
            new_mode=row.get("new_mode"),
            old_size=row.get("old_size"),
            new_size=row.get("new_size"),
            hunks=hunks,
            added=origins.count("+"),
            removed=origins.count("-"),
            left_out=None if row.get("truncated") else 0,
        )


def _hunk(row: Mapping[str, Any]) -> Hunk:
    lines = tuple(
        Line(str(line["origin"]), str(line["text"]), _number(line.get("old_number")), _number(line.get("new_number")))
        for line in row["lines"]
    )
    old_start, old_lines, new_start, new_lines = (
        int(row[name]) for name in ("old_start", "old_lines", "new_start", "new_lines")
    )
    return Hunk(old_start, old_lines, new_start, new_lines, lines)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)
