"""Whoever begins a job without the permission to look at jobs sees how theirs goes, and nothing else of any."""

from __future__ import annotations

import pytest
from django.urls import reverse

from marketplace.jobs import rescan
from marketplace.models import Source
from skillmeat_site.core.actor import COMMAND_LINE, Actor
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.results import ItemOutcome, JobStatus, Trigger
from tests.admin.choosing import choose_all, work
from tests.factories.core import JobFactory, JobItemFactory, UserFactory
from tests.factories.marketplace import SourceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(client):
    """May look at sources and change them, and at no jobs."""
    user = UserFactory(permissions=["marketplace.view_source", "marketplace.change_source"])
    client.force_login(user)
    return user


def page(job, name="change"):
    return reverse(f"admin:core_job_{name}", args=[job.pk])


def test_a_confirmed_action_ends_at_its_own_job(client, person):
    source = SourceFactory()
    answer = client.post(choose_all(client, Source, "disable"), follow=True)
    assert answer.status_code == 200
    work()
    shown = client.get(answer.redirect_chain[-1][0]).content.decode()
    assert str(source) in shown
    assert "because you have begun it" in shown
    assert reverse("admin:core_job_changelist") not in shown
    assert client.get(page(Job.objects.get(), "progress")).json()["status"]


def test_of_their_own_job_only_what_they_may_see_is_named(client, person):
    parent = JobFactory(label="the one before")
    job = JobFactory(
        actor=person, parent=parent, status=JobStatus.PARTIAL, progress_label="secret",
        trail=[["2026-01-01T00:00:00Z", "secret"]],
        params={"secret": 1}, result={"rows": ["secret"], "warnings": [{"code": "x", "detail": "secret"}]},
    )  # fmt: skip
    JobItemFactory(job=job, object_type="source", object_label="theirs to see")
    JobItemFactory(job=job, object_type="entry", object_label="secret", outcome=ItemOutcome.FAILED)
    AuditEvent.record(job_actor(person), "x", SourceFactory(name="secret"), job_id=job.pk)
    shown = client.get(page(job)).content.decode()
    assert "theirs to see" in shown
    assert "secret" not in shown
    assert "the one before" not in shown
    assert '<span data-count="failed">1</span>' in shown
    failed = client.get(page(job), {"outcome": "failed"}).content.decode()
    assert "None that you may look at." in failed
    assert client.get(page(job, "progress")).json()["label"] == ""
    assert client.get(reverse("admin:core_job_items", args=[job.pk, "csv"])).status_code == 403


def job_actor(user):
    return Actor(Trigger.ADMIN, user.pk, user.get_username())


def test_of_other_jobs_they_see_nothing(client, person):
    for job in (JobFactory(), JobFactory(actor=UserFactory())):
        assert client.get(page(job)).status_code == 403
        assert client.get(page(job, "progress")).status_code == 403
    assert client.get(reverse("admin:core_job_changelist")).status_code == 403


def test_a_job_of_somebody_else_that_does_it_is_told_of(client):
    """The only source chosen, while its scan is on its way: that one is not theirs to look at."""
    client.force_login(UserFactory(permissions=["marketplace.view_source", "marketplace.rescan_source"]))
    source = SourceFactory()
    confirm = choose_all(client, Source, "rescan")
    other = runner.enqueue(rescan, {"source_id": source.pk, "force": False, "allow_removals": False}, COMMAND_LINE)
    answer = client.post(confirm, follow=True)
    assert answer.status_code == 200
    assert "on its way already" in answer.content.decode()
    assert Job.objects.get() == other


def test_who_may_only_retry_is_led_to_their_retry(client):
    user = UserFactory(permissions=["core.retry_job", "marketplace.rescan_source"])
    client.force_login(user)
    answer = client.post(page(JobFactory(status=JobStatus.FAILED), "retry"), follow=True)
    assert answer.status_code == 200
    assert Job.objects.get(actor=user).label in answer.content.decode()
