"""The job list and the job page."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from skillmeat_site.core.actor import Actor
from skillmeat_site.core.admin.job_actions import INLINE
from skillmeat_site.core.jobs import queue, runner
from skillmeat_site.core.jobs.context import DryRunContext
from skillmeat_site.core.jobs.many import cancel_jobs, retry_jobs
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.results import ItemOutcome, JobStatus, Trigger
from tests.factories.core import JobFactory, JobItemFactory, UserFactory

pytestmark = pytest.mark.django_db
LIST = reverse("admin:core_job_changelist")


def page(job):
    return reverse("admin:core_job_change", args=[job.pk])


def view(job, name):
    return reverse(f"admin:core_job_{name}", args=[job.pk])


def bulk_job(**columns):
    """A bulk job of which one item failed and one was deferred."""
    job = JobFactory(
        kind="marketplace.bulk_update_entries", params={"ids": [1, 2, 3], "excluded": True, "reason": ""}, **columns
    )
    for pk, outcome in enumerate((ItemOutcome.UPDATED, ItemOutcome.FAILED, ItemOutcome.DEFERRED), start=1):
        JobItemFactory(job=job, object_id=str(pk), object_label=f"object {pk}", outcome=outcome)
    return job


def reader(client, *more):
    user = UserFactory(permissions=["core.view_job", *more])
    client.force_login(user)
    return user


def test_list_shows_what_was_asked_for(admin_client):
    job = bulk_job(label="Exclude three", status=JobStatus.PARTIAL)
    JobFactory(label="A part", parent=job, parent_item=job.items.first())
    shown = admin_client.get(LIST).content.decode()
    assert "Exclude three" in shown
    assert "partial" in shown
    assert "A part" not in shown
    assert "A part" in admin_client.get(LIST, {"show": "all"}).content.decode()
    assert "A part" in admin_client.get(LIST, {"parent": str(job.pk)}).content.decode()


def test_an_empty_field_of_a_filter_shows_no_parts(admin_client):
    """A form sends every field it has: an empty one asks for nothing."""
    job = bulk_job(label="Exclude three")
    JobFactory(label="A part", parent=job, parent_item=job.items.first())
    assert "A part" not in admin_client.get(LIST, {"parent": ""}).content.decode()


@pytest.mark.parametrize("query", [{"parent": "no-uuid"}, {"status": "strange"}, {"kind": "none"}, {"show": "x"}])
def test_strange_filters_do_no_harm(admin_client, query):
    JobFactory()
    assert admin_client.get(LIST, query).status_code == 200


def test_search_by_id_and_error_code(admin_client):
    job = JobFactory(label="Found", error_code="upstream_timeout", status=JobStatus.FAILED)
    JobFactory(label="Other")
    for term in (str(job.pk), "upstream_time"):
        shown = admin_client.get(LIST, {"q": term}).content.decode()
        assert "Found" in shown
        assert "Other" not in shown


def test_nobody_adds_changes_or_deletes_jobs(admin_client):
    job = JobFactory()
    assert admin_client.get(reverse("admin:core_job_add")).status_code == 403
    assert admin_client.get(reverse("admin:core_job_delete", args=[job.pk])).status_code == 403
    assert "delete_selected" not in admin_client.get(LIST).content.decode()


def test_page_shows_error_and_items(admin_client):
    job = bulk_job(status=JobStatus.FAILED, error_code="upstream_timeout", error_detail="<b>too slow</b>")
    shown = admin_client.get(page(job)).content.decode()
    assert "upstream_timeout" in shown
    assert "&lt;b&gt;too slow" in shown
    assert "object 2" in shown
    only_failed = admin_client.get(page(job), {"outcome": "failed"}).content.decode()
    assert "object 2" in only_failed
    assert "object 1" not in only_failed


def test_items_are_paged(admin_client):
    job = JobFactory()
    for number in range(101):
        JobItemFactory(job=job, object_label=f"[{number}]")
    first = admin_client.get(page(job)).content.decode()
    assert "page 1 of 2" in first
    assert "[100]" not in first
    assert "[100]" in admin_client.get(page(job), {"page": "2"}).content.decode()


def test_hostile_strings_are_escaped_and_printable(admin_client):
    hostile = "<script>alert(1)</script>\u202egnp.exe\nnext"
    job = JobFactory(label=hostile, progress_label=hostile, result={"warnings": [{"code": "x", "detail": hostile}]})
    JobItemFactory(job=job, object_label=hostile, message=hostile, outcome=ItemOutcome.FAILED)
    for url in (page(job), LIST):
        shown = admin_client.get(url).content.decode()
        assert "<script>alert" not in shown
        assert "\u202e" not in shown
        assert r"\u202e" in shown
    assert admin_client.get(view(job, "progress")).json()["label"] == r"<script>alert(1)</script>\u202egnp.exe\nnext"


def test_active_page_lives_with_and_without_scripts(admin_client):
    shown = admin_client.get(page(JobFactory(status=JobStatus.RUNNING))).content.decode()
    assert '<noscript><meta http-equiv="refresh"' in shown
    assert "core/job.js" in shown
    finished = admin_client.get(page(JobFactory())).content.decode()
    assert "http-equiv" not in finished
    assert "core/job.js" not in finished


def test_progress_answers_what_changes(admin_client):
    job = JobFactory(status=JobStatus.RUNNING, done=3, total=10, progress_label="reading")
    JobItemFactory(job=job, outcome="")
    answer = admin_client.get(view(job, "progress"))
    assert "no-store" in answer["Cache-Control"]
    body = answer.json()
    assert body["active"] is True
    assert "3 / 10" in body["bar"]
    assert body["label"] == "reading"
    assert body["counts"] == {"open": 1}


def test_queued_job_without_worker_says_what_to_do(admin_client, monkeypatch):
    job = JobFactory(status=JobStatus.QUEUED)
    monkeypatch.setattr(queue, "live_clusters", lambda: 0)
    assert "manage.py qcluster" in admin_client.get(page(job)).content.decode()
    monkeypatch.setattr(queue, "live_clusters", lambda: 1)
    assert "manage.py qcluster" not in admin_client.get(page(job)).content.decode()


def test_link_back_leads_only_to_this_site(admin_client):
    job = JobFactory()
    assert 'href="/admin/x/?q=1"' in admin_client.get(page(job), {"back": "/admin/x/?q=1"}).content.decode()
    for elsewhere in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert "Back to where" not in admin_client.get(page(job), {"back": elsewhere}).content.decode()


def test_cancel(admin_client):
    job = JobFactory(status=JobStatus.QUEUED)
    assert "Cancel this job" in admin_client.get(page(job)).content.decode()
    assert admin_client.get(view(job, "cancel")).status_code == 405
    answer = admin_client.post(view(job, "cancel") + "?back=/admin/")
    assert answer["Location"] == page(job) + "?back=%2Fadmin%2F"
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    again = admin_client.post(view(job, "cancel"), follow=True).content.decode()
    assert "job_finished" in again


def test_retry_makes_a_child_with_what_is_left(admin_client):
    job = bulk_job(status=JobStatus.PARTIAL)
    answer = admin_client.post(view(job, "retry"))
    child = Job.objects.get(parent=job)
    assert answer["Location"] == page(child)
    assert child.params["ids"] == [2, 3]
    assert page(job) in admin_client.get(page(child)).content.decode()


def test_a_second_retry_is_told_apart_from_the_first(admin_client):
    """The retry that is under way is shown, and told as that; once it has ended, the button begins another."""
    job = bulk_job(status=JobStatus.PARTIAL)
    first = admin_client.post(view(job, "retry"), follow=True)
    assert "This new job takes up" in first.content.decode()
    again = admin_client.post(view(job, "retry"), follow=True)
    assert again.redirect_chain[-1][0] == first.redirect_chain[-1][0]
    assert "was on its way already" in again.content.decode()
    assert "This new job" not in again.content.decode()
    runner.deliver(str(Job.objects.get(parent=job).pk))
    third = admin_client.post(view(job, "retry"), follow=True)
    assert third.redirect_chain[-1][0] != first.redirect_chain[-1][0]
    assert "This new job takes up" in third.content.decode()
    assert Job.objects.filter(parent=job).count() == 2
    assert AuditEvent.objects.filter(action="job.retried").count() == 2


def test_retry_by_whoever_may_not_do_what_the_job_does_is_refused_in_words(client):
    client.force_login(UserFactory(permissions=["core.view_job", "core.retry_job"]))
    shown = client.post(view(bulk_job(status=JobStatus.PARTIAL), "retry"), follow=True).content.decode()
    assert "permission_denied" in shown
    assert "marketplace.change_catalogentry" in shown
    assert Job.objects.count() == 1


def test_retry_of_what_went_well_is_refused(admin_client):
    job = JobFactory()
    assert "Retry what failed" not in admin_client.get(page(job)).content.decode()
    assert "nothing_to_retry" in admin_client.post(view(job, "retry"), follow=True).content.decode()


def test_permissions(client):
    job = JobFactory(status=JobStatus.RUNNING)
    reader(client)
    shown = client.get(page(job)).content.decode()
    assert "Cancel this job" not in shown
    assert client.post(view(job, "cancel")).status_code == 403
    assert client.post(view(job, "retry")).status_code == 403
    client.force_login(UserFactory(permissions=["core.view_auditevent"]))
    assert client.get(page(job)).status_code == 403
    assert client.get(view(job, "progress")).status_code == 403
    client.logout()
    assert client.get(view(job, "progress")).status_code == 302


def test_csrf_is_asked_for(client):
    client.handler.enforce_csrf_checks = True
    reader(client, "core.cancel_job")
    assert client.post(view(JobFactory(status=JobStatus.RUNNING), "cancel")).status_code == 403


def test_unknown_job_is_404(admin_client):
    assert admin_client.get(reverse("admin:core_job_change", args=["nonsense"])).status_code == 404
    assert admin_client.post(view(JobFactory.build(), "cancel")).status_code == 404


def test_bulk_cancel(admin_client):
    queued, running, done = (JobFactory(status=s) for s in (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCEEDED))
    chosen = {"action": "cancel", "_selected_action": [queued.pk, running.pk, done.pk]}
    confirm = admin_client.post(LIST + "?q=Rescan", chosen)
    shown = admin_client.get(confirm["Location"]).content.decode()
    assert "<strong>1</strong> have finished already" in shown
    answer = admin_client.post(confirm["Location"], follow=True)
    job = Job.objects.get(kind="core.cancel_jobs")
    assert outcomes(job) == {str(queued.pk): "updated", str(running.pk): "updated", str(done.pk): "skipped"}
    assert job.items.get(object_id=str(done.pk)).code == "job_finished"
    assert f'href="{LIST}?q=Rescan"' in answer.content.decode()
    for row in (queued, running):
        row.refresh_from_db()
    assert queued.status == JobStatus.CANCELLED
    assert (running.status, running.cancel_requested) == (JobStatus.RUNNING, True)
    assert AuditEvent.objects.filter(action="job.cancelled").count() == 2


def outcomes(job):
    return dict(job.items.values_list("object_id", "outcome"))


def test_many_jobs_are_cancelled_by_a_worker(admin_client):
    many = [JobFactory(status=JobStatus.QUEUED) for _ in range(INLINE + 1)]
    chosen = {"action": "cancel", "_selected_action": [many[0].pk], "select_across": "1"}
    confirm = admin_client.post(LIST, chosen)["Location"]
    assert f"<strong>{INLINE + 1}</strong> queued, end at once" in admin_client.get(confirm).content.decode()
    admin_client.post(confirm)
    job = Job.objects.get(kind="core.cancel_jobs")
    assert job.status == JobStatus.QUEUED
    runner.deliver(str(job.pk))
    assert Job.objects.filter(status=JobStatus.CANCELLED).count() == INLINE + 1
    job.refresh_from_db()
    assert (job.status, job.items.filter(outcome="updated").count()) == (JobStatus.SUCCEEDED, INLINE + 1)


@pytest.mark.parametrize("kind", [cancel_jobs, retry_jobs], ids=lambda kind: kind.kind)
def test_what_is_said_of_many_jobs_is_what_happens(admin_user, kind):
    """The dry run and the run, over every state, and a job that is gone."""
    jobs = [JobFactory(status=status) for status in JobStatus]
    under_way = bulk_job(status=JobStatus.PARTIAL)
    retry = JobFactory(parent=under_way, status=JobStatus.QUEUED)
    jobs += [under_way, bulk_job(status=JobStatus.PARTIAL), bulk_job(status=JobStatus.SUCCEEDED, result={})]
    jobs += [JobFactory.build()]
    ids = [str(job.pk) for job in jobs]
    actor = Actor(Trigger.ADMIN, admin_user.pk, "root")
    said = kind.function(DryRunContext(actor), ids=ids, dry_run=True)
    assert Job.objects.count() == len(jobs)  # one is gone, one is a retry
    done = runner.run_inline(kind, {"ids": ids}, actor).result
    words = [(row.object.id, row.outcome, row.code) for row in said.rows]
    assert words == [(row.object.id, row.outcome, row.code) for row in done.rows]
    assert words[-1][1:] == ("failed", "not_found")
    expected = {"updated", "skipped", "failed"} | ({"unchanged"} if kind is retry_jobs else set())
    assert {outcome for _, outcome, _ in words} == expected
    assert list(under_way.children.all()) == [retry]


def test_bulk_retry_twice_is_once(admin_client):
    job = bulk_job(status=JobStatus.PARTIAL)
    fine = JobFactory()
    confirm = admin_client.post(LIST, {"action": "retry", "_selected_action": [job.pk, fine.pk]})["Location"]
    assert "<strong>1</strong> have nothing to retry" in admin_client.get(confirm).content.decode()
    first, second = (admin_client.post(confirm)["Location"] for _ in range(2))
    assert first == second
    assert outcomes(Job.objects.get(kind="core.retry_jobs")) == {str(job.pk): "updated", str(fine.pk): "skipped"}
    assert Job.objects.filter(parent=job).count() == 1


def test_the_preview_of_a_retry_says_what_the_retry_does(admin_client):
    """A scan that held its removals has items that are well, and is done again as a whole."""
    job = JobFactory(kind="marketplace.rescan", status=JobStatus.PARTIAL)
    JobItemFactory(job=job, outcome=ItemOutcome.UPDATED)
    assert "Retry what failed" in admin_client.get(page(job)).content.decode()
    confirm = admin_client.post(LIST, {"action": "retry", "_selected_action": [job.pk]})["Location"]
    assert "<strong>1</strong> will be retried" in admin_client.get(confirm).content.decode()
    admin_client.post(confirm)
    assert Job.objects.filter(parent=job).count() == 1


def test_bulk_retry_of_what_is_being_retried_begins_nothing(admin_client):
    job = bulk_job(status=JobStatus.PARTIAL)
    retry = JobFactory(parent=job, status=JobStatus.RUNNING)
    confirm = admin_client.post(LIST, {"action": "retry", "_selected_action": [job.pk]})["Location"]
    assert "<strong>1</strong> are being retried already" in admin_client.get(confirm).content.decode()
    admin_client.post(confirm)
    item = Job.objects.get(kind="core.retry_jobs").items.get()
    assert (item.outcome, item.message) == ("unchanged", "Its retry is under way already.")
    assert item.detail["job_id"] == str(retry.pk)
    assert list(job.children.all()) == [retry]
    assert not AuditEvent.objects.filter(action="job.retried").exists()


def test_actions_are_offered_by_permission(client):
    JobFactory()
    reader(client)
    assert 'value="cancel"' not in client.get(LIST).content.decode()
    reader(client, "core.cancel_job")
    shown = client.get(LIST).content.decode()
    assert 'value="cancel"' in shown
    assert 'value="retry"' not in shown


def test_list_and_page_ask_a_constant_number_of_questions(admin_client):
    job = JobFactory(kind="marketplace.bulk_rescan")
    asked = []
    for more in (3, 27):
        for _ in range(more):
            item = JobItemFactory(job=job)
            JobFactory(actor=UserFactory(), parent=job, parent_item=item)
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(LIST, {"show": "all"}).status_code == 200
            assert admin_client.get(page(job)).status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1]
