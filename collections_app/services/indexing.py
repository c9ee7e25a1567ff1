"""The index of a collection, made again from its files."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from collections_app.domain.types import ArtifactRef, Origin
from collections_app.models import Artifact, Collection
from collections_app.services.homes import home, limits
from collections_app.services.rows import COMPARED, insert_artifacts, recorded, row_id, unrecorded, update_artifacts
from collections_app.store.reader import CollectionOnDisk, Found, read_collection


@dataclass(frozen=True, slots=True)
class Indexed:
    """What indexing one collection came to. ``errors``: artifacts that cannot be read; their rows say why."""

    added: int
    updated: int
    removed: int
    missing: int
    unchanged: int
    errors: tuple[Mapping[str, str], ...]

    @property
    def changed(self) -> bool:
        return bool(self.added or self.updated or self.removed)


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """Rows to write so that the index says what the files say."""

    added: tuple[dict[str, Any], ...]
    updated: tuple[dict[str, Any], ...]
    removed: tuple[uuid.UUID, ...]
    result: Indexed


def read_index(collection: Collection) -> IndexPlan:
    """Compare files and rows, outside any transaction. Raises NotFound (no folder), ManifestInvalid, DiskDenied."""
    on_disk = read_collection(home().collection(collection.slug), limits=limits())
    return plan_index(on_disk, known_rows(collection))


def write_index(collection: Collection, plan: IndexPlan, now: datetime | None = None) -> None:
    """Write the plan: at most four statements. Call it in the transaction that proved the collection's lease."""
    now = now or timezone.now()
    if plan.removed:
        Artifact.objects.filter(pk__among=list(plan.removed)).delete()
    update_artifacts(plan.updated, now)
    if plan.added:
        insert_artifacts(collection, plan.added, now)
    Collection.objects.filter(pk=collection.pk).update(indexed_at=now, problem_code="", problem_detail="")


def plan_index(on_disk: CollectionOnDisk, known: Iterable[Mapping[str, Any]]) -> IndexPlan:
    """What differs between the files and ``known``, rows with ``pk``, ``COMPARED`` and ``keep``.

    A row with ``keep`` is never removed: it becomes missing.
    """
    by_id = {row["pk"]: row for row in known}
    by_ref = {(row["type"], row["name"]): row for row in by_id.values()}
    added, updated, errors = [], [], []
    met: set[uuid.UUID] = set()
    missing = unchanged = 0
    for found in on_disk.artifacts:
        given = row_id(found.record) if found.record else None
        row = (by_id.get(given) if given else None) or by_ref.get((found.ref.type, found.ref.name))
        columns = _columns(found, row)
        missing += not columns["content_oid"] and not columns["problem_code"]
        if columns["problem_code"]:
            errors.append(
                {"artifact": str(found.ref), "code": columns["problem_code"], "detail": columns["problem_detail"]}
            )
        if row is None or row["pk"] in met:
            added.append({"id": given if given and given not in by_id else uuid.uuid4(), **columns})
            continue
        met.add(row["pk"])
        if all(row[name] == columns[name] for name in COMPARED):
            unchanged += 1
        else:
            updated.append({"pk": row["pk"], **columns})
    gone = [row for row in by_id.values() if row["pk"] not in met]
    lost = [{"pk": row["pk"], **_without_files(row)} for row in gone if row["keep"] and row["content_oid"]]
    removed = tuple(row["pk"] for row in gone if not row["keep"])
    kept = sum(1 for row in gone if row["keep"] and not row["content_oid"])
    result = Indexed(
        added=len(added),
        updated=len(updated) + len(lost),
        removed=len(removed),
        missing=missing + len(lost) + kept,
        unchanged=unchanged + kept,
        errors=tuple(errors),
    )
    return IndexPlan(tuple(added), (*updated, *lost), removed, result)


def known_rows(collection: Collection, *, keep_imported: bool = True) -> list[dict[str, Any]]:
    """Every row of the collection, as little of each as a plan needs: two statements.

    To be kept is what is deployed and, unless somebody has gone back behind an import on purpose, what was imported.
    """
    deployed = set(
        Artifact.objects.filter(collection=collection, deployments__isnull=False).values_list("pk", flat=True)
    )
    rows = Artifact.objects.filter(collection=collection).order_by("pk").values("pk", *COMPARED)
    return [{**row, "keep": (keep_imported and bool(row["base_oid"])) or row["pk"] in deployed} for row in rows]


def _columns(found: Found, row: Mapping[str, Any] | None) -> dict[str, Any]:
    told = recorded(found.record) if found.record else unrecorded(found.ref, found.path, Origin.LOCAL)
    problem = found.problem
    if problem is not None and problem.code == "not_found":
        return {**told, "content_oid": "", "problem_code": "", "problem_detail": ""}
    if problem is not None:
        # What it was last stays, so that it is not taken for missing.
        before = row["content_oid"] if row else ""
        return {**told, "content_oid": before, "problem_code": problem.code[:50], "problem_detail": problem.detail}
    return {
        **told,
        "content_oid": found.content.oid if found.content else "",
        "problem_code": "",
        "problem_detail": "",
    }


def _without_files(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: row[name] for name in COMPARED}, "content_oid": "", "problem_code": "", "problem_detail": ""}


def ref_of(artifact: Artifact) -> ArtifactRef:
    return ArtifactRef(artifact.type, artifact.name)
