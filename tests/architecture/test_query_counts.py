"""Lists cost the same number of statements for 3 rows and for 30: a committed number, changed on purpose only.

``UPDATE_QUERY_COUNTS=1 pytest tests/architecture/test_query_counts.py -p no:xdist`` writes the numbers anew.
"""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cache_app.models import ProjectState
from tests.baselines import assert_baseline, baseline
from tests.factories.collections import ArtifactFactory, CollectionFactory, SnapshotFactory
from tests.factories.core import JobFactory, JobItemFactory, UserFactory
from tests.factories.deployments import DeploymentFactory, ProjectFactory
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory, SourceTagFactory

pytestmark = pytest.mark.django_db


def jobs(number):
    parent = JobFactory()
    for _ in range(number - 1):
        JobFactory(actor=UserFactory(), parent=parent)
    return "/api/v1/jobs"


def job_items(number):
    job = JobFactory()
    JobItemFactory.create_batch(number, job=job, detail={"a": 1})
    return f"/api/v1/jobs/{job.pk}/items"


def sources(number):
    for source in SourceFactory.create_batch(number, scanned=True, tags=["a"]):
        SourceTagFactory.create_batch(2, source=source)
    return "/api/v1/marketplace/sources"


def entries(number):
    for _ in range(number):
        CatalogEntryFactory(plugin=None)
    return "/api/v1/marketplace/entries"


def source_entries(number):
    source = SourceFactory()
    best = CatalogEntryFactory(source=source, type="plugin", path="best")
    for n in range(number - 1):
        CatalogEntryFactory(source=source, path=f"p{n}", plugin=best, tags=["x"])
    return f"/api/v1/marketplace/sources/{source.pk}/entries"


def deployments(number):
    for kind in ("skill", "hook", "mcp") * (number // 3):
        DeploymentFactory(type=kind)
    return "/api/v1/deployments"


def projects(number):
    for deployment in DeploymentFactory.create_batch(number):
        ProjectState.objects.create(project=deployment.project, fetched_at=timezone.now())
    return "/api/v1/projects"


def user_collections(number):
    CollectionFactory.create_batch(number, owner=UserFactory())
    return "/api/v1/user-collections"


def collection_artifacts(number):
    collection = CollectionFactory(slug="listed")
    ArtifactFactory.create_batch(number, collection=collection, tags=["x"])
    return f"/api/v1/user-collections/{collection.slug}/artifacts"


def collection_snapshots(number):
    collection = CollectionFactory(slug="listed")
    SnapshotFactory.create_batch(number, collection=collection, job=JobFactory())
    return f"/api/v1/user-collections/{collection.slug}/snapshots"


LISTS = (
    jobs, job_items, sources, entries, source_entries, user_collections, collection_artifacts, collection_snapshots,
    deployments, projects,
)  # fmt: skip


def statements(api, url, number):
    with CaptureQueriesContext(connection) as captured:
        answer = api.get(url, {"limit": 100})
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == number
    return [query["sql"] for query in captured]


@pytest.mark.parametrize("make", LISTS, ids=lambda make: make.__name__)
def test_a_list_costs_the_same_however_long(api, make):
    api.get("/api/v1/jobs")  # the token's last use is written once
    few = statements(api, make(3), 3)
    models = (ProjectFactory, CollectionFactory, JobItemFactory, JobFactory, CatalogEntryFactory, SourceFactory)
    for model in models:
        model._meta.model.objects.all().delete()
    many = statements(api, make(30), 30)
    assert len(few) == len(many), "\n".join(many)
    assert_baseline(make.__name__, many)


def test_the_baseline_names_these_lists_and_no_other():
    lists = {name: count for name, count in baseline().items() if ":" not in name}
    assert set(lists) == {make.__name__ for make in LISTS}
    assert max(lists.values()) <= 6
