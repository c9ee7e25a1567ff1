"""Collecting the entries of a tree into a Listing, whoever names them: one rule for what is handed out."""

from __future__ import annotations

import re

from skillmeat_site.upstream.types import FileMode, Listing, ListingWarning, TreeItem

MAX_WARNINGS = 100
"""Warnings of one listing that are told one by one; the rest is counted. A hostile tree may have one per entry."""

# Parts that no tree made by git holds, and that would lead out of a folder.
_UNSAFE_PARTS = frozenset({"", ".", ".."})
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MODES: dict[str, str] = {mode.value: mode.value for mode in FileMode} | {
    # Early versions of git wrote group-writable files.
    "100664": FileMode.FILE.value,
    "40000": FileMode.TREE.value,
}


class TreeCollector:
    """Takes entries one at a time; keeps the good ones up to ``max_entries`` and a warning for each of the others."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._items: list[TreeItem] = []
        self._warnings: list[ListingWarning] = []
        self._unsaid = 0
        self.complete = True

    def add(self, path: str, mode: str, oid: str, size: int | None = None) -> None:
        """Take one entry. Raises KeyError where git has no such mode."""
        if not _is_storable(path):
            self.warn("unsafe_path", "a part of the path is empty, '.' or '..', or holds what is no text", path)
        elif len(self._items) >= self._max_entries:
            self.incomplete("listing_capped", f"the listing has more than {self._max_entries} entries")
        else:
            self._items.append(TreeItem(path, _MODES[mode], oid, size))

    def add_raw(self, path: bytes, mode: str, oid: str, size: int | None = None) -> None:
        """Take one entry whose path is in bytes. One that is not UTF-8 is left out with ``path_not_utf8``."""
        try:
            text = path.decode("utf-8")
        except UnicodeDecodeError:
            self.warn("path_not_utf8", "the path is not UTF-8", path)
        else:
            self.add(text, mode, oid, size)

    def warn(self, code: str, detail: str, path: str | bytes = "") -> None:
        """Remember that something was left out. The path is made printable."""
        if len(self._warnings) < MAX_WARNINGS:
            self._warnings.append(ListingWarning(code, detail, printable(path)))
        else:
            self._unsaid += 1

    def incomplete(self, code: str, detail: str) -> None:
        """Remember, once for each code, that entries are missing: the listing will prove no absence."""
        self.complete = False
        if all(warning.code != code for warning in self._warnings):
            self._warnings.append(ListingWarning(code, detail))

    def finish(self, commit: str, tree_oid: str) -> Listing:
        """Return what was collected."""
        warnings = list(self._warnings)
        if self._unsaid:
            warnings.append(ListingWarning("more_warnings", f"{self._unsaid} more entries were left out"))
        return Listing(commit, tree_oid, self._items, self.complete, tuple(warnings))


def _is_storable(path: str) -> bool:
    """Tell whether a path stays in its folder and is text that a database takes."""
    # Not one regular expression: this runs for each of 100,000 entries, and takes a third of the time.
    if "\0" in path or not _UNSAFE_PARTS.isdisjoint(path.split("/")):
        return False
    return path.isascii() or not _SURROGATE.search(path)


def printable(path: str | bytes) -> str:
    """Show a path in which any byte may stand, in ASCII escapes where it is not text or not visible."""
    text = path.decode("utf-8", "surrogateescape") if isinstance(path, bytes) else path
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)[:400]


def collect_ls_tree(output: bytes, collector: TreeCollector) -> None:
    """Read the output of ``git ls-tree -r -t -z``. Raises ValueError or KeyError where it is something else."""
    for record in output.split(b"\0"):
        if record:
            meta, _, path = record.partition(b"\t")
            mode, _, oid = meta.decode("ascii").split(" ")
            collector.add_raw(path, mode, oid)
