"""The files of artifacts as a repository has them at one commit: found in its listing, read in few batches."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings

from collections_app.domain.inline import inline_document
from collections_app.domain.types import ArtifactKind
from collections_app.domain.types import FileMode as Mode
from collections_app.errors import SpecialFile, UpstreamPathNotFound
from collections_app.store.content_ids import blob_oid
from collections_app.store.staging import NewFile
from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import ContentMismatch, UpstreamInvalid
from skillmeat_site.upstream.types import Blobs, FileMode, Listing, TreeItem, Unread

_MODES = {
    FileMode.FILE.value: Mode.FILE,
    FileMode.EXECUTABLE.value: Mode.EXECUTABLE,
    FileMode.SYMLINK.value: Mode.SYMLINK,
}


class Place(NamedTuple):
    """Where an artifact is in its repository. ``inline``: its value stands inside the one file named.

    That is the plugin's name where the file is a marketplace of several, "" where it is not; None for a file of its
    own.
    """

    kind: ArtifactKind
    path: str
    inline: str | None = None


class Part(NamedTuple):
    """One file of an artifact. ``path`` is relative to it, empty for an artifact that is one file."""

    path: str
    mode: Mode
    oid: str


@dataclass(frozen=True, slots=True)
class Outline:
    """What an artifact consists of at one commit. ``oid`` is empty for an inline one until its file is read."""

    place: Place
    oid: str
    parts: tuple[Part, ...]

    def files(self, blobs: Blobs) -> tuple[NewFile, ...]:
        """Its files with their bytes. Raises LimitExceeded, ContentMismatch, UpstreamPathNotFound."""
        data = {part.oid: bytes_of(part.oid, blobs) for part in self.parts}
        if self.place.inline is not None:
            (part,) = self.parts
            return (NewFile("", _inline_bytes(self.place, data[part.oid])),)
        return tuple(NewFile(part.path, data[part.oid], part.mode) for part in self.parts)


class RepositoryTree:
    """A listing by path: what lies at one, and what lies below it."""

    def __init__(self, listing: Listing) -> None:
        self._items = sorted(listing.items, key=lambda item: item.path)
        self._paths = [item.path for item in self._items]
        self._root = listing.tree_oid
        self._complete = listing.complete

    def content_oid(self, place: Place) -> str:
        """The id of what is at the place; "" for an inline artifact, whose file has to be read. Raises as ``outline``.

        Looks at nothing below it.
        """
        item = self._item(place)
        return "" if place.inline is not None else item.oid

    def outline(self, place: Place) -> Outline:
        """What the artifact at a place consists of.

        Raises UpstreamPathNotFound; UpstreamInvalid where the listing is cut, which proves no absence; SpecialFile
        for what a collection cannot hold (a submodule, a link in the place of a file); LimitExceeded.
        """
        item = self._item(place)
        if not place.kind.is_folder:
            return Outline(place, self.content_oid(place), (Part("", _mode(item), item.oid),))
        return Outline(place, item.oid, tuple(self._parts("" if place.path == "." else place.path + "/")))

    def oid_of_file(self, path: str) -> str:
        """The id of an ordinary file, "" where there is none."""
        item = self._at(path)
        return item.oid if item and item.mode in (FileMode.FILE, FileMode.EXECUTABLE) else ""

    def path_of(self, kind: ArtifactKind, oid: str) -> str:
        """Where else this very content is, "" where nowhere or in several places: an artifact that was moved."""
        wanted = FileMode.TREE.value if kind.is_folder else FileMode.FILE.value
        found = [item.path for item in self._items if item.oid == oid and item.mode == wanted] if oid else []
        return found[0] if len(found) == 1 else ""

    def _item(self, place: Place) -> TreeItem:
        item = self._at(place.path)
        if item is None:
            if not self._complete:
                raise UpstreamInvalid("the listing of the repository is not complete")
            raise UpstreamPathNotFound(f"Nothing is at {place.path} any more.")
        wanted = (FileMode.TREE,) if place.kind.is_folder else (FileMode.FILE, FileMode.EXECUTABLE)
        if item.mode not in wanted:
            what = {FileMode.SUBMODULE.value: "a submodule", FileMode.SYMLINK.value: "a symbolic link"}
            raise SpecialFile(f"{place.path} is {what.get(item.mode, 'of another kind')} now.")
        return item

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
            yield Part(item.path[len(prefix) :], _mode(item), item.oid)


def read_all(read: Callable[[Sequence[str]], Blobs], oids: Sequence[str]) -> Blobs:
    """Read blobs in one upstream batch; in smaller ones only where it is too large for the provider.

    One that is too large by itself is told as TOO_LARGE. Raises UpstreamError by kind.
    """
    if not oids:
        return Blobs({})
    try:
        return read(oids)
    except LimitExceeded:
        if len(oids) == 1:
            return Blobs({}, {oids[0]: Unread.TOO_LARGE})
    half = len(oids) // 2
    one, other = read_all(read, oids[:half]), read_all(read, oids[half:])
    return Blobs({**one.found, **other.found}, {**one.unread, **other.unread})


def bytes_of(oid: str, blobs: Blobs) -> bytes:
    """Raises LimitExceeded, ContentMismatch."""
    data = blobs.found.get(oid)
    if data is not None:
        return data
    if blobs.unread.get(oid) is Unread.TOO_LARGE:
        raise LimitExceeded(f"a file is larger than {settings.SKILLMEAT_ARTIFACT_MAX_BYTES} bytes")
    raise ContentMismatch("the repository does not hand out a file of its own listing")


def inline_oid(place: Place, data: bytes) -> str:
    """The content id of an inline artifact, given the file it stands in. Raises UpstreamPathNotFound."""
    return blob_oid(_inline_bytes(place, data))


def _inline_bytes(place: Place, data: bytes) -> bytes:
    try:
        document: object = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise UpstreamInvalid(f"{place.path} is no JSON in this commit") from None
    value = inline_document(document, place.kind, place.inline or "") if isinstance(document, Mapping) else None
    if value is None:
        raise UpstreamPathNotFound(f"{place.path} no longer declares it.")
    return value


def _mode(item: TreeItem) -> Mode:
    mode = _MODES.get(item.mode)
    if mode is None:
        raise SpecialFile(f"{item.path} is a submodule: its files are in another repository.")
    return mode
