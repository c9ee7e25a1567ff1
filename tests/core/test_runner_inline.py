"""Jobs run in the process of whoever asked."""

from __future__ import annotations

import json
import logging
import uuid

import pytest

from skillmeat_site.core.actor import COMMAND_LINE, Actor
from skillmeat_site.core.errors import Cancelled, DiskFull, DomainError, JobActive, LimitExceeded
from skillmeat_site.core.jobs import queue, runner
from skillmeat_site.core.models import Job, JobItem
from skillmeat_site.core.results import BulkResult, ItemOutcome, JobStatus, ObjectRef, Row, Trigger
from tests.core.conftest import Calls, Done, age, messages, target_of
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db


class ThingBusy(DomainError):
    code = "test_thing_busy"
    status = 409
    title = "The thing is busy"


def outcomes(job):
    return list(job.items.values_list("object_id", "outcome", "code"))


def test_success_is_the_row_and_the_answer(define):
    function = Calls()
    user = UserFactory()
    outcome = runner.run_inline(define(function), {"a": 1}, Actor(Trigger.API, user.pk, user.username))
    assert outcome.unwrap() == Done()
    job = Job.objects.get()
    assert (job.status, job.result, job.error_code, job.error_detail) == ("succeeded", {"said": "done"}, "", "")
    assert (job.trigger, job.actor, job.attempt, job.queue, job.lease_token) == ("api", user, 1, "", None)
    assert job.created_at <= job.finished_at
    assert function.seen == [{"a": 1}]
    assert messages() == []


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.PARTIAL, JobStatus.FAILED])
def test_the_result_decides_the_status(define, status):
    result = Done(job_status=status, item_outcome=ItemOutcome.UNCHANGED, code="some_code")
    runner.run_inline(define(lambda ctx, n: result, target=target_of), {"n": 7}, COMMAND_LINE)
    job = Job.objects.get()
    assert (job.status, job.error_code) == (status, "some_code")
    assert outcomes(job) == [("7", "unchanged", "some_code")]


@pytest.mark.parametrize(
    ("raised", "code", "status"),
    [
        (LimitExceeded("too large"), "limit_exceeded", "failed"),
        (OSError(28, "No space left on device"), "disk_full", "failed"),
        (Cancelled(), "cancelled", "cancelled"),
    ],
)
def test_expected_failures_have_their_code(define, raised, code, status):
    outcome = runner.run_inline(define(Calls(raised), target=target_of), {"n": 1}, COMMAND_LINE)
    job = Job.objects.get()
    assert (job.status, job.error_code, job.result) == (status, code, None)
    assert outcomes(job) == [("1", "deferred" if status == "cancelled" else "failed", code)]
    with pytest.raises(DomainError) as caught:
        outcome.unwrap()
    assert caught.value.code == code


def test_a_disk_that_is_full_is_no_bug(define):
    with pytest.raises(DiskFull):
        runner.run_inline(define(Calls(OSError(28, "ENOSPC"))), {}, COMMAND_LINE).unwrap()


def test_a_bug_shows_an_incident_and_the_log_has_the_trace(define, caplog):
    caplog.set_level(logging.INFO)
    secret = "hunter2 in /srv/private/file.py"
    outcome = runner.run_inline(define(Calls(RuntimeError(secret)), target=target_of), {"n": 1}, COMMAND_LINE)
    job = Job.objects.get()
    assert (job.status, job.error_code) == ("failed", "internal")
    with pytest.raises(runner.InternalError, match=r"incident [0-9a-f]{12}\)") as caught:
        outcome.unwrap()
    incident = caught.value.detail.split("incident ")[1][:12]
    shown = json.dumps([job.error_detail, list(job.items.values_list("message", flat=True)), caught.value.detail])
    assert incident in job.error_detail
    assert not [word for word in ("hunter2", "/srv", "Traceback", "RuntimeError") if word in shown]
    logged = [str(record.msg) for record in caplog.records if "job.bug" in str(record.msg)]
    assert len(logged) == 1
    assert incident in logged[0]
    assert "Traceback" in logged[0]
    assert str(job.pk) in logged[0]


@pytest.mark.parametrize(("stop", "code", "status"), [
    (KeyboardInterrupt(), "cancelled", "cancelled"),
    (SystemExit(1), "cancelled", "cancelled"),
    (queue.WorkerTimeout("too slow"), "job_timeout", "failed"),
])  # fmt: skip
def test_what_must_not_be_survived_is_settled_and_raised_again(define, stop, code, status):
    with pytest.raises(type(stop)):
        runner.run_inline(define(Calls(stop), target=target_of), {"n": 1}, COMMAND_LINE)
    job = Job.objects.get()
    assert (job.status, job.error_code, job.lease_token) == (status, code, None)
    assert outcomes(job) == [("1", "deferred" if code == "cancelled" else "failed", code)]


