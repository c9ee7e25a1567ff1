"""The files of artifacts as a repository has them at one commit: found in its listing, read in few batches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from collections_app.domain.inline import inline_document
from collections_app.domain.types import ArtifactKind
from collections_app.errors import SpecialFile, UpstreamPathNotFound
from collections_app.services.listed_tree import ListedTree, Part, bytes_of, mode_of
from collections_app.store.content_ids import blob_oid
from collections_app.store.staging import NewFile
from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import UpstreamInvalid
from skillmeat_site.upstream.types import Blobs, FileMode, Listing, TreeItem, Unread


class Place(NamedTuple):
    """Where an artifact is in its repository. ``inline``: its value stands inside the one file named.

    That is the plugin's name where the file is a marketplace of several, "" where it is not; None for a file of its
    own.
    """

    kind: ArtifactKind
    path: str
    inline: str | None = None


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
    """A listing, asked for artifacts by their places."""

    def __init__(self, listing: Listing) -> None:
        self._tree = ListedTree(listing)

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
            return Outline(place, self.content_oid(place), (Part("", mode_of(item), item.oid),))
        return Outline(place, item.oid, tuple(self._tree.parts(place.path)))

    def oid_of_file(self, path: str) -> str:
        """The id of an ordinary file, "" where there is none."""
        item = self._tree.at(path)
        return item.oid if item and item.mode in (FileMode.FILE, FileMode.EXECUTABLE) else ""

    def holds(self, kind: ArtifactKind, path: str) -> bool:
        """Whether something that an artifact of this kind could be lies at the path."""
        item = self._tree.at(path)
        return item is not None and item.mode in _wanted(kind)

    def places_of(self, kind: ArtifactKind, oid: str) -> Sequence[str]:
        """All places where this very content lies as what an artifact of this kind is."""
        return [path for mode, path in self._by_oid.get(oid, ()) if mode in _wanted(kind)]

    @cached_property
    def _by_oid(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {self._tree.root: [(FileMode.TREE.value, ".")]}
        for item in self._tree.items:
            found.setdefault(item.oid, []).append((item.mode, item.path))
        return found

    def _item(self, place: Place) -> TreeItem:
        item = self._tree.at(place.path)
        if item is None:
            if not self._tree.complete:
                raise UpstreamInvalid("the listing of the repository is not complete")
            raise UpstreamPathNotFound(f"Nothing is at {place.path} any more.")
        if item.mode not in _wanted(place.kind):
            what = {FileMode.SUBMODULE.value: "a submodule", FileMode.SYMLINK.value: "a symbolic link"}
            raise SpecialFile(f"{place.path} is {what.get(item.mode, 'of another kind')} now.")
        return item


def _wanted(kind: ArtifactKind) -> tuple[FileMode, ...]:
    return (FileMode.TREE,) if kind.is_folder else (FileMode.FILE, FileMode.EXECUTABLE)


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
