"""A repository's listing by path: what lies at one, and which files lie below it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings

from collections_app.domain.types import FileMode as Mode
from collections_app.errors import SpecialFile
from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import ContentMismatch
from skillmeat_site.upstream.types import Blobs, FileMode, Listing, TreeItem, Unread

_MODES = {
    FileMode.FILE.value: Mode.FILE,
    FileMode.EXECUTABLE.value: Mode.EXECUTABLE,
    FileMode.SYMLINK.value: Mode.SYMLINK,
}


class Part(NamedTuple):
    """One file of an artifact. ``path`` is relative to it, empty for an artifact that is one file.

    ``size`` in bytes, None where the listing does not tell it.
    """

    path: str
    mode: Mode
    oid: str
    size: int | None = None


class ListedTree:
    """One listing, sorted once. Paths are relative to the repository's root, "." is the root itself."""

    def __init__(self, listing: Listing) -> None:
        self.items = sorted(listing.items, key=lambda item: item.path)
        self.complete = listing.complete
        self._paths = [item.path for item in self.items]
        self.root = listing.tree_oid

    def at(self, path: str) -> TreeItem | None:
        """What lies at a path, or None."""
        if path == ".":
            return TreeItem(".", FileMode.TREE.value, self.root)
        at = bisect_left(self._paths, path)
        return self.items[at] if at < len(self._paths) and self._paths[at] == path else None

    def parts(self, folder: str) -> Iterator[Part]:
        """The files below a folder, sorted. Raises SpecialFile (a submodule), LimitExceeded (files, known bytes)."""
        prefix = "" if folder == "." else folder + "/"
        at = bisect_left(self._paths, prefix)
        taken = size = 0
        while at < len(self._paths) and self._paths[at].startswith(prefix):
            item, at = self.items[at], at + 1
            if item.mode == FileMode.TREE.value:
                continue
            taken, size = taken + 1, size + (item.size or 0)
            if taken > settings.SKILLMEAT_ARTIFACT_MAX_FILES:
                raise LimitExceeded(f"more than {settings.SKILLMEAT_ARTIFACT_MAX_FILES} files")
            if size > settings.SKILLMEAT_ARTIFACT_MAX_BYTES:
                raise LimitExceeded(f"larger than {settings.SKILLMEAT_ARTIFACT_MAX_BYTES} bytes")
            yield Part(item.path[len(prefix) :], mode_of(item), item.oid, item.size)


def mode_of(item: TreeItem) -> Mode:
    """Raises SpecialFile for a submodule, whose files are in another repository."""
    mode = _MODES.get(item.mode)
    if mode is None:
        raise SpecialFile(f"{item.path} is a submodule: its files are in another repository.")
    return mode


def bytes_of(oid: str, blobs: Blobs) -> bytes:
    """The bytes of a file that was asked for. Raises LimitExceeded, ContentMismatch where it was not handed out."""
    data = blobs.found.get(oid)
    if data is not None:
        return data
    if blobs.unread.get(oid) is Unread.TOO_LARGE:
        raise LimitExceeded(f"a file is larger than {settings.SKILLMEAT_ARTIFACT_MAX_BYTES} bytes")
    raise ContentMismatch("the repository does not hand out a file of its own listing")
