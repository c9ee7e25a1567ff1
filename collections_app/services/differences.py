"""Files that differ, in the shape that the faces show: by path, and with the lines of those that are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from collections_app.store.history.differences import Diff
from collections_app.store.history.types import Change, DiffLimits, FileDiff

MAX_LINES = 1_000
"""Lines of one file's difference."""
MAX_LINES_AT_ONCE = 10_000
"""Lines of all files of one page; of the rest only is told that they differ."""


@dataclass(frozen=True, slots=True)
class FileDifference:
    change: Change
    lines: FileDiff

    def to_json(self) -> dict[str, Any]:
        """``kind``: text (with hunks), binary, too_large, or unavailable (it was changed meanwhile)."""
        return {
            "path": self.change.path,
            "status": self.change.status.value,
            "kind": self.lines.kind.value,
            "old_mode": self.change.old.mode.value if self.change.old else None,
            "new_mode": self.change.new.mode.value if self.change.new else None,
            "old_oid": self.change.old.oid if self.change.old else None,
            "new_oid": self.change.new.oid if self.change.new else None,
            "old_size": self.lines.old_size,
            "new_size": self.lines.new_size,
            "truncated": self.lines.truncated,
            "hunks": [
                {
                    "old_start": hunk.old_start,
                    "old_lines": hunk.old_lines,
                    "new_start": hunk.new_start,
                    "new_lines": hunk.new_lines,
                    "lines": [
                        {
                            "origin": line.origin,
                            "text": line.text,
                            "old_number": line.old_number,
                            "new_number": line.new_number,
                        }
                        for line in hunk.lines
                    ],
                }
                for hunk in self.lines.hunks
            ],
        }


class FileDifferences(Sequence[FileDifference]):
    """The files that differ, by path; the lines of a slice are computed when it is taken, within the limits."""

    def __init__(self, diff: Diff) -> None:
        self.diff = diff

    def __len__(self) -> int:
        return len(self.diff.changes)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._compared(self.diff.changes[index])
        return self._compared([self.diff.changes[index]])[0]

    @property
    def changes(self) -> Sequence[Change]:
        """The files without their lines."""
        return self.diff.changes

    def _compared(self, changes: Sequence[Change]) -> list[FileDifference]:
        left = MAX_LINES_AT_ONCE
        rows = []
        for change in changes:
            lines = self.diff.lines(change, DiffLimits(max_lines=max(0, min(MAX_LINES, left))))
            left -= sum(len(hunk.lines) for hunk in lines.hunks)
            rows.append(FileDifference(change, lines))
        return rows
