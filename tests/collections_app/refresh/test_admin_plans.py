"""A refresh planned in the admin: looked at, applied exactly so, refused once the collection has moved."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from collections_app.models import Collection, PlanState, RefreshPlan
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import JobStatus
from tests.collections_app.refresh.refreshing import artifact, skill_path
from tests.conftest import Repository, skill

pytestmark = pytest.mark.django_db(transaction=True)


def place(model: str, page: str, *args: Any) -> str:
    return reverse(f"admin:collections_app_{model}_{page}", args=args)


def confirmed(client: Client, url: str, **form: str) -> Job:
    """Press a button of a page, confirm, and let the worker do it."""
    asked = client.get(url)
    assert asked.status_code == 302, asked
    shown = client.get(asked["Location"])
    assert shown.status_code == 200
    landed = client.post(asked["Location"], form)
    assert landed.status_code == 302, landed.content.decode()
    job = Job.objects.order_by("-created_at").first()
    assert job is not None
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    return job


def planned(client: Client, mode: str) -> RefreshPlan:
    collection = Collection.objects.get()
    job = confirmed(client, place("collection", "do", collection.pk, "plan"), mode=mode, strategy="abort")
    assert (job.kind, job.status) == ("collections.plan", JobStatus.SUCCEEDED)
    return RefreshPlan.objects.get(pk=job.result["plan_id"])


@pytest.fixture
def changed(repository: Repository) -> Repository:
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "<b>New</b>")})
    return repository


def test_a_plan_tells_and_is_applied(admin_client: Client, changed: Repository) -> None:
    before = skill_path("alpha").read_text()
    plan = planned(admin_client, "sync")
    assert skill_path("alpha").read_text() == before, "a plan changes nothing"
    page = admin_client.get(place("refreshplan", "change", plan.pk)).content.decode()
    assert "skill:alpha" in page
    assert "skill:beta" not in page, "only what would change is told"
    assert "<b>New</b>" not in page
    job = confirmed(admin_client, place("refreshplan", "do", plan.pk, "apply"))
    assert (job.kind, job.status) == ("collections.apply_plan", JobStatus.SUCCEEDED)
    assert "New" in skill_path("alpha").read_text()
    assert artifact("alpha").state == "in_sync"
    plan.refresh_from_db()
    assert plan.state == PlanState.APPLIED
    assert "applied" in admin_client.get(place("refreshplan", "changelist")).content.decode()


def test_a_stale_plan_is_refused(admin_client: Client, changed: Repository) -> None:
    plan = planned(admin_client, "metadata_only")
    Collection.objects.update(revision=plan.base_revision + 1)
    page = admin_client.get(place("refreshplan", "change", plan.pk)).content.decode()
    assert "stale" in page
    job = confirmed(admin_client, place("refreshplan", "do", plan.pk, "apply"))
    assert (job.status, job.error_code) == (JobStatus.FAILED, "stale_plan")


def test_a_plan_is_of_one_collection(admin_client: Client, changed: Repository) -> None:
    other = Collection.objects.create(slug="other")
    asked = admin_client.post(
        place("collection", "changelist"),
        {
            "action": "plan",
            "_selected_action": [str(pk) for pk in (Collection.objects.get(slug="default").pk, other.pk)],
        },
    )
    answer = admin_client.post(asked["Location"], {"mode": "sync", "strategy": "abort"}, follow=True)
    assert "Choose one collection" in answer.content.decode()
    assert not RefreshPlan.objects.exists()
