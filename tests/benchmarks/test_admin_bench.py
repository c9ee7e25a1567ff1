"""What the admin's lists cost over years of a large installation: 100,000 entries of 1,000 sources, and what comes
with them. The server's time alone: what a browser makes of a page is not in it.

Two times a page: the wall's, which on a busy machine tells of others, and this process's own, to which PostgreSQL's
has to be added.
"""

from __future__ import annotations

import statistics
import time

import pytest
from django.contrib import admin
from django.db import connection
from django.urls import reverse

from marketplace.models import CatalogEntry
from skillmeat_site.core.models import Job, JobItem
from tests.benchmarks.cockpit import ENTRIES, ITEMS, JOBS, fill

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

TARGET = 150
ROUNDS = 5
ENTRY_LISTS = {
    "deep page": "p=1000",
    "by name": "o=1",
    "by name, deep page": "o=1&p=1000",
    "by confidence, deep page": "o=-7&p=1000",
    "everything, last page": "show=all&p=2000",
    "duplicates": "show=duplicates",
    "new": "status=new",
    "new, deep page": "status=new&p=1000",
    "updated": "status=updated",
    "imported": "status=imported",
    "excluded": "status=excluded",
    "removed": "status=removed",
    "updates available": "update_available=yes",
    "of one type": "type=hook",
    "of one type, deep page": "type=hook&p=150",
    "of one source": "source={source}",
    "mapped by hand": "basis=manual",
    "unsure": "confidence=low",
    "search: some hits": "q=name-00",
    "search: a path": "q=p123",
    "search: no hit": "q=nothing-of-this",
    "search: a tag": "q=docs",
    "search: a word of every entry": "q=documents",
    "search: a word of every entry, by name": "q=documents&o=1",
    "search: a word of every entry, deep page": "q=documents&p=900",
}
OTHERS = {
    "marketplace.source": ("health=failing", "tags=waiting", "q=tools-99", "o=4"),
    "marketplace.sourcetag": ("status=pending", "q=subject-1"),
    "marketplace.scanrun": ("outcome=failed", "p=300", "q=tools-99"),
    "collections_app.artifact": ("state=update_available", "state=conflict", "q=docs", "pinned=yes", "p=150"),
    "collections_app.deployment": ("type=hook", "state=drifted", "q=thing-99", "p=150"),
    "core.job": ("status=failed", "q=tools-99", "p=150", "show=all"),
    "core.auditevent": ("q=tools-99", "p=800"),
}


@pytest.fixture
def cockpit(transactional_db):
    fill()
    if connection.vendor == "postgresql":  # what autovacuum does by itself
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return CatalogEntry.objects.order_by("pk")[500].source_id


def changelist(label):
    return reverse(f"admin:{label.replace('.', '_').lower()}_changelist")


def test_lists(admin_client, cockpit, measured, record_figure, database):
    """One test, because making the rows takes longer than all the rest."""
    assert (CatalogEntry.objects.count(), Job.objects.count(), JobItem.objects.count()) == (ENTRIES, JOBS, ITEMS)
    asked = {f"{model._meta.verbose_name_plural}": changelist(model._meta.label) for model in admin.site._registry}
    entries = changelist("marketplace.CatalogEntry")
    asked |= {f"entries, {label}": f"{entries}?{query}" for label, query in ENTRY_LISTS.items()}
    asked |= {
        f"{label.partition('.')[2]}s, {query}": f"{changelist(label)}?{query}"
        for label, queries in OTHERS.items()
        for query in queries
    }
    admin_client.get(entries)  # what a running server has warm: imports, templates, content types
    for label, url in asked.items():
        costs = []
        for _ in range(ROUNDS):
            began, cpu = time.perf_counter(), time.process_time()
            answer = admin_client.get(url.format(source=cockpit))
            costs.append((time.perf_counter() - began, time.process_time() - cpu))
            assert answer.status_code == 200
        wall, own = (statistics.median(column) * 1000 for column in zip(*costs, strict=True))
        record_figure(f"admin: {label}, own time, {database}", own, "ms", TARGET)
        record_figure(f"admin: {label}, {database}", wall, "ms", TARGET)
        with measured() as cost:
            admin_client.get(url.format(source=cockpit))
        record_figure(f"admin: {label}, {database}", len(cost.statements), "queries", 12)


def test_an_export_of_everything(admin_client, cockpit, measured, record_figure, database):
    with measured() as cost:
        answer = admin_client.get(f"{changelist('marketplace.CatalogEntry')}export/csv/?show=all")
        lines = sum(part.count(b"\n") for part in answer.streaming_content)
    assert lines == ENTRIES + 1
    record_figure(f"export of {ENTRIES:,} entries, {database}", cost.seconds, "s", None)
