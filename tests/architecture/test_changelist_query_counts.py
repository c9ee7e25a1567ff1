"""Every list of the admin costs the same number of statements for 3 rows and for 300: a committed number.

``UPDATE_QUERY_COUNTS=1 pytest tests/architecture/test_changelist_query_counts.py -p no:xdist`` writes them anew. What
is registered without rows here, or without a number, fails.
"""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cache_app.models import ProjectState
from collections_app.models import Artifact, Collection, Deployment, Project, RefreshPlan, Snapshot
from marketplace.models import CatalogEntry, EntryImport, ScanRun, Source, SourceTag, WebhookDelivery
from skillmeat_site.core.models import ApiToken, AuditEvent, Job, RefusedToken, UpstreamBudget, UpstreamToken
from tests.baselines import assert_baseline, baseline
from tests.factories.collections import ArtifactFactory, CollectionFactory, SnapshotFactory
from tests.factories.core import ApiTokenFactory, AuditEventFactory, JobFactory, JobItemFactory, UserFactory
from tests.factories.deployments import DeploymentFactory
from tests.factories.marketplace import (
    CatalogEntryFactory,
    ScanRunFactory,
    SourceFactory,
    SourceTagFactory,
    oid,
)

pytestmark = pytest.mark.django_db
FEW, MANY = 3, 300
User = get_user_model()


def entry(n):
    """Imported, into a collection of its own; part of a plugin."""
    source = SourceFactory(scanned=True)
    plugin = CatalogEntryFactory(source=source, type="plugin", excluded=True)
    made = CatalogEntryFactory(source=source, plugin=plugin, tags=["x"])
    EntryImport.objects.create(
        entry=made, artifact=ArtifactFactory(), imported_oid=oid("old"), imported_commit=oid("c"),
        imported_at=timezone.now(),
    )  # fmt: skip


def source(n):
    SourceTagFactory.create_batch(2, source=SourceFactory(scanned=True, tags=["a"]))


def job(n):
    JobItemFactory.create_batch(2, job=JobFactory(actor=UserFactory()))


def project(n):
    deployment = DeploymentFactory(artifact=ArtifactFactory())
    ProjectState.objects.create(project=deployment.project, fetched_at=timezone.now())


def refresh_plan(n):
    RefreshPlan.objects.create(
        collection=CollectionFactory(), base_revision=0, mode="metadata_only", options={}, commits={}, details=[]
    )


def upstream_token(n):
    now = timezone.now()
    UpstreamToken.objects.create(
        name=f"t{n}", host=f"h{n}.example", secret="x", created_by=UserFactory(), created_at=now, changed_at=now
    )


def budget(n):
    UpstreamBudget.objects.create(host=f"h{n}.example", resource="core", updated_at=timezone.now())


ROWS = {
    ApiToken: lambda n: ApiTokenFactory(),
    Artifact: lambda n: ArtifactFactory(tags=["x"]),
    AuditEvent: lambda n: AuditEventFactory(job=JobFactory()),
    CatalogEntry: entry,
    Collection: lambda n: ArtifactFactory(collection__owner=UserFactory()),
    Deployment: project,
    Group: lambda n: Group.objects.create(name=f"g{n}"),
    Job: job,
    Project: project,
    RefreshPlan: refresh_plan,
    RefusedToken: lambda n: RefusedToken.objects.create(
        digest=f"{n}", name="n", reason="r", refused_at=timezone.now()
    ),
    ScanRun: lambda n: ScanRunFactory(job=JobFactory(actor=UserFactory())),
    Snapshot: lambda n: SnapshotFactory(job=JobFactory()),
    Source: source,
    SourceTag: lambda n: SourceTagFactory(),
    UpstreamBudget: budget,
    UpstreamToken: upstream_token,
    User: lambda n: UserFactory(),
    WebhookDelivery: lambda n: WebhookDelivery.objects.create(
        delivery_id=f"d{n}", event="push", outcome="queued", received_at=timezone.now()
    ),
}


def key(model):
    return f"changelist:{model._meta.label_lower}"


def statements(client, model):
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url)
    assert answer.status_code == 200
    shown = answer.content.decode().count('class="action-select"')
    return [query["sql"] for query in captured], shown


def test_every_registered_list_has_rows_here_and_a_number():
    known = {name for name in baseline() if name.startswith("changelist:")}
    assert set(ROWS) == set(admin.site._registry)
    assert known == {key(model) for model in ROWS}


@pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: model._meta.label_lower)
def test_a_list_costs_the_same_however_long(admin_client, model):
    for n in range(FEW):
        ROWS[model](n)
    few, shown = statements(admin_client, model)
    assert shown >= FEW
    for n in range(FEW, MANY):
        ROWS[model](n)
    many, shown = statements(admin_client, model)
    assert shown == 50  # one page
    assert len(few) == len(many), "\n".join(sql[:200] for sql in many)
    assert_baseline(key(model), many)
    assert len(many) <= 9
