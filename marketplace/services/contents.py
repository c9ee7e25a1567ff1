"""The files of catalog entries, read at one commit and held against the ids that the scan found."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings

from collections_app.domain.inline import inline_document
from collections_app.domain.types import FileMode as Mode
from collections_app.store.staging import NewFile
from marketplace.domain.types import ArtifactType
from marketplace.errors import NeedsPlugin, NotImportable, NotInCommit
from marketplace.models import CatalogEntry
from skillmeat_site.core.documents.text import blob_oid
from skillmeat_site.core.errors import DomainError, LimitExceeded
from skillmeat_site.core.reporting import Report
from skillmeat_site.upstream.errors import ContentMismatch
from skillmeat_site.upstream.types import Blobs, FileMode, Head, Listing, Provider, RepositoryAddress, TreeItem, Unread

PLUGIN_ROOT = b"${CLAUDE_PLUGIN_ROOT}"
FOLDERS = (ArtifactType.SKILL, ArtifactType.PLUGIN)
INLINE = (ArtifactType.HOOK, ArtifactType.MCP)
_MODES = {
    FileMode.FILE.value: Mode.FILE,
    FileMode.EXECUTABLE.value: Mode.EXECUTABLE,
    FileMode.SYMLINK.value: Mode.SYMLINK,
}


class Part(NamedTuple):
    """One file of an artifact. ``path`` is relative to it, empty for an artifact that is one file."""

    path: str
    mode: Mode
    oid: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """What an entry's artifact consists of. ``inline``: its value stands inside the one file named.

    ``oid`` is what the files must come to; empty for an inline value at another commit, which only reading tells.
    """

    entry: CatalogEntry
    oid: str
    parts: tuple[Part, ...]
    inline: bool = False

    def files(self, blobs: Blobs) -> tuple[NewFile, ...]:
        """Its files with their bytes. Raises LimitExceeded, ContentMismatch, NeedsPlugin."""
        data = {part.oid: _bytes_of(part, blobs) for part in self.parts}
        if self.inline:
            (part,) = self.parts
            files: tuple[NewFile, ...] = (NewFile("", _inline_bytes(self.entry, self.oid, data[part.oid])),)
        else:
            files = tuple(NewFile(part.path, data[part.oid], part.mode) for part in self.parts)
        if self.entry.type in INLINE and PLUGIN_ROOT in files[0].data:
            raise NeedsPlugin
        return files


class Tree:
    """A listing by path: what lies at one, and what lies below it."""

    def __init__(self, listing: Listing) -> None:
        self._items = sorted(listing.items, key=lambda item: item.path)
        self._paths = [item.path for item in self._items]
        self._root = listing.tree_oid

    def outline(self, entry: CatalogEntry, *, same: bool) -> Outline:
        """What the entry's artifact consists of in this listing; ``same``: it must be what the scan found.

        Raises NotInCommit where no such artifact is at its path, ContentMismatch where another version is,
        LimitExceeded, NotImportable for what no folder on disk can hold (a submodule).
        """
        folder = entry.type in FOLDERS
        path = entry.path if folder or not entry.file else entry.file
        item = self._at(path)
        if item is None or (item.mode == FileMode.TREE.value) != folder:
            raise NotInCommit
        if not folder:
            return self._file(entry, item, same=same)
        if same and item.oid != entry.content_oid:
            raise ContentMismatch("the commit holds another version than the catalog: rescan the source")
        if entry.file and self._at(entry.file) is None:
            raise NotInCommit
        return Outline(entry, item.oid, tuple(self._parts("" if path == "." else path + "/")))

    def _file(self, entry: CatalogEntry, item: TreeItem, *, same: bool) -> Outline:
        mode = _mode(item)
        if mode is Mode.SYMLINK:
            raise NotImportable("It is a symbolic link; import what it points to.")
        inline = entry.type in INLINE and any(signal.startswith("declared_inline:") for signal in entry.signals)
        if same and not inline and item.oid != entry.content_oid:
            raise ContentMismatch("the commit holds another version than the catalog: rescan the source")
        oid = item.oid if not inline else entry.content_oid if same else ""
        return Outline(entry, oid, (Part("", mode, item.oid, item.size),), inline)

    def _at(self, path: str) -> TreeItem | None:
        if path == ".":
            return TreeItem(".", FileMode.TREE.value, self._root)
        at = bisect_left(self._paths, path)
        return self._items[at] if at < len(self._paths) and self._paths[at] == path else None

    def _parts(self, prefix: str) -> Iterator[Part]:
        at = bisect_left(self._paths, prefix)
        taken = size = 0
        while at < len(self._paths) and self._paths[at].startswith(prefix):
            item, at = self._items[at], at + 1
            if item.mode == FileMode.TREE.value:
                continue
            taken, size = taken + 1, size + (item.size or 0)
            if taken > settings.SKILLMEAT_ARTIFACT_MAX_FILES:
                raise LimitExceeded(f"more than {settings.SKILLMEAT_ARTIFACT_MAX_FILES} files")
            if size > settings.SKILLMEAT_ARTIFACT_MAX_BYTES:
                raise LimitExceeded(f"larger than {settings.SKILLMEAT_ARTIFACT_MAX_BYTES} bytes")
            yield Part(item.path[len(prefix) :], _mode(item), item.oid, item.size)


def read_outlines(
    provider: Provider, address: RepositoryAddress, head: Head, outlines: Sequence[Outline], report: Report
) -> Iterator[tuple[Outline, tuple[NewFile, ...] | DomainError]]:
    """Read the files of many artifacts in one upstream batch; smaller ones only where it is too large for memory, or
    where a file in it is damaged.

    What concerns one artifact is yielded in its place. Raises UpstreamError by kind.
    """
    oids = list(dict.fromkeys(part.oid for outline in outlines for part in outline.parts))
    try:
        blobs = (
            provider.read(address, head, oids, max_bytes=settings.SKILLMEAT_ARTIFACT_MAX_BYTES, tick=report.tick)
            if oids
            else Blobs({})
        )
    except (LimitExceeded, ContentMismatch) as error:
        if len(outlines) == 1:
            yield outlines[0], error
            return
        half = len(outlines) // 2
        yield from read_outlines(provider, address, head, outlines[:half], report)
        yield from read_outlines(provider, address, head, outlines[half:], report)
        return
    for outline in outlines:
        try:
            yield outline, outline.files(blobs)
        except DomainError as error:
            yield outline, error


def _mode(item: TreeItem) -> Mode:
    mode = _MODES.get(item.mode)
    if mode is None:
        raise NotImportable("It holds a submodule, whose files are in another repository.")
    return mode


def _bytes_of(part: Part, blobs: Blobs) -> bytes:
    data = blobs.found.get(part.oid)
    if data is not None:
        return data
    if blobs.unread.get(part.oid) is Unread.TOO_LARGE:
        raise LimitExceeded(f"a file is larger than {settings.SKILLMEAT_ARTIFACT_MAX_BYTES} bytes")
    raise ContentMismatch("the repository does not hand out a file of its own listing")


def _inline_bytes(entry: CatalogEntry, oid: str, data: bytes) -> bytes:
    try:
        document: object = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ContentMismatch("the file that declares it is no JSON in this commit") from None
    value = inline_document(document, ArtifactType(entry.type), entry.discriminator)
    if value is None or oid not in ("", blob_oid(value)):
        raise ContentMismatch("the file declares something else in this commit: rescan the source")
    return value
