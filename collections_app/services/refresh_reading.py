"""What a refresh starts from: the artifacts of a collection as they lie on disk, and what upstream was seen to be."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from collections_app.domain.artifact_document import document_files, document_kind, told_by
from collections_app.domain.inline import INLINE
from collections_app.domain.lockfile import LockEntry
from collections_app.domain.manifest import ArtifactRecord
from collections_app.domain.names import collision_key, stored_ref
from collections_app.domain.refresh_fields import Written
from collections_app.domain.refresh_options import Filters
from collections_app.domain.refresh_plan import Mine, Repo, repo_of
from collections_app.domain.types import ArtifactRef, Problem
from collections_app.domain.upstream_moves import Followed
from collections_app.errors import UnsafePath
from collections_app.models import Artifact, Collection
from collections_app.services.contents import read_head
from collections_app.services.homes import home, limits
from collections_app.services.name_doubles import doubles_of
from collections_app.services.rows import row_id
from collections_app.store.reader import CollectionOnDisk, Found, read_collection
from skillmeat_site.core.documents.frontmatter import parse_document
from skillmeat_site.core.errors import DomainError, FieldProblem, InvalidParameter, NotFound


@dataclass(frozen=True, slots=True)
class LastSeen:
    """What the index remembers of an artifact's upstream: what ``oid`` it had at ``commit``."""

    oid: str
    commit: str
    code: str


@dataclass(frozen=True, slots=True)
class Reading:
    """``mine``: the artifacts that the filters take, by type and name. The others: of all.

    ``digest`` is another one as soon as any file of the collection that counts is.
    """

    mine: tuple[Mine, ...]
    locks: Mapping[ArtifactRef, LockEntry]
    seen: Mapping[str, LastSeen]
    followed: Mapping[Repo, Sequence[Followed]]
    digest: str = ""


def read_mine(collection: Collection, filters: Filters, *, with_written: bool = True) -> Reading:
    """Read the collection from its disk; nothing is written, no lease needed.

    ``with_written``: also what the last import or refresh wrote into each record. Raises NotFound (no folder, though
    there are rows), ManifestInvalid, DiskDenied; InvalidParameter for ids that are no artifact's.
    """
    rows = _Rows(_rows(collection))
    seen = {
        str(pk): LastSeen(row["upstream_oid"], row["upstream_commit"], row["check_code"])
        for pk, row in rows.left.items()
    }
    folder = home().collection(collection.slug)
    if not folder.exists() and not rows.left:
        _refuse_unknown(filters, set(), collection)
        return Reading((), {}, {}, {})
    on_disk = read_collection(folder, limits=limits(), with_lock=with_written)
    locks = on_disk.files.lock.by_ref()
    names = {stored_ref(found.ref) for found in on_disk.artifacts}
    doubles = doubles_of(on_disk.artifacts, names)
    problems = {**_shared(on_disk), **doubles}
    mine = []
    for found in on_disk.artifacts:
        artifact_id = rows.keep(found, names) if found.ref in doubles else rows.take(found)
        if filters.takes(found.ref, artifact_id):
            written = _written(collection, found, locks.get(found.ref)) if with_written else Written()
            mine.append(_mine(found, artifact_id, written, problems.get(found.ref)))
    for row in rows.without_files(names):
        ref = ArtifactRef(row["type"], row["name"])
        if filters.takes(ref, str(row["pk"])):
            mine.append(Mine(id=str(row["pk"]), ref=ref, path=row["path"], record=None, current=""))
    _refuse_unknown(filters, {one.id for one in mine}, collection)
    followed = _followed(found.record for found in on_disk.artifacts if found.record)
    return Reading(tuple(sorted(mine, key=lambda one: one.ref)), locks, seen, followed, _digest(on_disk))


