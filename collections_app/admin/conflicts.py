"""What both sides changed in a merge, drawn as every other difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from skillmeat_site.core.admin.diffs import View, show_files
from skillmeat_site.core.diffs.types import DiffKind, FileStatus, FileView, Hunk, Line


def show_conflicts(conflicts: Sequence[Mapping[str, Any]], view: View) -> SafeString:
    """File by file: ours as taken away, theirs as added. ``conflicts`` as the refresh tells them."""
    return show_files([_file(one) for one in conflicts], view=view, prefix="conflict")


def _file(one: Mapping[str, Any]) -> FileView:
    hunks = tuple(_hunk(hunk) for hunk in one.get("hunks") or ())
    notes = {
        "binary": _("Both sides changed it, and it is no text."),
        "deleted_or_retyped": _("One side removed it or made a link of it, the other one changed it."),
    }
    return FileView(
        path=str(one.get("path")),
        status=FileStatus.CONFLICT.value,
        kind=DiffKind.TEXT,
        hunks=hunks,
        added=sum(hunk.new_lines for hunk in hunks),
        removed=sum(hunk.old_lines for hunk in hunks),
        note=notes.get(str(one.get("kind")), ""),
    )


def _hunk(hunk: Mapping[str, Any]) -> Hunk:
    start = int(hunk.get("line") or 1)
    ours, theirs = (str(hunk.get(side) or "").splitlines(keepends=True) for side in ("ours", "theirs"))
    lines = [Line("-", _ended(text), start + at, None) for at, text in enumerate(ours)]
    lines += [Line("+", _ended(text), None, start + at) for at, text in enumerate(theirs)]
    return Hunk(start, len(ours), start, len(theirs), tuple(lines))


def _ended(text: str) -> str:
    """A conflict's last line may be cut: that says nothing of the file's end."""
    return text if text.endswith("\n") else text + "\n"
