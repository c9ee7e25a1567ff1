"""The files of catalog entries, read at one commit and held against the ids that the scan found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from django.conf import settings

from collections_app.errors import SpecialFile, UpstreamPathNotFound
from collections_app.services import upstream_contents
from collections_app.services.listed_tree import Part
from collections_app.services.upstream_contents import Place, RepositoryTree, read_files
from collections_app.store.staging import NewFile
from marketplace.domain.types import ArtifactType
from marketplace.errors import NeedsPlugin, NotImportable, NotInCommit
from marketplace.models import CatalogEntry
from skillmeat_site.core.documents.text import blob_oid
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.reporting import Report
from skillmeat_site.upstream.errors import ContentMismatch, UpstreamInvalid
from skillmeat_site.upstream.types import Blobs, Head, Listing, Provider, RepositoryAddress

PLUGIN_ROOT = b"${CLAUDE_PLUGIN_ROOT}"
INLINE = (ArtifactType.HOOK, ArtifactType.MCP)
_OTHER_VERSION = "the commit holds another version than the catalog: rescan the source"


@dataclass(frozen=True, slots=True)
class Outline:
    """What an entry's artifact consists of. ``inline``: its value stands inside the one file named.

    ``oid`` is what the files must come to; empty for an inline value at another commit, which only reading tells.
    """

    entry: CatalogEntry
    oid: str
    upstream: upstream_contents.Outline

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.upstream.parts

    @property
    def inline(self) -> bool:
        return self.upstream.place.inline is not None

    def files(self, blobs: Blobs) -> tuple[NewFile, ...]:
        """Its files with their bytes. Raises LimitExceeded, ContentMismatch, NeedsPlugin."""
        files = self._declared(blobs) if self.inline else self.upstream.files(blobs)
        if self.entry.type in INLINE and PLUGIN_ROOT in files[0].data:
            raise NeedsPlugin
        return files

    def _declared(self, blobs: Blobs) -> tuple[NewFile, ...]:
        try:
            files = self.upstream.files(blobs)
        except UpstreamInvalid:
            raise ContentMismatch("the file that declares it is no JSON in this commit") from None
        except UpstreamPathNotFound:
            files = ()
        if not files or self.oid not in ("", blob_oid(files[0].data)):
            raise ContentMismatch("the file declares something else in this commit: rescan the source")
        return files


class Tree:
    """A listing, asked for the artifacts of entries."""

    def __init__(self, listing: Listing) -> None:
        self._tree = RepositoryTree(listing)

    def outline(self, entry: CatalogEntry, *, same: bool) -> Outline:
        """What the entry's artifact consists of in this listing; ``same``: it must be what the scan found.

        Raises NotInCommit where no such artifact is at its path, ContentMismatch where another version is,
        LimitExceeded, NotImportable for what no folder on disk can hold (a submodule), UpstreamInvalid where the
        listing is cut, which proves no absence.
        """
        place = _place_of(entry)
        try:
            oid = self._tree.content_oid(place)
            if same and oid not in ("", entry.content_oid):
                raise ContentMismatch(_OTHER_VERSION)
            if place.is_folder and entry.file and not self._tree.has(entry.file):
                raise NotInCommit
            outline = self._tree.outline(place)
        except UpstreamPathNotFound:
            raise NotInCommit from None
        except SpecialFile as error:
            raise NotImportable(
                f"{error.detail} What is in another repository, or elsewhere, is imported there."
            ) from None
        return Outline(entry, entry.content_oid if same else oid, outline)


def _place_of(entry: CatalogEntry) -> Place:
    place = Place(entry.type, entry.path)
    if place.is_folder:
        return place
    inline = entry.type in INLINE and any(signal.startswith("declared_inline:") for signal in entry.signals)
    return Place(entry.type, entry.file or entry.path, entry.discriminator if inline else None)


def read_outlines(
    provider: Provider, address: RepositoryAddress, head: Head, outlines: Sequence[Outline], report: Report
) -> Iterator[tuple[Outline, tuple[NewFile, ...] | DomainError]]:
    """Read the files of many artifacts in few upstream batches; see ``upstream_contents.read_files``."""
    limit = settings.SKILLMEAT_ARTIFACT_MAX_BYTES
    yield from read_files(partial(provider.read, address, head, max_bytes=limit, tick=report.tick), outlines)
