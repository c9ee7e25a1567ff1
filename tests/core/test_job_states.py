"""Every move of a job, and every move that must not be."""

from __future__ import annotations

import uuid
from contextlib import nullcontext

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from skillmeat_site.core.errors import Cancelled, JobFinished, LeaseLost
from skillmeat_site.core.jobs import states
from skillmeat_site.core.models import Job, JobItem
from skillmeat_site.core.results import ACTIVE, TERMINAL, JobStatus
from tests.core.conftest import age
from tests.factories.core import JobFactory, JobItemFactory

pytestmark = pytest.mark.django_db

TOKEN = uuid.uuid4()
# What a job can be in: its columns.
STATES = {
    "queued": {"status": JobStatus.QUEUED},
    "running": {"status": JobStatus.RUNNING, "lease_token": TOKEN},
    "stale": {"status": JobStatus.RUNNING, "lease_token": TOKEN},
    "waiting for children": {"status": JobStatus.RUNNING, "awaits_children": True},
    **{status.value: {"status": status} for status in TERMINAL},
}


def job_in(state):
    job = JobFactory(**STATES[state])
    if state == "stale":
        age(job)
    return job


def try_claim(job):
    return states.claim(job.pk) is not None


def try_beat(job):
    states.beat(job.pk, TOKEN)
    return True


def try_beat_of_another(job):
    states.beat(job.pk, uuid.uuid4())
    return True


def try_finish(job):
    return states.finish(job.pk, TOKEN, JobStatus.SUCCEEDED)


def try_finish_of_another(job):
    return states.finish(job.pk, uuid.uuid4(), JobStatus.SUCCEEDED)


def try_finish_unheld(job):
    return states.finish(job.pk, None, JobStatus.FAILED)


def try_await_children(job):
    states.await_children(job.pk, TOKEN)
    return True


def try_requeue(job):
    return states.requeue(job.pk)


def try_cancel(job):
    states.request_cancel(job)
    return True


# move -> {state it is allowed in: the status afterwards}; in all others nothing may happen.
MOVES = {
    try_claim: {"queued": "running", "stale": "running"},
    try_beat: {"running": "running", "stale": "running"},
    try_beat_of_another: {},
    try_finish: {"running": "succeeded", "stale": "succeeded"},
    try_finish_of_another: {},
    try_finish_unheld: {"queued": "failed", "waiting for children": "failed"},
    try_await_children: {"running": "running", "stale": "running"},
    try_requeue: {"stale": "queued"},
    try_cancel: {
        "queued": "cancelled", "running": "running", "stale": "running", "waiting for children": "running",
    },
}  # fmt: skip
EVERY = [(move, state, allowed.get(state)) for move, allowed in MOVES.items() for state in STATES]


@pytest.mark.parametrize(("move", "state", "after"), EVERY, ids=[f"{m.__name__[4:]}-{s}" for m, s, _ in EVERY])
def test_moves(move, state, after):
    job = job_in(state)
    before = Job.objects.values().get(pk=job.pk)
    try:
        moved = move(job)
    except (LeaseLost, JobFinished):
        moved = False
    now = Job.objects.values().get(pk=job.pk)
    assert moved == (after is not None)
    if moved:
        assert now["status"] == after
        assert (now["finished_at"] is None) == (after in ACTIVE)
    else:
        assert now == before


@pytest.mark.parametrize(
    ("columns", "refusal"),
    [
        ({}, None),
        ({"cancel_requested": True}, Cancelled),
        ({"lease_token": uuid.uuid4(), "cancel_requested": True}, LeaseLost),
        ({"status": JobStatus.CANCELLED, "finished_at": timezone.now()}, LeaseLost),
    ],
    ids=["mine", "cancelled", "another's", "over"],
)
def test_only_a_job_that_is_mine_and_not_cancelled_is_held(columns, refusal):
    job = JobFactory(**{"status": JobStatus.RUNNING, "lease_token": TOKEN, **columns})
    with pytest.raises(refusal) if refusal else nullcontext(), transaction.atomic():
        states.hold(job.pk, TOKEN)


def test_a_claim_counts_the_attempt_and_keeps_the_first_start():
    job = job_in("queued")
    first = states.claim(job.pk)
    job.refresh_from_db()
    started = job.started_at
    assert started is not None
    age(job)
    second = states.claim(job.pk)
    job.refresh_from_db()
    assert (job.attempt, job.started_at, job.lease_token) == (2, started, second)
    assert first != second


def test_of_two_claims_one_wins():
    job = job_in("queued")
    assert [states.claim(job.pk) is not None for _ in range(3)] == [True, False, False]


def test_finish_writes_its_columns_and_lets_go():
    job = job_in("running")
    assert states.finish(job.pk, TOKEN, JobStatus.PARTIAL, error_code="some", result={"a": 1})
    job.refresh_from_db()
    assert (job.status, job.error_code, job.result, job.lease_token) == ("partial", "some", {"a": 1}, None)


def test_a_cancelled_queued_job_ends_with_a_time_and_a_running_one_is_only_asked():
    queued, running = job_in("queued"), job_in("running")
    assert states.request_cancel(queued) is JobStatus.CANCELLED
    assert states.request_cancel(running) is JobStatus.RUNNING
    assert states.beat(running.pk, TOKEN) is True
    with pytest.raises(JobFinished) as caught:
        states.request_cancel(queued)
    assert caught.value.data == {"job_id": str(queued.pk)}


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("job_status_known", {"status": "sleeping"}),
        ("job_finished_iff_terminal", {"status": "succeeded", "finished_at": None}),
        ("job_finished_iff_terminal", {"status": "running", "finished_at": timezone.now()}),
        ("job_one_active_per_key", {"status": "queued", "finished_at": None, "dedupe_key": "taken"}),
    ],
)
def test_what_the_database_refuses_of_a_job(constraint, columns):
    JobFactory(status=JobStatus.RUNNING, dedupe_key="taken")
    job = JobFactory()
    named = constraint
    if constraint == "job_one_active_per_key":  # SQLite names the columns of a broken unique index, not its name
        named += "|core_job.dedupe_key"
    if constraint == "job_status_known":  # such a row breaks both, PostgreSQL names the first by alphabet
        named += "|job_finished_iff_terminal"
    with pytest.raises(IntegrityError, match=named), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**columns)


def test_a_key_may_be_repeated_among_the_finished():
    JobFactory(dedupe_key="thing")
    JobFactory(dedupe_key="thing")
    JobFactory(dedupe_key="thing", status=JobStatus.QUEUED)
    JobFactory(dedupe_key=None, status=JobStatus.QUEUED)
    JobFactory(dedupe_key=None, status=JobStatus.QUEUED)
    assert Job.objects.active().count() == 3


@pytest.mark.parametrize(
    ("named", "break_it"),
    [
        ("jobitem_outcome_known", lambda item: JobItem.objects.filter(pk=item.pk).update(outcome="vanished")),
        (
            "jobitem_once_per_job|core_jobitem.job_id",
            lambda item: JobItemFactory(job=item.job, object_id=item.object_id),
        ),
        (
            "parent_item_id",
            lambda item: [JobFactory(parent=item.job, parent_item=item) for _ in range(2)],
        ),
    ],
)
def test_what_the_database_refuses_of_an_item(named, break_it):
    item = JobItemFactory()
    with pytest.raises(IntegrityError, match=named), transaction.atomic():
        break_it(item)
