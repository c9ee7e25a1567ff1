"""The files of catalog entries, read at one commit and held against the ids that the scan found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings

from collections_app.domain.inline import inline_document
from collections_app.domain.types import FileMode as Mode
from collections_app.errors import SpecialFile
from collections_app.services.listed_tree import ListedTree, Part, bytes_of, mode_of
from collections_app.store.staging import NewFile
from marketplace.domain.types import ArtifactType
from marketplace.errors import NeedsPlugin, NotImportable, NotInCommit
from marketplace.models import CatalogEntry
from skillmeat_site.core.documents.text import blob_oid
from skillmeat_site.core.errors import DomainError, LimitExceeded
from skillmeat_site.core.reporting import Report
from skillmeat_site.upstream.errors import ContentMismatch
from skillmeat_site.upstream.types import Blobs, FileMode, Head, Listing, Provider, RepositoryAddress, TreeItem

PLUGIN_ROOT = b"${CLAUDE_PLUGIN_ROOT}"
FOLDERS = (ArtifactType.SKILL, ArtifactType.PLUGIN)
INLINE = (ArtifactType.HOOK, ArtifactType.MCP)
_SUBMODULE = "It holds a submodule, whose files are in another repository."


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
        data = {part.oid: bytes_of(part.oid, blobs) for part in self.parts}
        if self.inline:
            (part,) = self.parts
            files: tuple[NewFile, ...] = (NewFile("", _inline_bytes(self.entry, self.oid, data[part.oid])),)
        else:
            files = tuple(NewFile(part.path, data[part.oid], part.mode) for part in self.parts)
        if self.entry.type in INLINE and PLUGIN_ROOT in files[0].data:
            raise NeedsPlugin
        return files


class Tree:
    """A listing, asked for the artifacts of entries."""

    def __init__(self, listing: Listing) -> None:
        self._tree = ListedTree(listing)

    def outline(self, entry: CatalogEntry, *, same: bool) -> Outline:
        """What the entry's artifact consists of in this listing; ``same``: it must be what the scan found.

        Raises NotInCommit where no such artifact is at its path, ContentMismatch where another version is,
        LimitExceeded, NotImportable for what no folder on disk can hold (a submodule).
        """
        folder = entry.type in FOLDERS
        path = entry.path if folder or not entry.file else entry.file
        item = self._tree.at(path)
        if item is None or (item.mode == FileMode.TREE.value) != folder:
            raise NotInCommit
        if not folder:
            return self._file(entry, item, same=same)
        if same and item.oid != entry.content_oid:
            raise ContentMismatch("the commit holds another version than the catalog: rescan the source")
        if entry.file and self._tree.at(entry.file) is None:
            raise NotInCommit
        try:
            return Outline(entry, item.oid, tuple(self._tree.parts(path)))
        except SpecialFile:
            raise NotImportable(_SUBMODULE) from None

    def _file(self, entry: CatalogEntry, item: TreeItem, *, same: bool) -> Outline:
        if item.mode == FileMode.SUBMODULE.value:
            raise NotImportable(_SUBMODULE)
        mode = mode_of(item)
        if mode is Mode.SYMLINK:
            raise NotImportable("It is a symbolic link; import what it points to.")
        inline = entry.type in INLINE and any(signal.startswith("declared_inline:") for signal in entry.signals)
        if same and not inline and item.oid != entry.content_oid:
            raise ContentMismatch("the commit holds another version than the catalog: rescan the source")
        oid = item.oid if not inline else entry.content_oid if same else ""
        return Outline(entry, oid, (Part("", mode, item.oid, item.size),), inline)


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


def _inline_bytes(entry: CatalogEntry, oid: str, data: bytes) -> bytes:
    try:
        document: object = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ContentMismatch("the file that declares it is no JSON in this commit") from None
    value = inline_document(document, ArtifactType(entry.type), entry.discriminator)
    if value is None or oid not in ("", blob_oid(value)):
        raise ContentMismatch("the file declares something else in this commit: rescan the source")
    return value
