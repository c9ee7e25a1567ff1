"""Bringing artifacts from upstream into a collection: the door through which the marketplace imports."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from collections_app.domain.artifact_edit import users_fields
from collections_app.domain.import_plan import Occupant
from collections_app.domain.inline import INLINE
from collections_app.domain.lockfile import LockEntry
from collections_app.domain.manifest import ArtifactRecord, Manifest
from collections_app.domain.names import artifact_path
from collections_app.domain.types import ArtifactKind, ArtifactRef, Origin
from collections_app.errors import ChangedOnDisk, UnsafePath
from collections_app.models import Artifact, Collection
from collections_app.services.bases import keep_bases
from collections_app.services.changing import Change, Put, change_collection, present
from collections_app.services.holding import HeldCollection
from collections_app.services.homes import home, limits
from collections_app.services.rows import TOLD, insert_artifacts, recorded, row_id, update_artifacts
from collections_app.services.standing import Seen, place_of
from collections_app.store.content_ids import Tally, blob_oid
from collections_app.store.reader import read_collection, read_files
from collections_app.store.staging import NewFile, check_folder
from skillmeat_site.core.errors import DomainError, NotFound
from skillmeat_site.upstream.errors import ContentMismatch


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where content comes from. ``ref`` is empty for the default branch; ``commit`` is where it was read."""

    url: str
    ref: str
    path: str
    commit: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """One artifact to bring in. ``oid`` is what its files must come to, and what the repository said.

    ``artifact_id`` names the artifact that it becomes, whose id, pin and tags stay unless it is ``fresh``; None makes
    a new one. ``replaces``: what stands at its place is that artifact, as it was before the snapshot; None: nothing
    may stand there.
    ``inline``: its value stands inside the file at the upstream path (``upstream_contents.Place``).
    ``told``: title, description, author, license, version as the repository tells them.
    """

    ref: ArtifactRef
    files: Sequence[NewFile]
    oid: str
    upstream: Upstream
    told: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ()
    artifact_id: uuid.UUID | None = None
    replaces: Seen | None = None
    fresh: bool = False
    import_id: str = ""
    inline: str | None = None


@dataclass(frozen=True, slots=True)
class Installed:
    """``previous_oid``: what was on disk, empty where nothing, or nothing that has an id. ``replaced``: something was.

    ``edited``: that was not what had been imported.
    """

    incoming: Incoming
    artifact_id: uuid.UUID
    previous_oid: str
    replaced: bool
    edited: bool


OnInstalled = Callable[[Sequence[Installed]], None]


def occupants(collection: Collection, wanted: Iterable[ArtifactRef] = ()) -> list[Occupant]:
    """Every name of the collection that is taken: by artifacts, by records without files, by files without a record.

    Read from the disk, which is the truth; an artifact that the index does not know yet is managed all the same.
    What stands where one of ``wanted`` is due counts, whatever it is. Raises ManifestInvalid.
    """
    folder = home().collection(collection.slug)
    rows = Artifact.objects.filter(collection=collection).order_by("pk").only("type", "name")
    ids = {ArtifactRef(row.type, row.name): str(row.pk) for row in rows}
    found = read_collection(folder, limits=limits()).artifacts if folder.exists() else ()
    taken = [
        Occupant(
            ids.get(row.ref) or str(row_id(row.record) or uuid.uuid4()) if row.record else "",
            row.ref,
            present=row.problem is None or row.problem.code != NotFound.code,
            recorded=row.record is not None,
        )
        for row in found
    ]
    met = {row.ref for row in found}
    taken += [Occupant(id_, ref, present=False, recorded=False) for ref, id_ in ids.items() if ref not in met]
    return taken + [Occupant("", ref) for ref in dict.fromkeys(wanted) if ref not in met and _in_the_way(folder, ref)]


def _in_the_way(folder: Path, ref: ArtifactRef) -> bool:
    """Whether something stands where the artifact is due, an empty folder excepted; names that are refused do not."""
    if ref.kind is None:
        return False
    try:
        path = folder / artifact_path(ref.kind, ref.name)
    except UnsafePath:
        return False
    if path.is_dir() and not path.is_symlink():
        return any(path.iterdir())
    return os.path.lexists(path)


def check_files(ref: ArtifactRef, files: Sequence[NewFile], oid: str) -> None:
    """Raise what staging an artifact's files would raise: UnsafePath, UnsafeLink, LimitExceeded, ContentMismatch."""
    if ref.kind is not None and ref.kind.is_folder:
        check_folder(files, expected_oid=oid, limits=limits())
    else:
        (file,) = files
        Tally(limits()).add("", len(file.data))
        if blob_oid(file.data) != oid:
            raise ContentMismatch(f"the content is not {oid}")


