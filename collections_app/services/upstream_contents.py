"""The files of artifacts as a repository has them at one commit: found in its listing, read in few batches."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol, TypeVar

from collections_app.domain.inline import inline_document
from collections_app.domain.types import ArtifactKind
from collections_app.errors import SpecialFile, UpstreamPathNotFound
from collections_app.services.listed_tree import ListedTree, Part, bytes_of, mode_of
from collections_app.store.content_ids import blob_oid
from collections_app.store.staging import NewFile
from skillmeat_site.core.errors import DomainError, LimitExceeded
from skillmeat_site.upstream.errors import ContentMismatch, UpstreamInvalid
from skillmeat_site.upstream.types import Blobs, FileMode, Listing, TreeItem, Unread


class Place(NamedTuple):
    """Where an artifact is in its repository. ``type``: a kind of artifact, or of entry.

    ``inline``: its value stands inside the one file named. That is the plugin's name where the file is a marketplace
    of several, "" where it is not; None for a file of its own.
    """

    type: str
    path: str
    inline: str | None = None

    @property
    def is_folder(self) -> bool:
        return self.type in _FOLDERS


_FOLDERS = frozenset(kind.value for kind in ArtifactKind if kind.is_folder)


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
        if not place.is_folder:
            return Outline(place, self.content_oid(place), (Part("", mode_of(item), item.oid),))
        return Outline(place, item.oid, tuple(self._tree.parts(place.path)))

    def oid_of_file(self, path: str) -> str:
        """The id of an ordinary file, "" where there is none."""
        item = self._tree.at(path)
        return item.oid if item and item.mode in (FileMode.FILE, FileMode.EXECUTABLE) else ""

    def has(self, path: str) -> bool:
        """Whether anything lies at the path."""
        return self._tree.at(path) is not None

    def holds(self, place: Place) -> bool:
        """Whether something that such an artifact could be lies there."""
        item = self._tree.at(place.path)
        return item is not None and item.mode in _modes(place)

    def places_of(self, type_: str, oid: str) -> Sequence[str]:
        """All places where this very content lies as what an artifact of this type is."""
        modes = _modes(Place(type_, ""))
        return [path for mode, path in self._by_oid.get(oid, ()) if mode in modes]

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
        if item.mode in _SPECIAL:
            raise SpecialFile(f"{place.path} is {_SPECIAL[item.mode]}.")
        if item.mode not in _modes(place):
            raise UpstreamPathNotFound(f"{place.path} is a {'file' if place.is_folder else 'folder'} now.")
        return item


_SPECIAL = {
    FileMode.SUBMODULE.value: "a submodule: its files are in another repository",
    FileMode.SYMLINK.value: "a symbolic link: its content is what it points to",
}


def _modes(place: Place) -> tuple[FileMode, ...]:
    return (FileMode.TREE,) if place.is_folder else (FileMode.FILE, FileMode.EXECUTABLE)


class Readable(Protocol):
    """What consists of files that are read by their ids."""

    @property
    def parts(self) -> tuple[Part, ...]: ...

    def files(self, blobs: Blobs) -> tuple[NewFile, ...]:
        """Raises DomainError: what is wrong with this one."""


_Readable = TypeVar("_Readable", bound=Readable)
Read = Callable[[Sequence[str]], Blobs]
"""Reads blobs in one upstream batch. Raises UpstreamError by kind, LimitExceeded, ContentMismatch."""


def read_files(
    read: Read, wanted: Sequence[_Readable]
) -> Iterator[tuple[_Readable, tuple[NewFile, ...] | DomainError]]:
    """The files of many in one upstream batch, in order; in smaller ones only where it is too large for the provider,
    or where a file in it is damaged.

    What concerns one is yielded in its place. Raises UpstreamError by kind.
    """
    oids = list(dict.fromkeys(part.oid for one in wanted for part in one.parts))
    try:
        blobs = read_all(read, oids) if len(wanted) == 1 else read(oids) if oids else Blobs({})
    except (LimitExceeded, ContentMismatch) as error:
        if len(wanted) == 1:
            yield wanted[0], error
            return
        half = len(wanted) // 2
        yield from read_files(read, wanted[:half])
        yield from read_files(read, wanted[half:])
        return
    for one in wanted:
        try:
            yield one, one.files(blobs)
        except DomainError as error:
            yield one, error


def read_all(read: Read, oids: Sequence[str]) -> Blobs:
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
    value = inline_document(document, place.type, place.inline or "") if isinstance(document, Mapping) else None
    if value is None:
        raise UpstreamPathNotFound(f"{place.path} no longer declares it.")
    return value
