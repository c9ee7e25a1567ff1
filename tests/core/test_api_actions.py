"""How an action becomes a job: inline, asynchronous, waited for; and conditional writes."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.api.actions import MAX_INLINE_OBJECTS, job_response, preference
from skillmeat_site.core.api.conditional import check_match, etag
from skillmeat_site.core.errors import DomainError, PreconditionFailed
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import Job
from skillmeat_site.core.results import BulkResult, ItemOutcome, JobStatus, ObjectRef, Row
from skillmeat_site.upstream.errors import UpstreamRateLimited
from tests.core.conftest import Calls, Done, messages
from tests.factories.marketplace import SourceFactory

pytestmark = pytest.mark.django_db
SOURCES = "/api/v1/marketplace/sources"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", (False, 0)),
        ("respond-async", (True, 0)),
        ("Respond-Async", (True, 0)),
        ("respond-async, wait=10", (True, 10)),
        ("wait=10, respond-async", (True, 10)),
        ("respond-async; wait=10", (True, 10)),
        ("respond-async,wait = 5", (True, 5)),
        ('respond-async, wait="7"', (True, 7)),
        ("respond-async, wait=30", (True, 30)),
        ("respond-async, wait=31", (True, 30)),
        ("respond-async, wait=3600", (True, 30)),
        ("wait=10", (False, 10)),
        ("respond-async, wait=-1", (True, 0)),
        ("respond-async, wait=soon", (True, 0)),
        ("respond-async, wait=1, wait=2", (True, 1)),
        ("return=minimal, respond-async", (True, 0)),
        ("respond-asynchronously", (False, 0)),
    ],
)
def test_preference(header, expected):
    assert preference(header) == expected


def rescan(api, source, prefer=None):
    headers = {"Prefer": prefer} if prefer else {}
    return api.post(f"{SOURCES}/{source.pk}/rescan", {}, headers=headers)


def test_inline_by_default_and_a_job_row_all_the_same(api, source):
    answer = rescan(api, source)
    assert (answer.status_code, answer.json()["new_count"]) == (200, 5)
    assert "Preference-Applied" not in answer
    job = Job.objects.get()
    assert (job.status, job.result, job.queue, job.actor.username) == ("succeeded", answer.json(), "", "root")


def test_respond_async_answers_the_job(api, source):
    answer = rescan(api, source, "respond-async")
    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (202, f"/api/v1/jobs/{job.pk}")
    assert answer["Preference-Applied"] == "respond-async"
    assert (answer.json()["id"], answer.json()["status"]) == (str(job.pk), "queued")
    assert messages() == [str(job.pk)]
    assert source.entries.count() == 0
    runner.deliver(str(job.pk))
    assert api.get(answer["Location"]).json()["result"]["new_count"] == 5


def test_a_second_asynchronous_request_joins_and_an_inline_one_is_refused(api, source):
    first = rescan(api, source, "respond-async")
    assert rescan(api, source, "respond-async").json()["id"] == first.json()["id"]
    refused = rescan(api, source)
    assert (refused.status_code, refused.json()["code"]) == (409, "source_busy")
    assert refused.json()["job_id"] == first.json()["id"]
    stronger = api.post(f"{SOURCES}/{source.pk}/rescan", {"force": True}, headers={"Prefer": "respond-async"})
    assert (stronger.status_code, stronger.json()["code"]) == (409, "source_busy")


@pytest.mark.parametrize(("count", "status"), [(MAX_INLINE_OBJECTS, 200), (MAX_INLINE_OBJECTS + 1, 202)])
def test_many_objects_are_a_queued_job_whatever_was_asked(api, count, status):
    ids = [SourceFactory(enabled=False).pk for _ in range(count)]
    answer = api.post(f"{SOURCES}/bulk-update", {"ids": ids, "enabled": True})
    assert answer.status_code == status
    if status == 202:
        assert "Preference-Applied" not in answer
        runner.deliver(answer.json()["id"])
        shown = api.get(answer["Location"]).json()
        assert (shown["status"], shown["result"]["summary"]["total"]) == ("succeeded", count)
    else:
        assert answer.json()["summary"]["total"] == count


def test_a_dry_run_leaves_nothing(api, source):
    answer = api.post(f"{SOURCES}/{source.pk}/rescan", {"dry_run": True}, headers={"Prefer": "respond-async"})
    assert (answer.status_code, answer.json()["dry_run"], answer.json()["new_count"]) == (200, True, 5)
    assert (Job.objects.count(), source.entries.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_wait_holds_for_the_result_and_no_longer(define, worker):
    job = runner.enqueue(define(), {}, COMMAND_LINE)

    def later():
        time.sleep(0.5)
        runner.deliver(str(job.pk))
        connection.close()

    thread = threading.Thread(target=later)
    thread.start()
    began = time.monotonic()
    answer = job_response(job, applied=True, wait=20)
    thread.join()
    assert (answer.status_code, answer.data) == (200, {"said": "done"})
    assert answer["Preference-Applied"] == "respond-async, wait=20"
    assert time.monotonic() - began < 15


def test_wait_gives_up(define):
    job = runner.enqueue(define(), {}, COMMAND_LINE)
    answer = job_response(job, applied=True, wait=1)
    assert (answer.status_code, answer.data["status"]) == (202, "queued")


def test_what_fails_while_it_is_waited_for_is_its_error(define):
    job = runner.enqueue(define(Calls(runner.Cancelled())), {}, COMMAND_LINE)
    failing = runner.enqueue(define(Calls(runner.JobTimeout()), kind="test.failing"), {}, COMMAND_LINE)
    for each in (job, failing):
        runner.deliver(str(each.pk))
        each.refresh_from_db()
    assert job_response(job, applied=True, wait=1).data["status"] == "cancelled"
    assert job_response(failing, applied=True).data["error"]["code"] == "job_timeout"
    with pytest.raises(DomainError) as caught:
        job_response(failing, applied=True, wait=1)
    assert (caught.value.code, caught.value.status) == ("job_timeout", 500)


@pytest.mark.parametrize("known", ["reset_at", "retry_after"])
def test_a_limit_that_is_met_while_it_is_waited_for_is_503_as_inline(define, known):
    when = timezone.now() + timedelta(hours=1)
    error = UpstreamRateLimited("used up", **{"reset_at": when} if known == "reset_at" else {"retry_after": 3600})
    job = runner.enqueue(define(Calls(error)), {}, COMMAND_LINE)
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    assert job.status == "partial"
    with pytest.raises(UpstreamRateLimited) as caught:
        job_response(job, applied=True, wait=1)
    said = caught.value
    assert (said.status, said.detail, said.data) == (503, error.detail, {"job_id": str(job.pk)})
    assert abs(said.reset_at - when) < timedelta(minutes=10)
    assert 3000 <= said.retry_after <= 3600
    answer = job_response(job, applied=True)
    assert (answer.status_code, answer.data["status"]) == (202, "partial")


def test_a_limit_some_rows_met_is_part_of_the_result(define):
    """Its code alone is no error: an import of which a part is deferred has a result."""
    some = Done(job_status=JobStatus.PARTIAL, item_outcome=ItemOutcome.DEFERRED, code=UpstreamRateLimited.code)
    job = runner.enqueue(define(lambda ctx: some), {}, COMMAND_LINE)
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    answer = job_response(job, applied=True, wait=1)
    assert (answer.status_code, answer.data) == (200, {"said": "done"})


def test_a_result_of_which_every_row_failed_is_a_result_all_the_same(define):
    row = Row(ObjectRef("thing", "1"), ItemOutcome.FAILED, "not_found", "There is no thing 1.")
    job = runner.enqueue(define(lambda ctx: BulkResult((row,))), {}, COMMAND_LINE)
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    assert job.status == "failed"
    answer = job_response(job, applied=True, wait=1)
    assert (answer.status_code, answer.data["results"][0]["code"]) == (200, "not_found")


def request(if_match=None):
    return Request(APIRequestFactory().patch("/x", headers={"If-Match": if_match} if if_match is not None else {}))


@pytest.mark.parametrize(
    ("if_match", "passes"),
    [(None, True), ("*", True), (" * ", True), ("{own}", True), ('"other", {own}', True), ('"other"', False),
     ("W/{own}", False), ("", False), ("{own}x", False)],
)  # fmt: skip
def test_if_match(if_match, passes):
    row = SourceFactory()
    header = if_match.replace("{own}", etag(row)) if if_match is not None else None
    if passes:
        check_match(request(header), row)
    else:
        with pytest.raises(PreconditionFailed):
            check_match(request(header), row)


def test_any_write_changes_the_tag_and_rows_do_not_share_one():
    row, other = SourceFactory(), SourceFactory()
    before = etag(row)
    row.refresh_from_db()
    assert etag(row) == before
    row.updated_at += timedelta(microseconds=1)
    other.updated_at = row.updated_at
    assert len({before, etag(row), etag(other)}) == 3
    assert before.startswith('"')
    assert before.endswith('"')


def test_a_stale_write_is_412_and_writes_nothing(api, source):
    url = f"{SOURCES}/{source.pk}"
    tag = api.get(url)["ETag"]
    assert api.patch(url, {"tags": ["one"]}, headers={"If-Match": tag}).status_code == 200
    stale = api.patch(url, {"tags": ["two"]}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    source.refresh_from_db()
    assert source.tags == ["one"]
