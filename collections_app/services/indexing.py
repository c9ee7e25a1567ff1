"""The index of a collection, made again from its files."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.db.models import CharField, F
from django.db.models.functions import Cast
from django.utils import timezone

from collections_app.domain.lockfile import LockEntry
from collections_app.domain.names import stored_ref
from collections_app.domain.types import ArtifactRef, Origin, Problem
from collections_app.errors import ManifestInvalid
from collections_app.followers import tell_followers
from collections_app.models import Artifact, Collection
from collections_app.services.holding import HeldCollection, held_collection
from collections_app.services.homes import home, limits
from collections_app.services.index_results import FailedIndex, IndexAllResult, Indexed, IndexResult
from collections_app.services.name_doubles import doubles_of
from collections_app.services.rows import COMPARED, insert_artifacts, recorded, row_id, unrecorded, update_artifacts
from collections_app.store.reader import CollectionOnDisk, Found, read_collection, read_files
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, DomainError, JobTimeout, LeaseLost, NotFound
from skillmeat_site.core.jobs.failures import as_domain_error
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report

log = structlog.get_logger(__name__)

_compared = itemgetter(*COMPARED)


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """Rows to write so that the index says what the files say."""

    added: tuple[dict[str, Any], ...]
    updated: tuple[dict[str, Any], ...]
    removed: tuple[uuid.UUID, ...]
    renamed: tuple[uuid.UUID, ...]
    result: Indexed

    @property
    def changes(self) -> bool:
        return bool(self.added or self.updated or self.removed)


def index_collection(
    slug: str, *, actor: Actor, report: Report, job_id: uuid.UUID | None = None, dry_run: bool = False
) -> IndexResult:
    """Bring the rows of one collection up to date with its files: one transaction, all or nothing.

    Raises NotFound (the folder is gone, and there are rows), ManifestInvalid, DiskDenied, CollectionBusy: the rows
    stay as they are then, and the collection's own row tells why.
    """
    with held_collection(slug, report) as held:
        try:
            plan = read_index(held.row)
        except (ManifestInvalid, NotFound) as error:
            if not dry_run:
                _write_problem(held, error)
            raise
        if not dry_run:
            with transaction.atomic():
                held.lease.fence()
                write_index(held.row, plan)
                if plan.changes:
                    counted = {name: value for name, value in asdict(plan.result).items() if name != "errors"}
                    AuditEvent.record(actor, "collection.indexed", held.row, job_id=job_id, **counted)
    return IndexResult(slug, plan.result, plan.changes, dry_run)


def index_collections(
    slugs: Sequence[str], *, actor: Actor, report: Report, job_id: uuid.UUID | None = None, dry_run: bool = False
) -> IndexAllResult:
    """Index several collections, each in a transaction of its own; one that fails is a row among the errors."""
    began = time.monotonic()
    done: list[IndexResult] = []
    failed: list[FailedIndex] = []
    for number, slug in enumerate(slugs):
        report.progress(number, len(slugs), slug)
        try:
            done.append(index_collection(slug, actor=actor, report=report, job_id=job_id, dry_run=dry_run))
        except (LeaseLost, Cancelled, JobTimeout):
            raise
        except DomainError as error:
            failed.append(FailedIndex(slug, error.code, error.detail))
        except DatabaseError as error:
            if as_domain_error(error) is not None:  # there is no database: the others would fare no better
                raise
            log.exception("index.refused", collection=slug)
            failed.append(FailedIndex(slug, DomainError.code, "The database refused its rows. The log tells more."))
    return IndexAllResult(tuple(done), tuple(failed), round(time.monotonic() - began, 3), dry_run)


def _write_problem(held: HeldCollection, error: DomainError) -> None:
    with transaction.atomic():
        held.lease.fence()
        note_problem(held.row, error)


def note_problem(collection: Collection, error: DomainError) -> None:
    """Let the collection's row tell why it could not be read. Call it in the transaction that proved the lease."""
    problem = {"problem_code": error.code[:50], "problem_detail": error.detail}
    Collection.objects.filter(pk=collection.pk).update(**problem, updated_at=timezone.now())


