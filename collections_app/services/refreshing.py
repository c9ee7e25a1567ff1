"""Refreshing a collection: what its upstreams say goes into its records, and with a sync into its files.

resolve, listing, plan, apply: planned as a whole first, then carried out in chunks of one disk transaction each.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from collections_app.domain.lockfile import LockEntry
from collections_app.domain.manifest import ArtifactRecord
from collections_app.domain.refresh_fields import WRITTEN, WRITTEN_TAGS
from collections_app.domain.refresh_options import RefreshMode, RefreshOptions
from collections_app.domain.refresh_plan import Planned, Step
from collections_app.domain.types import ArtifactRef
from collections_app.models import RefreshPlan, Snapshot
from collections_app.services.bases import keep_bases, keep_contents
from collections_app.services.changing import CHUNK, Change, Note, Put, change_collection
from collections_app.services.checking import check_updates, note_seen, seen_columns
from collections_app.services.holding import HeldCollection, find_collection, held_collection
from collections_app.services.indexing import read_index, write_index
from collections_app.services.refresh_planning import (
    READ_TOGETHER,
    Files,
    Prepared,
    prepare,
    read_files_of,
    rehearse,
)
from collections_app.services.refresh_plans import (
    close_plan,
    commits_of,
    find_plan,
    hold_to,
    refuse_stale,
    store_plan,
)
from collections_app.services.refresh_results import RefreshResult, UpdateCheckResult
from collections_app.services.results import Restored
from collections_app.services.rows import recorded, update_artifacts
from collections_app.services.snapshots import restore_snapshot, take_snapshot
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled, DomainError, NotFound
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import Report

BEFORE_REFRESH = "before-refresh"
SEEN = ("upstream_oid", "upstream_commit", "checked_at", "check_code")


@dataclass(frozen=True, slots=True)
class _Run:
    options: RefreshOptions
    actor: Actor
    report: Report
    job_id: UUID | None
    began: float


def refresh_collection(
    slug: str,
    options: RefreshOptions,
    *,
    actor: Actor,
    report: Report,
    job_id: UUID | None = None,
    dry_run: bool = False,
) -> RefreshResult | UpdateCheckResult:
    """Check, or refresh what the options take; every artifact settles by itself, and the collection is held meanwhile.

    A snapshot comes before the first change, and none where nothing changes. A dry run changes nothing, and keeps its
    plan to be applied (``apply_plan``). Raises NotFound, CollectionBusy, ManifestInvalid, InvalidParameter for unknown
    ids, LeaseLost, DiskFull: what was finished before stays.
    """
    run = _Run(options, actor, report, job_id, time.monotonic())
    if options.mode is RefreshMode.CHECK_ONLY:
        return check_updates(slug, options, report=report, dry_run=dry_run)
    if dry_run:
        row = find_collection(slug)
        prepared = prepare(row, options, report)
        rehearse(prepared, report)
        plan_id = store_plan(row, options, prepared) if prepared.changes else None
        return _result(slug, run, prepared, dry_run=True, plan_id=plan_id)
    with held_collection(slug, report) as held:
        _index_first(held)
        prepared = prepare(held.row, options, report)
        return _carry_out(held, run, prepared)


def apply_plan(
    slug: str, plan_id: str, *, actor: Actor, report: Report, job_id: UUID | None = None, dry_run: bool = False
) -> RefreshResult:
    """Do exactly what a dry run has told.

    Raises NotFound, StalePlan where the collection has moved, the plan was applied, or it would come out otherwise
    now; as ``refresh_collection`` else.
    """
    with held_collection(slug, report) as held:
        plan = find_plan(held.row, plan_id)
        options = RefreshOptions.of(plan.options)
        run = _Run(options, actor, report, job_id, time.monotonic())
        refuse_stale(plan, held.row)
        if not dry_run:
            _index_first(held)
        prepared = prepare(held.row, options, report, commits_of(plan))
        hold_to(plan, prepared)
        if dry_run:
            rehearse(prepared, report)
            return _result(slug, run, prepared, dry_run=True, plan_id=str(plan.pk))
        return _carry_out(held, run, prepared, plan)


def rollback_refresh(
    slug: str, *, actor: Actor, report: Report, job_id: UUID | None = None, dry_run: bool = False
) -> Restored:
    """Give back the collection as it was before its newest refresh that changed something, byte for byte.

    What is there now goes into a safety snapshot first. Raises NotFound where no refresh has changed anything, and as
    ``restore_snapshot``.
    """
    row = find_collection(slug)
    before = Snapshot.objects.filter(collection=row, reason=BEFORE_REFRESH)
    newest = before.order_by("-revision", "-created_at", "-key").first()
    if newest is None:
        raise NotFound(f"The collection {slug} has no snapshot from before a refresh.")
    return restore_snapshot(slug, str(newest.pk), actor=actor, report=report, job_id=job_id, dry_run=dry_run)


def _index_first(held: HeldCollection) -> None:
    """The index says what the files say before anything is planned on either."""
    plan = read_index(held.row)
    if plan.changes:
        with transaction.atomic():
            held.lease.fence()
            write_index(held.row, plan)
        held.row.refresh_from_db()


def _carry_out(held: HeldCollection, run: _Run, prepared: Prepared, plan: RefreshPlan | None = None) -> RefreshResult:
    snapshot = _write(held, run, prepared)
    with transaction.atomic():
        held.lease.fence()
        note_seen(prepared.reading, prepared.answers, but=[one.mine.ref for one in prepared.changes])
        if plan is not None:
            close_plan(plan)
    told = {"snapshot_id": str(snapshot.pk) if snapshot else None, "plan_id": str(plan.pk) if plan else None}
    return _result(held.row.slug, run, prepared, **told)


def _result(slug: str, run: _Run, prepared: Prepared, **more: Any) -> RefreshResult:
    duration = round((time.monotonic() - run.began) * 1000)
    planned = tuple(prepared.planned)
    more |= {"reset_at": prepared.reset_at, "cancelled": prepared.cancelled}
    return RefreshResult(slug, run.options, planned, duration, **more)


def _write(held: HeldCollection, run: _Run, prepared: Prepared) -> Snapshot | None:
    """Carry out the plan chunk by chunk; what fails is put into its rows.

    Returns the snapshot from before the first; None where nothing came about: a rollback must not find one then.
    Raises Cancelled as long as nothing is written; later the rest is deferred.
    """
    snapshot, done = None, set[ArtifactRef]()
    total = len(prepared.changes)
    try:
        for waiting in _chunks(prepared, run.report):
            if snapshot is None:
                snapshot = take_snapshot(held, reason=BEFORE_REFRESH, actor=run.actor, job_id=run.job_id)
            _write_chunk(held, run, prepared, waiting, str(snapshot.pk))
            done |= waiting.keys()
            run.report.progress(len(done), total, "refreshing")
    except Cancelled as error:
        prepared.settle({one.mine.ref: one.failed_by(error) for one in prepared.changes if one.mine.ref not in done})
        prepared.cancelled = True
    if snapshot is not None and not prepared.changes:
        snapshot.delete()
        snapshot = None
    if prepared.cancelled and not done:
        raise Cancelled
    return snapshot


def _chunks(prepared: Prepared, report: Report) -> Iterator[dict[ArtifactRef, tuple[Planned, Change]]]:
    """What is written together; what could not be read is put into its row."""
    waiting: dict[ArtifactRef, tuple[Planned, Change]] = {}
    for one, change in _changes(prepared, report):
        if isinstance(change, DomainError):
            prepared.settle({one.mine.ref: one.failed_by(change)})
            continue
        waiting[one.mine.ref] = (one, change)
        if len(waiting) == CHUNK:
            yield waiting
            waiting = {}
    if waiting:
        yield waiting


def _changes(prepared: Prepared, report: Report) -> Iterator[tuple[Planned, Change | DomainError]]:
    """What each artifact that changes comes to on disk; upstream's files are read some at a time."""
    locks, now = prepared.reading.locks, timezone.now()
    takes = [one for one in prepared.changes if one.step is Step.TAKE]
    for one in prepared.changes:
        if not one.step.writes_files:
            record, lock = _documents(one, locks, now)
            yield one, Note(record, lock, one.mine.record)
        elif one.step is Step.MERGE:
            yield one, _put(one, prepared.merged[one.mine.ref].files, locks, now)
    for start in range(0, len(takes), READ_TOGETHER):
        for one, files in read_files_of(prepared.answers, takes[start : start + READ_TOGETHER], report):
            yield one, files if isinstance(files, DomainError) else _put(one, files, locks, now)


