"""What refreshes and checks come to, in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from skillmeat_site.core.text import printable

SHOWN = 50
COUNTED = ("updates_available", "up_to_date", "skipped", "errors")


def refreshed_lines(row: Mapping[str, Any]) -> Sequence[str]:
    dry = "  (dry run: nothing was changed)" if row["dry_run"] else ""
    counts = ", ".join(f"{row[f'{name}_count']} {name}" for name in ("refreshed", "unchanged", "skipped", "error"))
    lines = [f"{row['collection_id']}  {row['status']}  {counts}{dry}"]
    telling = [one for one in row["details"] if one["changes"] or one["code"] or one["reason"]]
    for detail in telling[:SHOWN]:
        name = printable(f"{detail['type']}:{detail['name']}")
        words = [", ".join(detail["changes"]), detail["code"] or "", printable(detail["reason"] or "")]
        lines.append("  ".join([f"  {name}", *(word for word in words if word)]))
        lines += _files(detail.get("files", ()))
        lines += _conflicts(detail.get("conflicts", ()))
    return [*lines, *_more(telling)]


def _files(told: Any) -> Iterator[str]:
    """As a diff is usually written, each file by its path in the collection."""
    if isinstance(told, Mapping):
        yield f"    {told['code']}  {printable(told['detail'])}"
        return
    for file in told:
        kind = "" if file["kind"] == "text" else f"  ({file['kind']})"
        yield f"    {file['status']}  {printable(file['path'])}{kind}"
        for hunk in file["hunks"]:
            yield f"      @@ -{hunk['old_start']},{hunk['old_lines']} +{hunk['new_start']},{hunk['new_lines']} @@"
            for line in hunk["lines"]:
                yield f"      {line['origin']}{_shown(line['text'])}"
        if file["truncated"]:
            yield "      …"


def _conflicts(conflicts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Where both sides changed the same; the hunks themselves are in the JSON."""
    for one in conflicts:
        lines = ", ".join(str(hunk["line"]) for hunk in one["hunks"])
        where = f"  line {lines}" if lines else ""
        yield f"    {one['kind']}  {printable(one['path'])}{where}"


def _shown(text: str) -> str:
    return printable(text.rstrip("\r\n").expandtabs(4))


def checked_lines(row: Mapping[str, Any]) -> Sequence[str]:
    counts = ", ".join(f"{row[name]} {name.replace('_', ' ')}" for name in COUNTED)
    lines = [f"{row['collection_id']}  {counts}"]
    telling = [result for result in row["results"] if result["state"] != "in_sync" or result["code"]]
    for result in telling[:SHOWN]:
        pinned = "  pinned" if result["pinned"] else ""
        code = f"  {result['code']}  {printable(result['reason'] or '')}" if result["code"] else ""
        name = printable(f"{result['type']}:{result['name']}")
        lines.append(f"  {name}  {result['state']}{pinned}{code}")
    return [*lines, *_more(telling)]


def _more(rows: Sequence[Any]) -> Sequence[str]:
    return [f"  … and {len(rows) - SHOWN} more; --json lists all"] if len(rows) > SHOWN else []
