"""A large installation: what somebody has after years, made quickly, for the figures of the admin's pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.db.models import F
from django.db.models.functions import Mod
from django.utils import timezone

from collections_app.models import Artifact, Collection, Deployment, Project, RefreshPlan, Snapshot
from marketplace.domain.search import entry_words
from marketplace.models import CatalogEntry, EntryImport, ScanRun, Source, SourceTag, WebhookDelivery
from skillmeat_site.core.models import AuditEvent, Job, JobItem
from tests.factories.marketplace import oid

SOURCES, ENTRIES, ARTIFACTS, DEPLOYMENTS, JOBS, ITEMS = 1_000, 100_000, 10_000, 10_000, 10_000, 100_000
PROJECTS, COLLECTIONS, RUNS, TAGS = 500, 50, 20_000, 20_000
EVENTS, SNAPSHOTS, DELIVERIES, PLANS = 50_000, 5_000, 5_000, 200
TYPES = ("skill", "skill", "skill", "command", "agent", "plugin", "hook", "mcp")
KINDS = ("skill", "skill", "skill", "command", "agent", "hook", "mcp")


def fill() -> None:
    """Write it all. Of every hundred entries some are removed, excluded, repeated, imported, changed since."""
    now = timezone.now()
    sources = _make(Source, SOURCES, lambda n: _source(n, now))
    entries = _make(CatalogEntry, ENTRIES, lambda n: _entry(n, sources[n % SOURCES], now))
    _repeat(entries[0].pk)
    collections = _make(Collection, COLLECTIONS, lambda n: {"slug": f"team-{n}", "indexed_at": now})
    artifacts = _make(Artifact, ARTIFACTS, lambda n: _artifact(n, entries[n * 10 + 5], collections[n % COLLECTIONS]))
    _make(EntryImport, ARTIFACTS, lambda n: _import(entries[n * 10 + 5], artifacts[n], now))
    projects = _make(Project, PROJECTS, lambda n: {"path": f"/srv/projects/p{n}", "name": f"project-{n}"})
    _make(Deployment, DEPLOYMENTS, lambda n: _deployment(n, artifacts[n], projects[n % PROJECTS], now))
    jobs = _make(Job, JOBS, lambda n: _job(n, now))
    _make(JobItem, ITEMS, lambda n: _item(n, jobs[n % JOBS]))
    _make(ScanRun, RUNS, lambda n: _run(n, sources[n % SOURCES], jobs[n % JOBS]))
    _make(SourceTag, TAGS, lambda n: _tag(n, sources[n % SOURCES], now))
    _make(AuditEvent, EVENTS, lambda n: _event(n, jobs[n % JOBS]))
    _make(Snapshot, SNAPSHOTS, lambda n: _snapshot(n, collections[n % COLLECTIONS], now))
    _make(WebhookDelivery, DELIVERIES, lambda n: _delivery(n, now))
    _make(RefreshPlan, PLANS, lambda n: _plan(collections[n % COLLECTIONS]))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # what autovacuum does by itself, and `PRAGMA optimize`


def _make(model: type[models.Model], number: int, columns: Callable[[int], dict[str, Any]]) -> list[Any]:
    rows: list[Any] = []
    for chunk in _chunks(number):
        rows += model._default_manager.bulk_create([model(**columns(n)) for n in chunk])
    return rows


def _chunks(number: int, size: int = 2_000) -> Iterator[range]:
    for start in range(0, number, size):
        yield range(start, min(number, start + size))


def _repeat(first: int) -> None:
    """Every twentieth entry repeats the one a thousand before it, which is of the same source. Ids have no gaps."""
    rows = CatalogEntry.objects.filter(pk__gte=first + SOURCES).annotate(place=Mod(F("pk") - first, 20))
    rows.filter(place=7).update(duplicate_of_id=F("pk") - SOURCES)


def _source(n: int, now: datetime) -> dict[str, Any]:
    url = f"https://github.com/team-{n % 50}/tools-{n}"
    scanned = now - timedelta(hours=n % 400)
    return {
        "url": url, "url_key": url, "host": "github.com", "owner": f"team-{n % 50}", "name": f"tools-{n}",
        "tags": ["office", "web"][: n % 3], "last_scanned_at": scanned, "last_success_at": scanned,
        "last_error_code": "upstream_timeout" if n % 40 == 3 else "", "enabled": n % 30 != 5,
        "counts": {"skill": 60 + n % 40, "command": 20, "agent": 10},
    }  # fmt: skip


def _entry(n: int, source: Source, now: datetime) -> dict[str, Any]:
    removed = n % 100 < 3
    columns = {
        "source": source, "key": f"{n:064}", "type": TYPES[n // SOURCES % len(TYPES)],
        "path": f"plugins/p{n % 500}/skills/name-{n}", "name": f"name-{oid(str(n))[:8]}", "namespace": "",
        "title": "", "tags": ["docs"] if n % 9 == 0 else [], "content_oid": oid(str(n)), "commit": oid("commit"),
        "confidence": 40 + n % 60, "basis": "manual" if n % 500 == 11 else "layout", "fingerprint": "f" * 32,
        "description": "Reads and writes documents. " * 8, "signals": ["skill_file:75", "standard_place:10"],
        "presence": "removed" if removed else "present", "removed_at": now if removed else None,
        "excluded_at": now if n % 100 == 50 else None, "changed_since_first_seen": n % 50 == 21,
    }  # fmt: skip
    return {**columns, "search_text": entry_words(columns)}


def _artifact(n: int, entry: CatalogEntry, collection: Collection) -> dict[str, Any]:
    base = entry.content_oid if n % 10 else oid(f"older {n}")
    return {
        "collection": collection, "type": KINDS[n % len(KINDS)], "name": f"thing-{n}", "path": f"skills/thing-{n}",
        "origin": "marketplace", "upstream_url": entry.source.url, "base_oid": base,
        "content_oid": base if n % 7 else oid(f"edited {n}"), "upstream_oid": entry.content_oid,
        "description": "Reads and writes documents. " * 8, "tags": ["docs"] if n % 9 == 0 else [],
        "pin": "v1" if n % 100 == 1 else "",
    }  # fmt: skip


def _import(entry: CatalogEntry, artifact: Artifact, now: datetime) -> dict[str, Any]:
    return {
        "entry": entry, "artifact": artifact, "imported_oid": artifact.base_oid, "imported_commit": oid("commit"),
        "imported_at": now,
    }  # fmt: skip


def _deployment(n: int, artifact: Artifact, project: Project, now: datetime) -> dict[str, Any]:
    return {
        "artifact": artifact, "project": project, "profile": "claude_code", "type": artifact.type,
        "name": artifact.name, "target": f"skills/{artifact.name}", "content_oid": artifact.content_oid,
        "deployed_at": now - timedelta(minutes=n),
    }  # fmt: skip


def _job(n: int, now: datetime) -> dict[str, Any]:
    status = ("succeeded",) * 8 + ("failed", "partial")
    return {
        "kind": "marketplace.rescan", "label": f"Rescan team/tools-{n}", "status": status[n % 10],
        "trigger": "schedule", "params": {"source_id": n}, "result": {"new_count": n}, "done": 10, "total": 10,
        "started_at": now, "finished_at": now,
    }  # fmt: skip


def _item(n: int, job: Job) -> dict[str, Any]:
    return {
        "job": job, "object_type": "source", "object_id": str(n), "object_label": f"team/tools-{n}",
        "outcome": "failed" if n % 50 == 0 else "updated", "duration_ms": n % 900,
    }  # fmt: skip


def _run(n: int, source: Source, job: Job) -> dict[str, Any]:
    return {
        "source": source, "job": job, "outcome": "failed" if n % 50 == 0 else "updated", "commit": oid("commit"),
        "code": "upstream_timeout" if n % 50 == 0 else "", "new_count": n % 9, "duration_ms": n % 3_000,
        "result": {"moved": []},
    }  # fmt: skip


def _tag(n: int, source: Source, now: datetime) -> dict[str, Any]:
    status = ("pending", "approved", "rejected")[n % 3]
    return {
        "source": source, "kind": "path", "value": f"subject-{n}", "normalized": f"subject-{n}", "last_seen_at": now,
        "status": status, "decided_at": None if status == "pending" else now,
    }  # fmt: skip


def _event(n: int, job: Job) -> dict[str, Any]:
    return {
        "job": job, "trigger": "schedule", "action": "source.changed", "object_type": "marketplace.source",
        "object_id": str(n), "object_label": f"team/tools-{n}", "data": {"fields": ["tags"]},
    }  # fmt: skip


def _snapshot(n: int, collection: Collection, now: datetime) -> dict[str, Any]:
    return {
        "collection": collection, "key": f"20260101-000000-{n:06}", "commit_oid": oid("commit"),
        "tree_oid": oid("tree"), "reason": "import", "created_at": now - timedelta(minutes=n),
    }  # fmt: skip


def _delivery(n: int, now: datetime) -> dict[str, Any]:
    return {"delivery_id": f"d{n:08}", "event": "push", "outcome": "queued", "received_at": now - timedelta(minutes=n)}


def _plan(collection: Collection) -> dict[str, Any]:
    rows = [{"type": "skill", "name": f"thing-{n}", "status": "refreshed", "changes": ["tags"]} for n in range(100)]
    return {
        "collection": collection, "base_revision": 0, "mode": "metadata_only", "options": {}, "commits": {},
        "details": rows,
    }  # fmt: skip