def test_inline_is_refused_while_the_key_is_held_and_runs_nothing(define):
    function = Calls()
    definition = define(function, dedupe=lambda params: "thing", busy=ThingBusy)
    held = runner.enqueue(definition, {}, COMMAND_LINE)
    with pytest.raises(ThingBusy) as caught:
        runner.run_inline(definition, {}, COMMAND_LINE)
    assert caught.value.data == {"job_id": str(held.pk)}
    assert function.seen == []
    assert Job.objects.count() == 1


def test_a_key_is_free_again_when_its_job_has_ended(define):
    definition = define(dedupe=lambda params: "thing")
    assert [runner.run_inline(definition, {}, COMMAND_LINE).job.status for _ in range(2)] == ["succeeded"] * 2


def test_a_holder_without_a_heartbeat_is_ended_and_taken_over(define):
    definition = define(dedupe=lambda params: "thing", target=target_of)
    nested = []

    def crash(ctx, n):
        age(ctx.job)  # the process of this job is dead, as far as anybody can see
        nested.append(runner.run_inline(definition, {"n": 2}, COMMAND_LINE))
        return Done()

    dead = define(crash, kind="test.dead", dedupe=lambda params: "thing", target=target_of)
    outcome = runner.run_inline(dead, {"n": 1}, COMMAND_LINE)
    assert nested[0].job.status == "succeeded"
    with pytest.raises(DomainError) as caught:
        outcome.unwrap()
    assert caught.value.code == "lease_lost"
    job = Job.objects.get(kind="test.dead")
    assert (job.status, job.error_code) == ("failed", "worker_lost")
    assert outcomes(job) == [("1", "failed", "worker_lost")]


def test_a_living_holder_is_not_taken_over(define):
    definition = define(dedupe=lambda params: "thing")

    def work(ctx):
        with pytest.raises(JobActive):
            runner.run_inline(definition, {}, COMMAND_LINE)
        return Done()

    assert runner.run_inline(define(work, kind="test.outer", dedupe=lambda p: "thing"), {}, COMMAND_LINE).unwrap()


@pytest.mark.parametrize("dedupe", [None, "thing"])
def test_one_id_runs_once(define, dedupe):
    function = Calls()
    definition = define(function, dedupe=lambda params: dedupe)
    wanted = uuid.uuid4()
    first = runner.run_inline(definition, {}, COMMAND_LINE, job_id=wanted)
    second = runner.run_inline(definition, {}, COMMAND_LINE, job_id=wanted)
    assert first.job.pk == second.job.pk == wanted
    assert len(function.seen) == 1


def test_rows_of_a_bulk_operation_become_items(define):
    rows = [
        Row(ObjectRef("thing", "1", "one"), ItemOutcome.UPDATED, detail={"n": 1}),
        Row(ObjectRef("thing", "2"), ItemOutcome.FAILED, "not_found", "There is none."),
    ]
    outcome = runner.run_inline(define(lambda ctx: BulkResult(tuple(rows))), {}, COMMAND_LINE)
    job = outcome.job
    assert (job.status, job.done, job.total) == ("partial", 2, 2)
    assert outcomes(job) == [("1", "updated", ""), ("2", "failed", "not_found")]
    assert job.result == outcome.unwrap().to_json()
    assert job.result["summary"]["total"] == 2


def test_a_long_bulk_result_stays_in_the_items(define):
    rows = tuple(Row(ObjectRef("thing", str(n)), ItemOutcome.UNCHANGED) for n in range(501))
    job = runner.run_inline(define(lambda ctx: BulkResult(rows)), {}, COMMAND_LINE).job
    assert job.result["results"] == []
    assert job.result["results_url"] == f"/api/v1/jobs/{job.pk}/items"
    assert job.result["summary"]["unchanged"] == job.result["summary"]["total"] == 501
    assert JobItem.objects.filter(job=job).count() == 501


@pytest.mark.parametrize(
    ("label", "params", "expected"),
    [
        ("Scan {target}", {"n": 3}, "Scan thing 3"),
        (lambda params: f"Change {params['n']}", {"n": 4}, "Change 4"),
        ("x" * 400, {"n": 5}, "x" * 300),
    ],
)
def test_labels(define, label, params, expected):
    assert runner.run_inline(define(label=label, target=target_of), params, COMMAND_LINE).job.label == expected
