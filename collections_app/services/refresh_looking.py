"""Finding artifacts in a listing of their repository, and reading what their documents say, in one batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from collections_app.domain.artifact_document import NOTHING_TOLD, Told, document_files, document_kind, told_by
from collections_app.domain.inline import INLINE
from collections_app.domain.refresh_plan import Failure, Mine, Theirs
from collections_app.domain.types import ArtifactKind, ArtifactRef
from collections_app.domain.upstream_moves import Followed, Moves
from collections_app.errors import UpstreamPathNotFound
from collections_app.services.listed_tree import bytes_of
from collections_app.services.upstream_contents import Outline, Place, RepositoryTree, inline_oid
from skillmeat_site.core.documents.frontmatter import MAX_DOCUMENT_BYTES, parse_document
from skillmeat_site.core.errors import DomainError
from skillmeat_site.upstream.types import Blobs


class Read(Protocol):
    """Reads blobs of the commit in one batch. Raises UpstreamError by kind."""

    def __call__(self, oids: Sequence[str], *, max_bytes: int) -> Blobs: ...


@dataclass(slots=True)
class Found:
    """What one commit says, by artifact. ``outlines``: of those whose content is another than here."""

    theirs: dict[ArtifactRef, Theirs | Failure] = field(default_factory=dict)
    outlines: dict[ArtifactRef, Outline] = field(default_factory=dict)


@dataclass(frozen=True)
class Looking:
    """A look at one commit. ``documents``: also what the artifacts say of themselves; ``license``: tells the
    repository's, None where it is of no interest. ``followed``: what all artifacts of the collection follow there.
    """

    tree: RepositoryTree
    commit: str
    read: Read
    documents: bool
    license: Callable[[], str] | None
    followed: Sequence[Followed]

    def at(self, members: Sequence[Mine], last_seen: Mapping[str, str]) -> Found:
        """``last_seen``: content ids by artifact id. Raises UpstreamError by kind: then nothing is known of any."""
        found = Found()
        places = {mine.ref: place for mine in members if (place := self._place(mine, last_seen, found)) is not None}
        wanted = {ref: document for ref, place in places.items() if (document := self._document_oid(ref, place))}
        blobs = self.read(list(dict.fromkeys(wanted.values())), max_bytes=MAX_DOCUMENT_BYTES)
        repository_license: str | None = None
        for mine in members:
            if mine.ref not in places:
                continue
            theirs = self._told(mine, places[mine.ref], wanted.get(mine.ref), blobs, found)
            if isinstance(theirs, Theirs) and self.license is not None and not theirs.told.fields.get("license"):
                repository_license = self.license() if repository_license is None else repository_license
                theirs = replace(theirs, license=repository_license)
            found.theirs[mine.ref] = theirs
        return found

    def _place(self, mine: Mine, last_seen: Mapping[str, str], found: Found) -> Place | None:
        """Where it is; None where that failed, which ``found`` then tells."""
        place = place_of(mine)
        try:
            try:
                self.tree.content_oid(place)
            except UpstreamPathNotFound:
                moved = self._moved(mine, place, last_seen)
                if not moved:
                    raise
                return place._replace(path=moved)
        except DomainError as error:
            found.theirs[mine.ref] = Failure(error.code, error.detail)
            return None
        return place

    def _moved(self, mine: Mine, place: Place, last_seen: Mapping[str, str]) -> str:
        if place.inline is not None:
            return ""  # only reading every file would tell
        return self._moves.new_place(mine.ref.type, (last_seen.get(mine.id, ""), mine.base))

    @cached_property
    def _moves(self) -> Moves:
        return Moves(
            self.followed,
            is_there=lambda one: self.tree.holds(Place(one.type, one.path)),
            places_of=self.tree.places_of,
        )

    def _document_oid(self, ref: ArtifactRef, place: Place) -> str:
        """The blob that tells of the artifact, where it has to be read."""
        if ref.kind is None or (not self.documents and place.inline is None):
            return ""
        folder = "" if place.path == "." else place.path + "/"
        paths = [folder + name if name else place.path for name in document_files(ref.kind)]
        return next((oid for path in paths if (oid := self.tree.oid_of_file(path))), "")

    def _told(self, mine: Mine, place: Place, document: str | None, blobs: Blobs, found: Found) -> Theirs | Failure:
        told = NOTHING_TOLD
        try:
            oid = self.tree.content_oid(place)
            if place.inline is not None:
                oid = inline_oid(place, bytes_of(document or "", blobs))
            elif document and mine.ref.kind:
                told = _says(mine.ref.kind, blobs.found.get(document))
            if oid != mine.current:
                found.outlines[mine.ref] = self.tree.outline(place)
        except DomainError as error:
            return Failure(error.code, error.detail)
        return Theirs(oid, self.commit, told, moved_to=place.path if place != place_of(mine) else "")


def place_of(mine: Mine) -> Place:
    """Where the artifact is upstream, as its record says. Only for one that has an upstream."""
    if mine.record is None or mine.ref.kind is None:
        raise ValueError(f"{mine.ref} has no upstream")
    inline = mine.record.extra.get(INLINE)
    return Place(mine.ref.kind, mine.record.upstream_path or "", inline if isinstance(inline, str) else None)


def _says(kind: ArtifactKind, data: bytes | None) -> Told:
    return NOTHING_TOLD if data is None else told_by(kind, parse_document(document_kind(kind), data))