def _put(one: Planned, files: Files, locks: Mapping[ArtifactRef, LockEntry], now: Any) -> Put:
    record, lock = _documents(one, locks, now)
    return Put(record, files, one.mine.current, lock, one.mine.record)


def _documents(one: Planned, locks: Mapping[ArtifactRef, LockEntry], now: Any) -> tuple[ArtifactRecord, LockEntry]:
    """The artifact's places in collection.toml and collection.lock as they are to be."""
    mine, theirs = one.mine, one.theirs
    if mine.record is None or theirs is None:
        raise ValueError(f"{mine.ref} is not refreshed")
    record = replace(one.fields.apply(mine.record), last_updated=now)
    if mine.id:
        record = replace(record, uuid=UUID(mine.id).hex)
    known = locks.get(mine.ref)
    lock = known or LockEntry(ref=mine.ref, content_hash=mine.current, content_oid=mine.current, fetched=now)
    noted = {WRITTEN: dict(one.fields.written.fields), WRITTEN_TAGS: list(one.fields.written.tags)}
    lock = replace(lock, extra={**lock.extra, **noted})
    commit = theirs.commit or None
    if one.follow:
        record = replace(record, upstream_path=one.follow)
    if one.step is not Step.LEAVE:
        record = replace(record, content_oid=one.oid, base_oid=theirs.oid, resolved_sha=commit)
        lock = replace(lock, content_hash=one.oid, content_oid=one.oid, fetched=now, resolved_sha=commit)
    elif one.follow and record.base_oid == theirs.oid:
        # The base is at this place at this commit, and at the old one it is not at this place.
        record, lock = replace(record, resolved_sha=commit), replace(lock, resolved_sha=commit)
    return record, lock