def read_index(collection: Collection) -> IndexPlan:
    """Compare files and rows, outside any transaction. Raises NotFound (no folder), ManifestInvalid, DiskDenied."""
    folder = home().collection(collection.slug)
    if not folder.exists() and not Artifact.objects.filter(collection=collection).exists():
        return plan_index(CollectionOnDisk(read_files(folder), ()), ())
    return plan_for(collection, read_collection(folder, limits=limits()))


def plan_for(collection: Collection, on_disk: CollectionOnDisk, *, keep_imported: bool = True) -> IndexPlan:
    """What differs between files as they were read and the collection's rows: three statements."""
    known = known_rows(collection, keep_imported=keep_imported)
    return plan_index(on_disk, known, taken=_ids_elsewhere(collection, on_disk))


def write_index(collection: Collection, plan: IndexPlan, now: datetime | None = None) -> None:
    """Write the plan: at most five statements. Call it in the transaction that proved the collection's lease.

    Those who follow the index (``followers``) hear of new rows.
    """
    now = now or timezone.now()
    if plan.removed:
        Artifact.objects.filter(pk__among=list(plan.removed)).delete()
    if plan.renamed:
        # Out of each other's way first: two that have changed names would meet halfway.
        Artifact.objects.filter(pk__among=list(plan.renamed)).update(name=Cast("pk", CharField()))
    update_artifacts(plan.updated, now)
    if plan.added:
        insert_artifacts(collection, plan.added, now)
        tell_followers([row["id"] for row in plan.added])
    told: dict[str, Any] = {"indexed_at": now, "problem_code": "", "problem_detail": ""}
    if plan.changes:
        # What was planned on the old rows is planned on nothing any more.
        told |= {"revision": F("revision") + 1, "updated_at": now}
    Collection.objects.filter(pk=collection.pk).update(**told)


def plan_index(
    on_disk: CollectionOnDisk, known: Iterable[Mapping[str, Any]], *, taken: Container[uuid.UUID] = ()
) -> IndexPlan:
    """What differs between the files and ``known``, rows with ``pk``, ``COMPARED`` and ``keep``.

    A row with ``keep`` is not removed but becomes missing, unless another artifact has its name now. ``taken`` are ids
    that other collections have (the folder is a copy of theirs): the rows here get ids of their own.
    """
    planner = _Planner(on_disk, known, taken)
    doubles = doubles_of(on_disk.artifacts, planner.names)
    for found in on_disk.artifacts:
        if (problem := doubles.get(found.ref)) is not None:
            planner.keep_out(found, problem)
        else:
            planner.match(found)
    return planner.plan()


