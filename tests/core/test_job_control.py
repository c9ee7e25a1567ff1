"""What a person can do with a job: cancel, retry."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError

from skillmeat_site.core.actor import COMMAND_LINE, SCHEDULER, Actor
from skillmeat_site.core.admin.job_page import _can_retry, outcome_tabs
from skillmeat_site.core.errors import JobActive, JobFinished, LimitExceeded, NothingToRetry, PermissionDenied
from skillmeat_site.core.jobs import control, runner, states
from skillmeat_site.core.jobs.context import DryRunContext
from skillmeat_site.core.jobs.many import retry_jobs
from skillmeat_site.core.jobs.registry import definitions
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.results import ACTIVE, TERMINAL, ItemOutcome, JobStatus, Trigger
from skillmeat_site.core.rights import Rights
from tests.core.conftest import Calls, lose_messages, messages, target_of
from tests.factories.core import JobFactory, JobItemFactory, UserFactory

pytestmark = pytest.mark.django_db


def only_these(params, ids):
    return {**params, "ns": [int(n) for n in ids]}


def test_cancel_ends_a_waiting_job_and_says_who_did_it(define):
    function = Calls()
    job = runner.enqueue(define(function, target=target_of), {"n": 1}, COMMAND_LINE)
    job = control.cancel(job, actor=COMMAND_LINE)
    assert (job.status, job.items.get().outcome, job.items.get().code) == ("cancelled", "deferred", "cancelled")
    event = AuditEvent.objects.get()
    assert (event.action, event.job_id, event.actor_name) == ("job.cancelled", job.pk, "command line")
    runner.deliver(str(job.pk))
    assert function.seen == []


def test_cancel_of_a_child_settles_its_row_and_closes_the_parent(define):
    parent = JobFactory(status=JobStatus.RUNNING, awaits_children=True, total=1)
    item = JobItemFactory(job=parent, outcome="")
    child = runner.enqueue(define(), {}, COMMAND_LINE, item=item)
    control.cancel(child, actor=COMMAND_LINE)
    parent.refresh_from_db()
    assert (parent.status, parent.done, parent.items.get().outcome) == ("partial", 1, "deferred")


def test_cancel_asks_a_running_job(define):
    job = runner.enqueue(define(), {}, COMMAND_LINE)
    states.claim(job.pk)
    job = control.cancel(job, actor=COMMAND_LINE)
    assert (job.status, job.cancel_requested) == ("running", True)


@pytest.mark.parametrize("status", TERMINAL)
def test_what_has_ended_cannot_be_cancelled(status):
    job = JobFactory(status=status)
    with pytest.raises(JobFinished):
        control.cancel(job, actor=COMMAND_LINE)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("status", ACTIVE)
def test_what_is_active_cannot_be_retried(status):
    with pytest.raises(JobActive):
        control.retry(JobFactory(status=status), actor=COMMAND_LINE)


@pytest.mark.parametrize(
    ("status", "outcomes", "retry", "expected"),
    [
        ("partial", ["updated", "failed", "deferred", "conflict", "skipped"], only_these, {"ns": [2, 3]}),
        ("failed", ["", "updated"], only_these, {"ns": [1]}),
        ("failed", [], only_these, {"ns": [1, 2]}),
        ("cancelled", [], only_these, {"ns": [1, 2]}),
        ("cancelled", ["updated", "deferred"], only_these, {"ns": [2]}),
        ("succeeded", ["updated"], only_these, None),
        ("partial", ["updated", "conflict"], only_these, None),
        ("failed", [], None, {"ns": [1, 2]}),
        ("cancelled", [], None, {"ns": [1, 2]}),
        ("partial", [], None, {"ns": [1, 2]}),
        ("succeeded", [], None, None),
    ],
)
def test_what_a_retry_takes_up(define, status, outcomes, retry, expected):
    job = JobFactory(kind=define(retry=retry).kind, status=status, params={"ns": [1, 2]})
    for n, outcome in enumerate(outcomes, start=1):
        JobItemFactory(job=job, object_id=str(n), outcome=outcome)
    if expected is None:
        with pytest.raises(NothingToRetry):
            control.retry(job, actor=COMMAND_LINE)
        assert messages() == []
        return
    again = control.retry(job, actor=COMMAND_LINE)
    assert (again.params, again.parent, again.parent_item, again.status) == (expected, job, None, "queued")
    assert messages() == [str(again.pk)]
    assert AuditEvent.objects.get().action == "job.retried"


def test_a_failed_single_job_runs_again(define, worker):
    function = Calls(LimitExceeded())
    job = runner.run_inline(define(function), {"n": 1}, COMMAND_LINE).job
    function.then = None
    again = control.retry(job, actor=COMMAND_LINE)
    worker()
    again.refresh_from_db()
    assert (again.status, function.seen) == ("succeeded", [{"n": 1}, {"n": 1}])


@pytest.mark.parametrize("retry", [None, only_these], ids=["as a whole", "by items"])
def test_what_needs_a_retry_is_the_same_in_sql_and_in_python(define, retry):
    """Every status, with every outcome of an item by itself, two of them, and none."""
    kind = define(retry=retry).kind
    outcomes = [[], ["updated", "failed"], ["updated", "conflict"], *([one] for one in ("", *ItemOutcome))]
    jobs = [JobFactory(kind=kind, status=status) for status in JobStatus for _ in outcomes]
    jobs += [JobFactory(kind="test.unknown", status=status) for status in JobStatus]
    for job, wanted in zip(jobs, outcomes * len(JobStatus), strict=False):
        for n, outcome in enumerate(wanted):
            JobItemFactory(job=job, object_id=str(n), outcome=outcome)
    rights = Rights(COMMAND_LINE)
    said = {job.pk for job in jobs if control.why_not_retry(job, rights) is None}
    assert set(control.needing_retry(Job.objects.all()).values_list("pk", flat=True)) == said
    shown = {job.pk for job in jobs if not job.is_active and _can_retry(job, outcome_tabs(job))}
    assert shown == said
    assert 0 < len(said) < len(jobs)


class TestOneRetryAtATime:
    """However often a button is pressed: but once a retry has ended, the next one is a new one."""

    @pytest.fixture
    def job(self, define):
        return runner.run_inline(define(Calls(LimitExceeded())), {"n": 1}, COMMAND_LINE).job

    def test_each_that_has_ended_may_be_followed_by_another(self, job, worker):
        made = []
        for _ in range(3):
            retried, is_new = control.retry_once(job, actor=COMMAND_LINE)
            assert is_new
            made.append(retried.pk)
            assert control.retry_once(job, actor=COMMAND_LINE) == (retried, False)
            worker()
        assert len(set(made)) == 3
        assert set(control.retries_of(job).values_list("pk", flat=True)) == set(made)

    def test_only_a_job_that_was_made_is_in_the_audit_log(self, job):
        for _ in range(2):
            control.retry_once(job, actor=COMMAND_LINE)
        assert AuditEvent.objects.filter(action="job.retried").count() == 1

    def test_nor_is_an_equal_job_that_was_on_its_way(self, define):
        definition = define(Calls(LimitExceeded()), dedupe=lambda params: "one")
        job = runner.run_inline(definition, {"n": 1}, COMMAND_LINE).job
        other = runner.enqueue(definition, {"n": 1}, COMMAND_LINE)
        assert control.retry_once(job, actor=COMMAND_LINE) == (other, False)
        assert control.retry(job, actor=COMMAND_LINE) == other
        assert not AuditEvent.objects.exists()

    def test_two_presses_at_one_moment_come_to_one_job(self, job, monkeypatch):
        """Neither sees the retry of the other."""
        first = control.retry_once(job, actor=COMMAND_LINE).job
        monkeypatch.setattr(control, "retries_of", lambda job: Job.objects.none())
        assert control.retry_once(job, actor=COMMAND_LINE) == (first, False)

    def test_retries_that_were_deleted_do_not_count(self, job, worker):
        for _ in range(2):
            control.retry_once(job, actor=COMMAND_LINE)
            worker()
        control.retries_of(job).earliest("created_at").delete()
        assert control.retry_once(job, actor=COMMAND_LINE).is_new

    def test_a_part_of_a_bulk_job_is_no_retry_of_it(self, job):
        JobFactory(parent=job, parent_item=JobItemFactory(job=job), status=JobStatus.RUNNING)
        assert control.retry_once(job, actor=COMMAND_LINE).is_new


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_a_verb_and_its_audit_event_are_one(define, verb):
    """The event cannot be written (the user has just been deleted): then nothing has happened either."""
    nobody = Actor(Trigger.ADMIN, 10**9, "deleted meanwhile")
    parent = JobFactory(status=JobStatus.RUNNING, awaits_children=True)
    if verb == "cancel":
        job = runner.enqueue(define(), {}, COMMAND_LINE, item=JobItemFactory(job=parent, outcome=""))
    else:
        job = JobFactory(kind=define().kind, status=JobStatus.FAILED)
    rights = {"rights": Rights(COMMAND_LINE)} if verb == "retry" else {}  # those that the user had a moment ago
    lose_messages()
    before = list(Job.objects.order_by("pk").values())
    with pytest.raises(IntegrityError):
        getattr(control, verb)(job, actor=nobody, **rights)
    assert list(Job.objects.order_by("pk").values()) == before
    assert messages() == []


class TestWhoMayRetry:
    """Whoever has a job done again needs what its first caller needed: retrying is no way around a permission."""

    @pytest.fixture
    def job(self):
        return JobFactory(kind="collections.bulk_refresh", status="failed", params={"slugs": ["a"], "mode": "sync"})

    @pytest.mark.parametrize(
        ("user", "allowed"),
        [
            ({"permissions": ["core.retry_job"]}, False),
            ({"permissions": ["core.retry_job", "collections_app.refresh_collection"]}, True),
            ({"permissions": ["collections_app.refresh_collection"], "is_active": False}, False),
            ({"is_superuser": True}, True),
        ],
    )
    def test_the_jobs_own_permission_is_asked(self, job, user, allowed):
        actor = Actor(Trigger.API, UserFactory(**user).pk)
        if allowed:
            assert control.retry(job, actor=actor).actor_id == actor.user_id
            return
        with pytest.raises(PermissionDenied, match=r"needs collections_app\.refresh_collection"):
            control.retry(job, actor=actor)
        assert messages() == []

    def test_a_plan_needs_what_it_plans(self, job):
        planned = JobFactory(kind="core.plan", status="failed", params={"kind": job.kind, "params": job.params})
        with pytest.raises(PermissionDenied, match=r"needs collections_app\.refresh_collection"):
            control.retry(planned, actor=Actor(Trigger.API, UserFactory().pk))

    def test_what_is_nobodys_is_a_superusers(self):
        job = JobFactory(kind="collections.retention", status="failed", params={})
        with pytest.raises(PermissionDenied, match="superuser"):
            control.retry(job, actor=Actor(Trigger.API, UserFactory().pk))
        assert control.retry(job, actor=SCHEDULER)

    def test_of_many_each_settles_by_itself(self, job):
        user = UserFactory(permissions=["core.retry_job", "marketplace.rescan_source"])
        other = JobFactory(kind="marketplace.rescan", status="failed", params={"source_id": 1})
        rows = retry_jobs.function(
            DryRunContext(Actor(Trigger.API, user.pk)), [str(job.pk), str(other.pk)], dry_run=True
        )
        assert [(row.outcome, row.code) for row in rows.rows] == [("failed", "permission_denied"), ("updated", "")]


def test_every_job_but_the_servers_own_names_its_permission():
    bare = [one.kind for one in definitions() if not one.permission]
    assert bare == ["collections.retention"]
    known = {
        f"{row.content_type.app_label}.{row.codename}" for row in Permission.objects.select_related("content_type")
    }
    named = {one.permission for one in definitions() if isinstance(one.permission, str) and one.permission}
    assert named <= known