class _Rows:
    """The index, matched with the artifacts on disk as ``indexing.plan_index`` does: by id, else by type and name.

    So what a check or a dry run tells is told as if the index were up to date.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.left = {row["pk"]: row for row in rows}
        self._by_ref = {ArtifactRef(row["type"], row["name"]): row["pk"] for row in self.left.values()}
        self._known = frozenset(self.left)

    def take(self, found: Found) -> str:
        """The id of an artifact; empty for one that has none yet."""
        given = row_id(found.record) if found.record else None
        pk = given if given in self._known else self._by_ref.get(stored_ref(found.ref))
        if pk in self.left:
            del self.left[pk]
            return str(pk)
        return "" if given is None or given in self._known else str(given)

    def keep(self, found: Found, names: Container[ArtifactRef]) -> str:
        """The id of an artifact that the index has no room for: its own row's, unless that name is another's."""
        pk = row_id(found.record) if found.record else None
        if pk not in self.left or ArtifactRef(self.left[pk]["type"], self.left[pk]["name"]) in names:
            return ""
        del self.left[pk]
        return str(pk)

    def without_files(self, present: Container[ArtifactRef]) -> Iterator[Mapping[str, Any]]:
        """Of what was not taken, the rows that an index keeps."""
        gone = [pk for pk, row in self.left.items() if ArtifactRef(row["type"], row["name"]) not in present]
        kept = Artifact.objects.filter(pk__among=gone).outlasting_files().values_list("pk", flat=True) if gone else ()
        for pk in sorted(kept):
            yield self.left[pk]


def _digest(on_disk: CollectionOnDisk) -> str:
    told = [on_disk.files.manifest_oid or "", on_disk.files.lock_oid or ""]
    told += (f"{found.path}\0{found.content.oid if found.content else ''}" for found in on_disk.artifacts)
    return hashlib.sha256("\0".join(told).encode("utf-8", "surrogateescape")).hexdigest()


def _followed(records: Iterable[ArtifactRecord]) -> dict[Repo, list[Followed]]:
    """What artifacts follow, those excepted that stand inside a file: of these nothing but reading it tells."""
    followed: dict[Repo, list[Followed]] = {}
    for record in records:
        if record.upstream and record.upstream_path and record.ref.kind and INLINE not in record.extra:
            one = Followed(record.type, record.upstream_path, record.base_oid or "")
            followed.setdefault(repo_of(record), []).append(one)
    return followed


def _rows(collection: Collection) -> list[dict[str, Any]]:
    columns = ("pk", "type", "name", "path", "upstream_oid", "upstream_commit", "check_code")
    return list(Artifact.objects.filter(collection=collection).order_by("pk").values(*columns))


def _shared(on_disk: CollectionOnDisk) -> dict[ArtifactRef, Problem]:
    """Artifacts that have one path: what was written for one would be the other's as well, so for neither it is."""
    by_place: dict[str, list[Found]] = {}
    for found in on_disk.artifacts:
        by_place.setdefault(collision_key(found.path), []).append(found)
    shared: dict[ArtifactRef, Problem] = {}
    for several in by_place.values():
        for found in several if len(several) > 1 else ():
            other = next(one for one in several if one is not found)
            shared[found.ref] = Problem(UnsafePath.code, f"{other.ref} has the same path.", found.path)
    return shared


def _mine(found: Found, artifact_id: str, written: Written, problem: Problem | None) -> Mine:
    gone = found.problem is not None and found.problem.code == NotFound.code
    return Mine(
        id=artifact_id,
        ref=found.ref,
        path=found.path,
        record=found.record,
        current=found.content.oid if found.content else "",
        problem=problem or (None if gone else found.problem),
        written=written,
    )


def _written(collection: Collection, found: Found, lock: LockEntry | None) -> Written:
    """What import or refresh wrote. Where nobody noted it (SkillMeat 1.x), what the artifact's own file says.

    For that is what 1.x took over; a value that is another one was set by a person.
    """
    noted = Written.in_lock(lock)
    kind = found.ref.kind
    if noted is not None or kind is None or found.content is None:
        return noted or Written()
    files = {entry.path for entry in found.content.files}
    name = next((name for name in document_files(kind) if name in files), None)
    if name is None:
        return Written()
    try:
        data = read_head(collection.slug, f"{found.path}/{name}" if name else found.path)
    except DomainError:
        return Written()
    told = told_by(kind, parse_document(document_kind(kind), data))
    return Written(told.fields, told.tags)


def _refuse_unknown(filters: Filters, found: set[str], collection: Collection) -> None:
    unknown = sorted(set(filters.ids) - found) if not (filters.types or filters.name) else []
    if filters.ids and not unknown:
        known = {str(pk) for pk in Artifact.objects.filter(collection=collection).values_list("pk", flat=True)}
        unknown = sorted(set(filters.ids) - known - found)
    if unknown:
        detail = f"the collection {collection.slug} has no artifact {', '.join(unknown[:5])}"
        raise InvalidParameter(f"ids: {detail}", errors=(FieldProblem("/filters/ids", "not_found", detail),))