class _Planner:
    """Matches artifacts with rows, by id, else by type and name; each row is met once."""

    def __init__(
        self, on_disk: CollectionOnDisk, known: Iterable[Mapping[str, Any]], taken: Container[uuid.UUID]
    ) -> None:
        self.names = {stored_ref(found.ref) for found in on_disk.artifacts}
        self._on_disk, self._taken = on_disk, taken
        self._by_id = {row["pk"]: row for row in known}
        self._by_ref = {ArtifactRef(row["type"], row["name"]): row for row in self._by_id.values()}
        self._locks = on_disk.files.lock.by_ref()
        self._added: list[dict[str, Any]] = []
        self._updated: list[dict[str, Any]] = []
        self._errors: list[dict[str, str]] = []
        self._counts: Counter[str] = Counter()
        self._renamed: list[uuid.UUID] = []
        self._met: set[uuid.UUID] = set()

    def keep_out(self, found: Found, problem: Problem) -> None:
        """One whose name another has in the index: it gets no row, and the row that it has had tells why."""
        self._errors.append(_error(found, problem))
        own = self._by_id.get(_given_id(found))
        if own is not None and (own["type"], own["name"]) not in self.names:
            self._met.add(own["pk"])
            if (own["problem_code"], own["problem_detail"]) != (problem.code, problem.detail):
                self._updated.append({"pk": own["pk"], **_with_problem(own, problem)})

    def match(self, found: Found) -> None:
        given = _given_id(found)
        row = self._by_id.get(given) or self._by_ref.get(stored_ref(found.ref))
        columns = _columns(found, self._locks.get(found.ref), row)
        if row is None or row["pk"] in self._met:
            free = given if given and given not in self._by_id and given not in self._taken else uuid.uuid4()
            self._added.append({"id": free, **columns})
            how = "added"
        else:
            how = self._again(row, columns)
        if columns["problem_code"]:
            self._errors.append(_error(found, Problem(columns["problem_code"], columns["problem_detail"])))
        else:
            self._counts[how if columns["content_oid"] else "missing"] += 1

    def _again(self, row: Mapping[str, Any], columns: Mapping[str, Any]) -> str:
        self._met.add(row["pk"])
        if (row["type"], row["name"]) != (columns["type"], columns["name"]):
            self._renamed.append(row["pk"])
        if _compared(row) == _compared(columns):
            return "unchanged"
        self._updated.append({"pk": row["pk"], **columns})
        return "updated"

    def plan(self) -> IndexPlan:
        gone = [row for row in self._by_id.values() if row["pk"] not in self._met]
        kept = [row for row in gone if row["keep"] and (row["type"], row["name"]) not in self.names]
        lost = [{"pk": row["pk"], **_without_files(row)} for row in kept if row["content_oid"]]
        removed = tuple({row["pk"] for row in gone} - {row["pk"] for row in kept})
        problems = ({"artifact": row.path, "code": row.code, "detail": row.detail} for row in self._on_disk.problems)
        result = Indexed(
            added=self._counts["added"],
            updated=self._counts["updated"],
            removed=len(removed),
            missing=self._counts["missing"] + len(kept),
            unchanged=self._counts["unchanged"],
            errors=(*self._errors, *problems),
        )
        return IndexPlan(tuple(self._added), (*self._updated, *lost), removed, tuple(self._renamed), result)


def _given_id(found: Found) -> uuid.UUID | None:
    return row_id(found.record) if found.record else None


def _error(found: Found, problem: Problem) -> dict[str, str]:
    return {"artifact": str(found.ref.told), "code": problem.code, "detail": problem.detail}


def known_rows(collection: Collection, *, keep_imported: bool = True) -> list[dict[str, Any]]:
    """Every row of the collection, as little of each as a plan needs: two statements.

    To be kept is what is deployed and, unless somebody has gone back behind an import on purpose, what was imported.
    """
    deployed = set(
        Artifact.objects.filter(collection=collection, deployments__isnull=False).values_list("pk", flat=True)
    )
    rows = Artifact.objects.filter(collection=collection).order_by("pk").values("pk", *COMPARED)
    return [{**row, "keep": (keep_imported and bool(row["base_oid"])) or row["pk"] in deployed} for row in rows]


def _columns(found: Found, lock: LockEntry | None, row: Mapping[str, Any] | None) -> dict[str, Any]:
    told = recorded(found.record, lock) if found.record else unrecorded(found.ref, found.path, Origin.LOCAL)
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


def _with_problem(row: Mapping[str, Any], problem: Problem) -> dict[str, Any]:
    return {**{name: row[name] for name in COMPARED}, "problem_code": problem.code, "problem_detail": problem.detail}


def _ids_elsewhere(collection: Collection, on_disk: CollectionOnDisk) -> set[uuid.UUID]:
    given = {row_id(found.record) for found in on_disk.artifacts if found.record} - {None}
    others = Artifact.objects.exclude(collection=collection).filter(pk__among=list(given))
    return set(others.values_list("pk", flat=True)) if given else set()
