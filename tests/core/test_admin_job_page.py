"""The job page in depth: parts that follow, items searched and taken away, the log, what is left, what to do now."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from skillmeat_site.core import selections
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner, trail
from skillmeat_site.core.jobs.planning import plan
from skillmeat_site.core.jobs.trail import Trail
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import ItemOutcome, JobStatus
from tests.core.conftest import Done
from tests.core.test_admin_jobs import bulk_job, page, reader, view
from tests.factories.core import AuditEventFactory, JobFactory, JobItemFactory, UserFactory

pytestmark = pytest.mark.django_db


def items(shown):
    body = shown.partition('<table class="sm-rows sm-job-rows">')[2].partition("</table>")[0]
    return re.findall(r"<tr>\s*<td><bdi>(?:<a[^>]*>)?([^<]*)", body)


def log(shown):
    body = shown.partition('<ol class="sm-log"')[2].partition("</ol>")[0]
    return [re.sub(r"<[^>]*>", "", line).split(None, 1)[1].strip() for line in re.findall(r"<li>(.*?)</li>", body)]


def download(job, ending):
    return reverse("admin:core_job_items", args=[job.pk, ending])


def test_items_are_found_by_word_and_outcome(admin_client):
    job = JobFactory()
    JobItemFactory(job=job, object_label="skill:pdf", outcome=ItemOutcome.CREATED)
    JobItemFactory(job=job, object_label="skill:docx", outcome=ItemOutcome.FAILED, code="needs_plugin")
    JobItemFactory(job=job, object_label="hook:pdf", outcome=ItemOutcome.FAILED, message="It took too long")
    shown = admin_client.get(page(job), {"q": "PDF"}).content.decode()
    assert items(shown) == ["skill:pdf", "hook:pdf"]
    assert "2 items have these words" in shown
    assert items(admin_client.get(page(job), {"q": "pdf", "outcome": "failed"}).content.decode()) == ["hook:pdf"]
    assert items(admin_client.get(page(job), {"q": "needs_plug"}).content.decode()) == ["skill:docx"]
    assert items(admin_client.get(page(job), {"q": "too long"}).content.decode()) == ["hook:pdf"]
    none = admin_client.get(page(job), {"q": "pdf needs_plugin"}).content.decode()
    assert items(none) == []
    assert "No item ended like this" in none
    for strange in ("%", "\x00", "x" * 10_000, "' OR 1=1"):
        assert admin_client.get(page(job), {"q": strange}).status_code == 200


def test_items_are_taken_away_as_they_are_filtered(admin_client):
    job = bulk_job(status=JobStatus.PARTIAL)
    hostile = '=HYPERLINK("http://evil.example")\n<script>'
    JobItemFactory(job=job, object_label=hostile, outcome=ItemOutcome.FAILED, message="-1+1", duration_ms=5)
    answer = admin_client.get(download(job, "csv"), {"outcome": "failed"})
    assert answer["Content-Disposition"] == f'attachment; filename="job-{job.pk}-items.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [row["outcome"] for row in rows] == ["failed", "failed"]
    assert rows[1]["label"] == f"'{hostile}"
    assert rows[1]["message"] == "'-1+1"
    answer = admin_client.get(download(job, "json"))
    found = json.loads(b"".join(answer))
    assert [row["outcome"] for row in found] == ["updated", "failed", "deferred", "failed"]
    assert found[3] == {
        "type": "source", "id": job.items.last().object_id, "label": hostile, "outcome": "failed", "code": "",
        "message": "-1+1", "duration_ms": 5,
    }  # fmt: skip
    assert json.loads(b"".join(admin_client.get(download(job, "json"), {"q": "nothing has this"}))) == []
    assert (
        f"{download(job, 'csv')}?outcome=failed" in admin_client.get(page(job), {"outcome": "failed"}).content.decode()
    )


@pytest.mark.parametrize("label", ["=1+1", " =1+1", "\n=1+1", "\u3000@SUM(A1)", "\uff1d1+1", "\t-1"])
def test_no_cell_of_the_items_is_a_formula(admin_client, label):
    job = JobFactory()
    JobItemFactory(job=job, object_label=label)
    (row,) = csv.DictReader(io.StringIO(b"".join(admin_client.get(download(job, "csv"))).decode(), newline=""))
    assert row["label"] == f"'{label}"


def test_who_may_not_see_a_job_takes_nothing_away(client):
    job = bulk_job()
    client.force_login(UserFactory(permissions=["core.view_auditevent"]))
    assert client.get(download(job, "csv")).status_code == 403
    reader(client)
    assert client.get(download(job, "csv")).status_code == 200
    assert client.get(download(job, "exe")).status_code == 404
    assert client.get(download(JobFactory.build(), "csv")).status_code == 404


def test_the_log_tells_what_happened_when(admin_client, admin_user):
    began = timezone.now() - timedelta(minutes=5)
    job = bulk_job(status=JobStatus.PARTIAL, actor=admin_user, error_code="upstream_timeout")
    said = ((2, "listing"), (3, "<b>x</b>\u202e"))
    Job.objects.filter(pk=job.pk).update(
        created_at=began, started_at=began + timedelta(seconds=1), finished_at=began + timedelta(seconds=9),
        trail=[[(began + timedelta(seconds=n)).isoformat(), text] for n, text in said],
    )  # fmt: skip
    event = AuditEventFactory(job=job, action="entries.imported", object_label="default")
    type(event).objects.filter(pk=event.pk).update(at=began + timedelta(seconds=4))
    admin_client.post(view(job, "retry"))
    lines = log(admin_client.get(page(job)).content.decode())
    assert lines[0].startswith("retried as")
    assert lines[1:] == [
        "ended: partial upstream_timeout",
        "entries.imported default",
        r"&lt;b&gt;x&lt;/b&gt;\u202e",
        "listing",
        "began",
        "asked for by root, through: admin",
    ]


def test_a_log_is_bounded(admin_client):
    job = JobFactory()
    AuditEventFactory.create_batch(103, job=job)
    shown = admin_client.get(page(job)).content.decode()
    assert sum("source.changed" in line for line in log(shown)) == 100
    assert f"/admin/core/auditevent/?job={job.pk}" in shown


def test_a_trail_is_what_was_said_with_the_heartbeats(define, monkeypatch):
    monkeypatch.setattr("skillmeat_site.core.jobs.context.PROGRESS_SECONDS", 0)

    def work(ctx):
        for label in ("reading", "reading", "writing", ""):
            ctx.progress(1, 2, label)
        return Done()

    job = runner.run_inline(define(work), {}, COMMAND_LINE).job
    job.refresh_from_db()
    assert [text for _, text in job.trail] == ["reading", "writing"]


def test_a_long_trail_keeps_its_beginning_and_its_end():
    lines = Trail([], attempt=1)
    for number in range(500):
        assert lines.add(f"step {number}")
    texts = [text for _, text in lines.lines]
    assert len(texts) == trail.FIRST_KEPT + trail.LAST_KEPT
    assert texts[: trail.FIRST_KEPT] == [f"step {n}" for n in range(trail.FIRST_KEPT)]
    assert texts[-trail.LAST_KEPT :] == [f"step {n}" for n in range(500 - trail.LAST_KEPT, 500)]
    again = Trail(lines.lines, attempt=2)
    assert again.lines[-1][1] == "attempt 2"


def test_what_is_left_is_a_guess_of_the_page_and_of_the_list(admin_client):
    job = JobFactory(status=JobStatus.RUNNING, done=25, total=100)
    Job.objects.filter(pk=job.pk).update(started_at=timezone.now() - timedelta(minutes=2))
    for url in (page(job), reverse("admin:core_job_changelist")):
        assert "about 6 min left" in admin_client.get(url).content.decode()
    assert admin_client.get(view(job, "progress")).json()["left"] == "about 6 min left"
    for columns in ({"done": 0}, {"done": 100}, {"status": JobStatus.QUEUED, "done": 25}):
        Job.objects.filter(pk=job.pk).update(**columns)
        assert admin_client.get(view(job, "progress")).json()["left"] == ""


def test_what_to_do_now_is_said_once_for_each_code(admin_client):
    job = JobFactory(status=JobStatus.PARTIAL)
    for _ in range(3):
        JobItemFactory(job=job, outcome=ItemOutcome.FAILED, code="disk_full")
    JobItemFactory(job=job, outcome=ItemOutcome.FAILED, code="no_such_code")
    shown = admin_client.get(page(job)).content.decode()
    assert shown.count("<code>disk_full</code>") == 3
    assert shown.count('class="sm-hint"') == 1


def test_parts_that_follow_are_marked_and_the_search_is_none_of_them(admin_client):
    job = bulk_job(status=JobStatus.RUNNING)
    shown = admin_client.get(page(job)).content.decode()
    assert set(re.findall(r'data-live="(\w+)"', shown)) == {
        "state", "facts", "buttons", "result", "items", "log", "raw",
    }  # fmt: skip
    outside = re.sub(r'<div data-live="items">.*', "", shown, flags=re.DOTALL)
    assert 'type="search"' in outside
    # The same page answers what the script fetches later, so its parts have to be there once it is over.
    Job.objects.update(status=JobStatus.SUCCEEDED, finished_at=timezone.now())
    later = admin_client.get(page(job)).content.decode()
    assert set(re.findall(r'data-live="(\w+)"', later)) == set(re.findall(r'data-live="(\w+)"', shown))


def test_children_are_counted_by_how_they_fare(admin_client):
    job = bulk_job()
    JobFactory.create_batch(2, parent=job, status=JobStatus.SUCCEEDED)
    JobFactory(parent=job, status=JobStatus.FAILED)
    shown = admin_client.get(page(job)).content.decode()
    assert f"?parent={job.pk}&amp;status=succeeded" in shown
    assert 'status=failed">1</a>' in shown


def test_many_params_are_shown_in_short(admin_client):
    job = JobFactory(kind=plan.kind, params={"kind": "x", "params": {"ids": list(range(70_000, 120_000))}})
    shown = admin_client.get(page(job)).content.decode()
    assert "… 50000 in all" in shown
    assert "70019" in shown
    assert "70020" not in shown


def test_the_way_back_is_remembered_without_the_query(admin_client, admin_user, client):
    job, other = JobFactory(), JobFactory(kind=plan.kind)
    chosen = selections.freeze(admin_user, model="core.job", action="retry", ids=[], back="/admin/core/job/?q=x")
    type(chosen).objects.filter(pk=chosen.pk).update(id=job.pk)
    assert 'href="/admin/core/job/?q=x"' in admin_client.get(page(job)).content.decode()
    planned = selections.freeze(admin_user, model="core.job", action="retry", ids=[], back="/admin/")
    selections.attach_plan(planned, other, "token")
    assert reverse("admin:core_job_confirm", args=[planned.pk]) in admin_client.get(page(other)).content.decode()
    reader(client)
    assert "Back to where" not in client.get(page(job)).content.decode()


def test_a_plan_that_found_failures_is_not_retried(admin_client):
    job = JobFactory(kind=plan.kind, params={"kind": "core.retry_jobs", "params": {"ids": []}})
    JobItemFactory(job=job, outcome=ItemOutcome.FAILED)
    assert "Retry what failed" not in admin_client.get(page(job)).content.decode()
    assert "nothing_to_retry" in admin_client.post(view(job, "retry"), follow=True).content.decode()