def install(
    held: HeldCollection, incoming: Sequence[Incoming], *, kind: str, on_installed: OnInstalled
) -> dict[ArtifactRef, DomainError]:
    """Put at most ``changing.CHUNK`` artifacts into a held collection; return those that failed.

    ``on_installed`` is called in the database transaction that makes them count, with those that came about. Raises
    as ``change_collection``.
    """
    now = timezone.now()
    manifest = _manifest(held)
    named = {
        row.pk: row
        for row in Artifact.objects.filter(pk__in=[item.artifact_id for item in incoming if item.artifact_id])
    }
    known = {pk: row for pk, row in named.items() if row.collection_id == held.row.pk}
    failed: dict[ArtifactRef, DomainError] = {}
    puts: dict[ArtifactRef, tuple[Put, Installed]] = {}
    for item in incoming:
        try:
            if item.artifact_id in named and item.artifact_id not in known:  # a folder copied from another collection
                item = replace(item, artifact_id=uuid.uuid4())
            puts[item.ref] = _put(held, manifest, known, item, now)
        except DomainError as error:
            failed[item.ref] = error

    def write_rows(done: Mapping[ArtifactRef, Change]) -> None:
        installed = [puts[ref] for ref in done]
        _write(held, known, installed, now)
        on_installed([result for _, result in installed])

    failed |= change_collection(held, [put for put, _ in puts.values()], kind=kind, write_rows=write_rows)
    keep_bases(held, [put.record for ref, (put, _) in puts.items() if ref not in failed])
    return failed


def _manifest(held: HeldCollection) -> Manifest | None:
    return read_files(held.folder).manifest if held.folder.exists() else None


def _put(
    held: HeldCollection,
    manifest: Manifest | None,
    known: Mapping[uuid.UUID, Artifact],
    item: Incoming,
    now: datetime,
) -> tuple[Put, Installed]:
    old = manifest.get(item.ref) if manifest else None
    path = place_of(item.ref, old)
    seen = item.replaces or Seen(path, present(held, path))
    if item.replaces is None:
        seen.refuse()
    elif seen.path != path:
        raise ChangedOnDisk(f"{path[:200]!r} is its place now, and was not before.")
    row = known.get(item.artifact_id) if item.artifact_id else None
    artifact_id = item.artifact_id if item.artifact_id and not item.fresh else uuid.uuid4()
    record = _record(item, None if item.fresh else old, path, artifact_id, now)
    base = (old.base_oid or "") if old else row.base_oid if row else ""
    lock = LockEntry(
        ref=item.ref,
        content_hash=item.oid,
        content_oid=item.oid,
        fetched=now,
        upstream=item.upstream.url,
        resolved_sha=item.upstream.commit or None,
        extra={"written": {name: value for name, value in item.told.items() if value}},
    )
    put = Put(record, item.files, seen.oid, lock, old)
    edited = seen.is_there and seen.oid not in (base, item.oid)
    return put, Installed(item, artifact_id, seen.content_oid, replaced=seen.is_there, edited=edited)


def _record(
    item: Incoming, old: ArtifactRecord | None, path: str, artifact_id: uuid.UUID, now: datetime
) -> ArtifactRecord:
    """Of an artifact that is replaced stays what its user decided (tags, pin, fields), and what we do not know."""
    users = users_fields(old) if old else frozenset()
    told = {name: item.told[name] for name in TOLD if item.told.get(name) and name not in users}
    kept = {name: value for name, value in old.metadata.items() if name not in TOLD or name in users} if old else {}
    return ArtifactRecord(
        type=item.ref.type,
        name=item.ref.name,
        path=path,
        origin=Origin.MARKETPLACE,
        origin_source=None,
        added=old.added if old else now,
        last_updated=now,
        uuid=artifact_id.hex,
        upstream=item.upstream.url,
        upstream_path=item.upstream.path,
        version_spec=item.upstream.ref or "latest",
        resolved_sha=item.upstream.commit or None,
        content_oid=item.oid,
        base_oid=item.oid,
        pin=old.pin if old else None,
        pin_reason=old.pin_reason if old else None,
        tags=tuple(dict.fromkeys([*(old.tags if old else ()), *item.tags])),
        import_id=item.import_id or None,
        target_platforms=old.target_platforms if old else (),
        metadata={**kept, **told},
        extra=_extra(item, old),
    )


def _extra(item: Incoming, old: ArtifactRecord | None) -> dict[str, Any]:
    kept = {name: value for name, value in (old.extra if old else {}).items() if name != INLINE}
    return kept if item.inline is None else {**kept, INLINE: item.inline}


def _write(
    held: HeldCollection,
    known: Mapping[uuid.UUID, Artifact],
    installed: Sequence[tuple[Put, Installed]],
    now: datetime,
) -> None:
    new: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    for put, result in installed:
        columns = {
            **recorded(put.record, put.lock),
            "content_oid": result.incoming.oid,
            "problem_code": "",
            "problem_detail": "",
            "upstream_oid": result.incoming.oid,
            "upstream_commit": result.incoming.upstream.commit,
            "checked_at": now,
            "check_code": "",
        }
        if result.artifact_id in known:
            again.append({"pk": result.artifact_id, **columns})
        else:
            new.append({"id": result.artifact_id, **columns})
    fresh = (result.incoming for _, result in installed if result.incoming.fresh)
    replaced = [incoming.artifact_id for incoming in fresh if incoming.artifact_id]
    if replaced:
        Artifact.objects.filter(pk__in=replaced).delete()
    if new:
        insert_artifacts(held.row, new, now)
    update_artifacts(again, now, also=("upstream_oid", "upstream_commit", "checked_at", "check_code"))


def kind_of(type_: str) -> ArtifactKind | None:
    """None for what is never imported: a marketplace."""
    return ArtifactRef(type_, "").kind