def _write_chunk(
    held: HeldCollection,
    run: _Run,
    prepared: Prepared,
    waiting: Mapping[ArtifactRef, tuple[Planned, Change]],
    snapshot_id: str,
) -> None:
    def write_rows(done: Mapping[ArtifactRef, Change]) -> None:
        _write_rows([waiting[ref] for ref in done], prepared.reading.locks)
        came = [waiting[ref][0] for ref in done]
        told: dict[str, Any] = {
            "mode": run.options.mode.value,
            "snapshot": snapshot_id,
            "artifacts": [one.mine.id for one in came],
        }
        if moved := {one.mine.id: [one.mine.upstream_path, one.follow] for one in came if one.follow}:
            told["moved"] = moved
        AuditEvent.record(run.actor, "collection.refreshed", held.row, job_id=run.job_id, **told)

    changes = [change for _, change in waiting.values()]
    failed = change_collection(held, changes, kind="refresh", write_rows=write_rows)
    prepared.settle({ref: waiting[ref][0].failed_by(error) for ref, error in failed.items()})
    came = [(one, change) for ref, (one, change) in waiting.items() if ref not in failed]
    as_upstream = [change for one, change in came if one.step in (Step.TAKE, Step.SETTLE)]
    keep_bases(held, [change.record for change in as_upstream if isinstance(change, Put | Note)])
    merged = {
        change.record.uuid: prepared.merged[one.mine.ref].base
        for one, change in came
        if isinstance(change, Put) and one.step is Step.MERGE
    }
    keep_contents(held, merged)


def _write_rows(done: Iterable[tuple[Planned, Change]], locks: Mapping[ArtifactRef, LockEntry]) -> None:
    now = timezone.now()
    rows = []
    for one, change in done:
        if not isinstance(change, Put | Note) or one.theirs is None:
            continue
        rows.append(
            {
                "pk": UUID(one.mine.id),
                **recorded(change.record, change.lock or locks.get(one.mine.ref)),
                "content_oid": one.oid or one.mine.current,
                "problem_code": "",
                "problem_detail": "",
                **seen_columns(replace(one.theirs, moved_to="") if one.follow else one.theirs, now),
            }
        )
    update_artifacts(rows, now, also=SEEN)
