"""A confirmation names only objects that the user may look at: of others it tells how many."""

from __future__ import annotations

import pytest
from django.urls import reverse

from collections_app.models import Artifact
from marketplace.models import CatalogEntry, Source
from skillmeat_site.core.admin.previews import JobPreview
from skillmeat_site.core.jobs.planning import plan
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import ItemOutcome, JobStatus
from tests.admin.choosing import choose_all, confirmed, outcomes, page
from tests.conftest import skills
from tests.factories.collections import ArtifactFactory
from tests.factories.core import JobFactory, JobItemFactory, UserFactory
from tests.factories.deployments import DeploymentFactory
from tests.marketplace.conftest import registered  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
IMPORT = ("marketplace.view_source", "collections_app.import_entry")
UNDEPLOY = ("collections_app.view_artifact", "collections_app.deploy_artifact")


@pytest.fixture
def person(client):
    def log_in(*permissions):
        client.force_login(UserFactory(permissions=permissions))
        return client

    return log_in


def test_entries_of_chosen_sources(person, registered):  # noqa: F811 - the fixture
    registered(skills("alpha", "beta"))
    client = person(*IMPORT)
    confirm = choose_all(client, Source, "import_all")
    for query in ("", "?fate=created"):
        shown = page(client, confirm + query)
        assert "<strong>2</strong> will be created" in shown
        assert "2 objects are not named here" in shown
        assert "alpha" not in shown
    job = confirmed(client, confirm, {"collection": "default", "strategy": "skip"})
    assert outcomes(job) == {"created": 2}
    shown = page(client, reverse("admin:core_job_change", args=[job.pk]))
    assert "alpha" not in shown
    client = person(*IMPORT, "marketplace.view_catalogentry")
    shown = page(client, choose_all(client, Source, "import_all"))
    assert "alpha" in shown
    assert "not named here" not in shown


def test_the_exact_plan_of_them(person, registered):  # noqa: F811 - the fixture
    registered(skills("alpha", "beta"))
    client = person(*IMPORT)
    confirm = choose_all(client, Source, "import_all")
    answer = client.post(confirm, {"collection": "default", "strategy": "skip", "plan": "1"})
    job = Job.objects.get(kind=plan.kind)
    for name, pk in CatalogEntry.objects.values_list("name", "pk"):
        JobItemFactory(job=job, object_type="entry", object_id=str(pk), object_label=name, outcome="created")
    Job.objects.filter(pk=job.pk).update(status=JobStatus.SUCCEEDED, finished_at=job.created_at)
    shown = page(client, answer["Location"])
    assert "exact" in shown
    assert "2 objects are not named here" in shown
    assert "alpha" not in shown


def test_deployments_of_chosen_artifacts(person):
    deployment = DeploymentFactory(artifact=ArtifactFactory())
    client = person(*UNDEPLOY)
    shown = page(client, choose_all(client, Artifact, "undeploy"))
    assert "1 object is not named here" in shown
    assert deployment.project.name not in shown
    client = person(*UNDEPLOY, "collections_app.view_deployment")
    assert deployment.name in page(client, choose_all(client, Artifact, "undeploy"))


def test_of_several_types_those_that_may_be_seen_stay():
    job = JobFactory()
    for type_ in ("source", "entry", "entry"):
        JobItemFactory(job=job, object_type=type_, outcome=ItemOutcome.UPDATED)
    preview = JobPreview(job)
    assert preview.rows("updated", frozenset({"entry"})).count() == 1
    assert preview.rows("").count() == 3
    assert preview.counts == {"updated": 3}
