"""Jobs whose worker died, whose message was lost, whose last child closed nothing."""

from __future__ import annotations

import pytest

from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import reaper, runner, states
from skillmeat_site.core.jobs.housekeeping import prune_jobs
from skillmeat_site.core.jobs.reaper import RESEND_ANYWAY_SECONDS, RESEND_SECONDS, ReapResult, reap
from skillmeat_site.core.models import Job, JobItem
from skillmeat_site.core.results import JobStatus
from tests.core.conftest import Calls, Killed, age, lose_messages, messages, target_of
from tests.factories.core import JobFactory, JobItemFactory

pytestmark = pytest.mark.django_db
NOTHING = ReapResult()


@pytest.fixture
def dead(define):
    """A job whose worker was killed in its first attempt."""
    job = runner.enqueue(define(Calls(Killed()), max_attempts=2, target=target_of), {"n": 1}, COMMAND_LINE)
    lose_messages()
    with pytest.raises(Killed):
        runner.deliver(str(job.pk))
    age(job)
    return job


def test_a_dead_workers_job_goes_back_into_the_queue(dead):
    assert reap() == ReapResult(requeued=1)
    dead.refresh_from_db()
    assert (dead.status, dead.lease_token, messages()) == ("queued", None, [str(dead.pk)])
    assert reap() == NOTHING


def test_after_the_last_attempt_it_fails(dead):
    Job.objects.filter(pk=dead.pk).update(attempt=2)
    assert reap() == ReapResult(failed=1)
    dead.refresh_from_db()
    assert (dead.status, dead.error_code, dead.items.get().outcome) == ("failed", "worker_lost", "failed")
    assert messages() == []
    assert reap() == NOTHING


def test_an_inline_job_is_not_begun_again_by_somebody_else(define):
    with pytest.raises(Killed):
        runner.run_inline(define(Calls(Killed())), {}, COMMAND_LINE)
    job = Job.objects.get()
    assert reap() == NOTHING
    age(job)
    assert reap() == ReapResult(failed=1)


def test_a_dead_child_settles_its_parents_row(define):
    parent = JobFactory(status=JobStatus.RUNNING, awaits_children=True)
    item = JobItemFactory(job=parent, outcome="")
    child = JobFactory(
        kind=define().kind, status=JobStatus.RUNNING, parent=parent, parent_item=item, attempt=9, queue="default"
    )
    age(child)
    assert reap().failed == 1
    parent.refresh_from_db()
    assert (parent.status, parent.items.get().code) == ("failed", "worker_lost")


def test_a_living_job_is_left_alone(define):
    job = runner.enqueue(define(), {}, COMMAND_LINE)
    states.claim(job.pk)
    age(job, states.STALE_SECONDS - 20)
    assert reap() == NOTHING


@pytest.mark.parametrize(
    ("lost", "seconds", "resent"),
    [
        (True, RESEND_SECONDS - 30, 0),
        (True, RESEND_SECONDS + 30, 1),
        (False, RESEND_SECONDS + 30, 0),
        (False, RESEND_ANYWAY_SECONDS + 30, 1),
    ],
    ids=["a moment ago", "queue drained", "still waiting in the queue", "waiting for an hour"],
)
def test_a_lost_message_is_sent_again(define, worker, lost, seconds, resent):
    job = runner.enqueue(define(), {}, COMMAND_LINE)
    if lost:
        lose_messages()
    age(job, seconds, column="sent_at")
    assert reap() == ReapResult(resent=resent)
    assert reap() == NOTHING
    worker()
    job.refresh_from_db()
    assert job.attempt == (0 if lost and not resent else 1)


def test_all_lost_messages_of_a_queue_are_sent_in_one_sweep(define):
    definition = define()
    jobs = [runner.enqueue(definition, {"n": n}, COMMAND_LINE) for n in range(3)]
    lose_messages()
    for job in jobs:
        age(job, 120, column="sent_at")
    assert reap() == ReapResult(resent=3)
    assert sorted(messages()) == sorted(str(job.pk) for job in jobs)


def test_a_parent_whose_last_child_closed_nothing_is_closed():
    parent = JobFactory(status=JobStatus.RUNNING, awaits_children=True)
    JobItemFactory(job=parent, outcome="updated")
    JobItemFactory(job=parent, outcome="failed")
    waiting = JobFactory(status=JobStatus.RUNNING, awaits_children=True)
    JobItemFactory(job=waiting, outcome="")
    assert reap() == ReapResult(closed=1)
    assert {job.pk: job.status for job in Job.objects.all()} == {parent.pk: "partial", waiting.pk: "running"}
    assert reap() == NOTHING


def test_one_strange_job_does_not_stop_the_others(dead):
    strange = JobFactory(kind="test.forgotten", status=JobStatus.RUNNING, attempt=1)
    age(strange)
    assert reap() == ReapResult(requeued=1, failed=1)
    strange.refresh_from_db()
    assert strange.status == "failed"


def test_the_result_tells_its_counts():
    assert ReapResult(1, 2, 3, 4).to_json() == {"requeued": 1, "failed": 2, "resent": 3, "closed": 4}


def test_what_ended_long_ago_is_forgotten_with_its_items(settings):
    settings.SKILLMEAT_JOB_KEEP_DAYS = 10
    for days in (9, 11):
        job = JobItemFactory().job
        age(job, days * 86_400, column="finished_at")
    JobFactory(status=JobStatus.QUEUED)
    prune_jobs()
    assert sorted(Job.objects.values_list("status", flat=True)) == ["queued", "succeeded"]
    assert JobItem.objects.count() == 1
    assert reaper.reap() == NOTHING
