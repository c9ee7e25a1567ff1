"""The server's time for the confirmation of 50,000 chosen entries: the page that nobody should wait for."""

from __future__ import annotations

import pytest
from django.db import connection

from marketplace.models import CatalogEntry
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import Job
from tests.admin.choosing import choose_all
from tests.factories.collections import ArtifactFactory, CollectionFactory
from tests.factories.marketplace import SourceFactory, oid

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db]
CHOSEN = 50_000


@pytest.fixture
def catalog(db):
    sources = SourceFactory.create_batch(10)
    CatalogEntry.objects.bulk_create(
        (
            CatalogEntry(
                source=sources[n % 10],
                key=f"{n:064}",
                type=("skill", "command", "agent")[n % 3],
                path=f"skills/name-{n}",
                name=f"name-{n}",
                content_oid=oid(str(n)),
                commit=oid("commit"),
                confidence=90,
                fingerprint="f" * 32,
                search_text=f"name {n}",
            )
            for n in range(CHOSEN)
        ),
        batch_size=2_000,
    )
    ArtifactFactory.create_batch(200, collection=CollectionFactory(slug="default"))
    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE marketplace_catalogentry")


@pytest.mark.parametrize(
    ("action", "query"),
    [("exclude", ""), ("import", "?options=1&collection=default&strategy=rename"), ("reimport", "")],
    ids=["exclude", "import", "reimport"],
)
def test_confirmation_of_50_000(admin_client, catalog, measured, record_figure, database, action, query):
    with measured() as chosen:
        confirm = choose_all(admin_client, CatalogEntry, action)
    record_figure(f"choosing {CHOSEN:,} entries, {database}", chosen.seconds, "s", 1.5)
    assert len(str(dict(admin_client.session))) < 1_000
    for name, url in (("first page", confirm + query), ("a later page", f"{confirm}{query or '?'}&page=500")):
        with measured() as cost:
            assert f"{CHOSEN}" in admin_client.get(url).content.decode()
        label = f"confirmation of {CHOSEN:,} entries, {action}, {name}, {database}"
        record_figure(label, cost.seconds, "s", 3)
        record_figure(f"{label}: processor", cost.cpu_seconds, "s", None)
        record_figure(f"{label}: statements", len(cost.statements), "statements", 16)


def test_excluding_50_000(admin_client, catalog, measured, record_figure, database):
    confirm = choose_all(admin_client, CatalogEntry, "exclude")
    with measured() as cost:
        answer = admin_client.post(confirm, {"reason": ""})
    record_figure(f"confirming {CHOSEN:,} entries: queued, {database}", cost.seconds, "s", 1)
    job = Job.objects.get()
    with measured() as cost:
        runner.deliver(str(job.pk))
    record_figure(f"excluding {CHOSEN:,} entries on a worker, {database}", cost.seconds, "s", None)
    assert CatalogEntry.objects.filter(excluded_at__isnull=False).count() == CHOSEN
    for name, url in (
        ("page", answer["Location"]),
        ("filtered", f"{answer['Location']}&outcome=updated&page=400&q=9"),
    ):
        with measured() as cost:
            assert admin_client.get(url).status_code == 200
        record_figure(f"job page of {CHOSEN:,} items, {name}, {database}", cost.seconds, "s", 1)
