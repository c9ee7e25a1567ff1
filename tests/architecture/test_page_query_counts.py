"""Confirmations and job pages cost the same number of statements for 3 objects and for 300: a committed number.

``UPDATE_QUERY_COUNTS=1 pytest tests/architecture/test_page_query_counts.py -p no:xdist`` writes the numbers anew.
"""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from collections_app.models import Artifact, Collection, Deployment, Project
from marketplace.models import CatalogEntry, Source
from skillmeat_site.core.jobs.planning import plan
from skillmeat_site.core.models import AuditEvent, Job, JobItem, Selection
from skillmeat_site.core.results import JobStatus
from tests.admin.choosing import choose_all
from tests.baselines import assert_baseline, baseline
from tests.factories.collections import ArtifactFactory, CollectionFactory
from tests.factories.core import AuditEventFactory, JobFactory, JobItemFactory
from tests.factories.deployments import DeploymentFactory
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory

pytestmark = pytest.mark.django_db
FEW, MANY = 3, 300


def confirm_exclude(client, number):
    CatalogEntryFactory.create_batch(number, source=SourceFactory())
    return choose_all(client, CatalogEntry, "exclude")


def confirm_import(client, number):
    """An estimate, of entries of several sources, some of which are imported."""
    for source in SourceFactory.create_batch(3):
        CatalogEntryFactory.create_batch(number // 3, source=source)
    ArtifactFactory.create_batch(number, collection=CollectionFactory(slug="default"))
    return choose_all(client, CatalogEntry, "import")


def confirm_planned_import(client, number):
    """... whose exact plan was worked out by a job."""
    confirm = confirm_import(client, number)
    client.post(confirm, {"collection": "default", "strategy": "skip", "plan": "1"})
    job = Job.objects.get(kind=plan.kind)
    JobItemFactory.create_batch(number, job=job, object_type="entry")
    Job.objects.filter(pk=job.pk).update(status=JobStatus.SUCCEEDED, finished_at=job.created_at)
    return confirm


def confirm_rescan(client, number):
    SourceFactory.create_batch(number)
    return choose_all(client, Source, "rescan")


def confirm_sync(client, number):
    for collection in CollectionFactory.create_batch(3):
        ArtifactFactory.create_batch(number // 3, collection=collection)
    return choose_all(client, Collection, "sync")


def confirm_undeploy_of_many(client, number):
    """More than are looked at on disk at once: an estimate that names projects."""
    DeploymentFactory.create_batch(number + 50)
    return choose_all(client, Deployment, "undeploy")


def confirm_cancel(client, number):
    JobFactory.create_batch(number, status=JobStatus.QUEUED)
    return choose_all(client, Job, "cancel")


def job_page(client, number):
    """Of a bulk job: items of several types, children, audit events, a trail."""
    job = JobFactory(kind="marketplace.bulk_rescan", trail=[["2026-01-01T00:00:00Z", "reading"]] * 50)
    for n in range(number):
        type_ = ("source", "entry", "collection")[n % 3]
        item = JobItemFactory(job=job, object_type=type_, object_id=str(n))
        JobFactory(parent=job, parent_item=item)
        AuditEventFactory(job=job)
    return reverse("admin:core_job_change", args=[job.pk])


def job_progress(client, number):
    job = JobFactory(kind="marketplace.bulk_rescan", status=JobStatus.RUNNING, done=1, total=number)
    JobItemFactory.create_batch(number, job=job)
    return reverse("admin:core_job_progress", args=[job.pk])


def source_history(client, number):
    """What was done to a source, by as many people, in as many jobs."""
    source = SourceFactory()
    for _ in range(number):
        AuditEventFactory(object_id=str(source.pk), job=JobFactory())
    return reverse("admin:marketplace_source_history", args=[source.pk])


PAGES = (
    confirm_exclude, confirm_import, confirm_planned_import, confirm_rescan, confirm_sync, confirm_undeploy_of_many,
    confirm_cancel, job_page, job_progress, source_history,
)  # fmt: skip
ROWS = (
    Selection, AuditEvent, Deployment, Project, Artifact, Collection, JobItem, Job, CatalogEntry, Source,
)  # fmt: skip


def key(make):
    return f"page:{make.__name__}"


def statements(client, url):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return [query["sql"] for query in captured]


@pytest.mark.parametrize("make", PAGES, ids=lambda make: make.__name__)
def test_a_page_costs_the_same_however_many(admin_client, make):
    few = statements(admin_client, make(admin_client, FEW))
    for model in ROWS:
        model.objects.all().delete()
    many = statements(admin_client, make(admin_client, MANY))
    assert len(few) == len(many), "\n".join(sql[:200] for sql in many)
    assert_baseline(key(make), many)


def test_the_baseline_names_these_pages_and_no_other():
    known = {name: count for name, count in baseline().items() if name.startswith("page:")}
    assert set(known) == {key(make) for make in PAGES}
    assert max(known.values()) <= 16
