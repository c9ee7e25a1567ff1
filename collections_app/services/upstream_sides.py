"""The upstream side of a comparison: ids out of a listing, bytes only of what is looked at, in one batch.

The only side that may ask the network. Call it outside any transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from collections_app.domain.inline import INLINE
from collections_app.domain.merged_files import KINDS
from collections_app.domain.types import ArtifactKind, ArtifactRef
from collections_app.errors import UnsupportedTarget
from collections_app.models import Artifact
from collections_app.services.homes import home
from collections_app.services.listed_tree import Part, bytes_of
from collections_app.services.sides import UPSTREAM, Side, meaning_of, own_name
from collections_app.services.upstream_contents import Outline, Place, RepositoryTree, read_all
from collections_app.store.history.differences import Load
from collections_app.store.history.types import Content
from collections_app.store.reader import read_files
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.upstreams import access_policy, provider_at
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import UpstreamNotFound
from skillmeat_site.upstream.types import Blobs, CommitOid, FileMode, Head, Provider, RepositoryAddress

MAX_FILE = 1024 * 1024
"""Bytes of one file that are fetched to be looked at; a larger one is told by its size."""

Read = Callable[[Sequence[str]], Blobs]


def upstream_side(artifact: Artifact, report: Report) -> Side | None:
    """An artifact as its repository had it when that was last looked at; None for one that has no upstream.

    Where nobody has looked yet, the ref is resolved, which asks the network.
    """
    if not artifact.upstream_url or not artifact.upstream_path:
        return None
    try:
        return _side(artifact, report)
    except DomainError as error:
        return Side(UPSTREAM, artifact.upstream_commit[:12], problem=error)


def _side(artifact: Artifact, report: Report) -> Side:
    kind = artifact.kind
    if kind is None:
        raise UnsupportedTarget(f"{artifact.type!a} is a type that nothing can be done with.")
    address = parse_url(artifact.upstream_url, access_policy(), ref=artifact.pin or artifact.upstream_ref)
    provider = provider_at(address)
    known = artifact.upstream_commit or artifact.base_commit
    head = Head(CommitOid(known), address.ref) if known else provider.resolve(address, tick=report.tick)
    if head.commit is None:
        raise UpstreamNotFound("the repository is empty")
    listing = provider.listing(address, head, tick=report.tick)
    outline = RepositoryTree(listing).outline(Place(kind, artifact.upstream_path, _inline(artifact, kind)))
    read = reader(provider, address, head, report)
    place = str(head.commit)[:12]
    if kind in KINDS:
        return Side(UPSTREAM, place, "", *meaning_of(kind, artifact.name, _one(outline, read)))
    return parts_side(place, outline.parts, own_name(artifact), read)


def _one(outline: Outline, read: Read) -> bytes:
    (file,) = outline.files(read([part.oid for part in outline.parts]))
    return file.data


def _inline(artifact: Artifact, kind: ArtifactKind) -> str | None:
    """Inside which file its value stands is told by the collection's own file only."""
    if kind not in KINDS:
        return None
    manifest = read_files(home().collection(artifact.collection.slug)).manifest
    record = manifest.get(ArtifactRef(artifact.type, artifact.name)) if manifest else None
    inline = record.extra.get(INLINE) if record else None
    return inline if isinstance(inline, str) else None


def reader(provider: Provider, address: RepositoryAddress, head: Head, report: Report) -> Read:
    """Reads blobs of one commit in few batches, none larger than MAX_FILE."""
    read = partial(provider.read, address, head, max_bytes=MAX_FILE, tick=report.tick)
    return lambda oids: read_all(read, list(oids))


def parts_side(place: str, parts: Sequence[Part], name: str, read: Read) -> Side:
    """The upstream side of what consists of these files; ``name`` is that of an artifact that is one file."""
    contents = {part.path or name: Content(FileMode(part.mode.value), part.oid) for part in parts}
    fetched = _Fetched(read, {part.oid: part.size for part in parts if part.size is not None})
    return Side(UPSTREAM, place, "", contents, fetched.load(), prepare=fetched.prepare)


class _Fetched:
    """Blobs that were fetched for this page."""

    def __init__(self, read: Read, sizes: Mapping[str, int]) -> None:
        self._read = read
        self._sizes = sizes
        self._blobs: dict[str, bytes | int] = {}

    def prepare(self, contents: Iterable[Content]) -> None:
        """Raises UpstreamError by kind, and ContentMismatch where the repository no longer has a file."""
        oids = dict.fromkeys(content.oid for content in contents)
        wanted = [oid for oid in oids if oid not in self._blobs and self._sizes.get(oid, 0) <= MAX_FILE]
        if not wanted:
            return
        blobs = self._read(wanted)
        for oid in wanted:
            large = oid in blobs.unread and oid not in blobs.found and blobs.unread[oid].value == "too_large"
            self._blobs[oid] = self._sizes.get(oid, MAX_FILE + 1) if large else bytes_of(oid, blobs)

    def load(self) -> Load:
        def load(path: str, content: Content, limit: int) -> bytes | int | None:
            data = self._blobs.get(content.oid, self._sizes.get(content.oid))
            return len(data) if isinstance(data, bytes) and len(data) > limit else data

        return load
