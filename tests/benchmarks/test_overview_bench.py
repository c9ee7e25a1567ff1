"""What the admin's first page costs where there is much of everything."""

from __future__ import annotations

import random
import statistics
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from cache_app.models import ProjectState
from collections_app.models import Artifact, Collection, Project
from marketplace.domain.search import entry_words
from marketplace.models import CatalogEntry, EntryImport, ScanRun, Source, SourceTag
from skillmeat_site.core.models import Job, UpstreamBudget
from skillmeat_site.core.results import JobStatus
from tests.factories.core import UserFactory
from tests.factories.marketplace import oid

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

SOURCES, ENTRIES, IMPORTS, JOBS, RUNS, PROJECTS, TAGS = 1_000, 100_000, 10_000, 10_000, 30_000, 500, 5_000
TYPES = ("skill", "skill", "skill", "command", "agent", "plugin", "hook", "mcp")
CODES = ("", "", "", "", "", "", "", "upstream_timeout", "upstream_auth", "removals_held")
ROUNDS = 15
WORDS = {"namespace": "", "title": "", "description": "Reads and writes documents. " * 8, "tags": []}


@pytest.fixture
def much(transactional_db):
    """Sources, entries, imports, jobs, runs and projects in all their states."""
    now, dice = timezone.now(), random.Random(7)
    sources = Source.objects.bulk_create(
        Source(
            url=f"https://github.com/acme/tools{n}", url_key=f"https://github.com/acme/tools{n}", host="github.com",
            owner="acme", name=f"tools{n}", enabled=n % 20 > 0, last_error_code=CODES[n % 10],
            last_success_at=now - timedelta(days=n % 12) if n % 17 else None,
            not_before=now + timedelta(hours=1) if n % 10 == 7 else None, counts={"skill": 75, "command": 25},
        )
        for n in range(SOURCES)
    )  # fmt: skip
    entries = CatalogEntry.objects.bulk_create(
        (
            CatalogEntry(
                source=sources[n % SOURCES], key=f"{n:064}", type=TYPES[n % 8], path=f"skills/name-{n}",
                name=f"name-{n}", content_oid=oid(str(n)), commit=oid("commit"), confidence=40 + n % 60,
                basis="layout", fingerprint="f" * 32, description="Reads and writes documents. " * 8,
                search_text=entry_words({**WORDS, "name": f"name-{n}", "path": f"skills/name-{n}"}),
                signals=["skill_file:75", "standard_place:10"],
                presence="removed" if n % 100 < 3 else "present", removed_at=now if n % 100 < 3 else None,
                excluded_at=now if n % 100 == 50 else None, changed_since_first_seen=n % 5 == 0,
            )
            for n in range(ENTRIES)
        ),
        batch_size=2_000,
    )  # fmt: skip
    collection = Collection.objects.create(slug="default")
    chosen = dice.sample(entries, IMPORTS)
    artifacts = Artifact.objects.bulk_create(
        (
            Artifact(
                collection=collection, type=one.type, name=one.name, path=one.path, origin="marketplace",
                base_oid=one.content_oid if n % 9 else oid("older"), content_oid=one.content_oid,
                upstream_oid=one.content_oid, upstream_url=f"https://github.com/acme/tools{n}",
            )
            for n, one in enumerate(chosen)
        ),
        batch_size=2_000,
    )  # fmt: skip
    EntryImport.objects.bulk_create(
        (
            EntryImport(entry=one, artifact=made, imported_oid=one.content_oid, imported_commit="", imported_at=now)
            for one, made in zip(chosen, artifacts, strict=True)
        ),
        batch_size=2_000,
    )
    Job.objects.bulk_create(
        (
            Job(
                kind="marketplace.rescan", label=f"Rescan acme/tools{n}", trigger="admin",
                status=JobStatus.RUNNING if n % 1_000 == 0 else JobStatus.SUCCEEDED,
                finished_at=None if n % 1_000 == 0 else now, result={"warnings": ["x" * 500]},
            )
            for n in range(JOBS)
        ),
        batch_size=2_000,
    )  # fmt: skip
    times = [now - timedelta(minutes=n * 1.4) for n in range(RUNS)]
    ScanRun.objects.bulk_create(
        (
            ScanRun(
                source=sources[n % SOURCES], outcome="updated" if n % 50 else "failed", new_count=n % 7,
                updated_count=n % 3, result={"warnings": ["x" * 500]}, created_at=then, day=then.date(),
            )
            for n, then in enumerate(times)
        ),
        batch_size=2_000,
    )  # fmt: skip
    projects = Project.objects.bulk_create(Project(path=f"/projects/{n}", name=f"p{n}") for n in range(PROJECTS))
    ProjectState.objects.bulk_create(
        ProjectState(project=one, status="ok", fetched_at=now, counts={"states": {"in_sync": 9, "modified": 1}})
        for one in projects
    )
    SourceTag.objects.bulk_create(
        SourceTag(source=sources[n % SOURCES], kind="path", value=f"t{n}", normalized=f"t{n}", last_seen_at=now)
        for n in range(TAGS)
    )
    UpstreamBudget.objects.create(host="github.com", resource="core", limit=5_000, remaining=100, updated_at=now)
    if connection.vendor == "postgresql":  # what autovacuum does by itself
        connection.cursor().execute("VACUUM ANALYZE")


def test_the_overview(client, admin_user, much, measured, record_figure, database):
    """One test, because making the rows takes longer than all the rest."""
    page = reverse("admin:index")
    label = f"overview of 1,000 sources, 100,000 entries, 10,000 jobs, {database}"
    for user, name in ((admin_user, "superuser"), (UserFactory(permissions=ALL), "user with permissions")):
        client.force_login(user)
        assert client.get(page).status_code == 200  # what a running server has warm
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            client.get(page)
            times.append(time.perf_counter() - began)
        record_figure(f"{label}, {name}", statistics.median(times) * 1000, "ms", 100)
        with measured() as cost:
            client.get(page)
        record_figure(f"{label}, {name}", len(cost.statements), "queries", 15)


ALL = [
    "marketplace.view_source", "marketplace.view_catalogentry", "marketplace.view_sourcetag",
    "marketplace.view_scanrun", "collections_app.view_artifact", "collections_app.view_deployment", "core.view_job",
    "core.view_upstreambudget", "core.view_upstreamtoken",
]  # fmt: skip
