"""Jobs over many objects that something ends in the middle: what was done is told, what was not is taken up."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from collections_app import jobs, refresh_jobs
from collections_app.deploy_jobs import bulk_deploy, bulk_undeploy
from collections_app.errors import ManifestInvalid
from collections_app.models import Artifact, Deployment, Snapshot
from collections_app.services import artifacts, project_changes, refresh_many
from collections_app.services.artifacts import artifact_ref
from collections_app.services.many import each_collection
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import Cancelled, JobTimeout, LeaseLost
from skillmeat_site.core.jobs import control, reaper, runner
from skillmeat_site.core.jobs.context import JobContext
from skillmeat_site.core.jobs.queue import WorkerTimeout
from skillmeat_site.core.models import Job
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import ItemOutcome, JobStatus, Row
from tests.collections_app.deploying import deploy
from tests.collections_app.filled import filled
from tests.core.conftest import Killed, age, messages

pytestmark = pytest.mark.django_db

FILES = {f"skills/s{n}/SKILL.md": f"---\nname: s{n}\n---\n" for n in range(5)}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Chunks of two; who ticks sees at once that somebody has cancelled."""
    monkeypatch.setattr(artifacts, "CHUNK", 2)
    monkeypatch.setattr(project_changes, "CHUNK", 2)
    monkeypatch.setattr(JobContext, "pulse", lambda self: self._beat())


def five(project):
    filled(files=FILES)
    return [str(pk) for pk in Artifact.objects.values_list("pk", flat=True)]


def three(project):
    return [filled(slug, {}).slug for slug in "abc"]


def five_deployed(project):
    five(project)
    deploy(project, *Artifact.objects.all())
    return [str(pk) for pk in Deployment.objects.values_list("pk", flat=True)]


def one_in_each_of_three(project):
    for slug in "abc":
        filled(slug, {"skills/s/SKILL.md": "---\nname: s\n---\n"})
    return [str(pk) for pk in Artifact.objects.order_by("pk").values_list("pk", flat=True)]


class Way:
    """A job over many objects: what is there before, its params, and the step that is done once for each part."""

    def __init__(self, job, before, step, *, key="ids", part=2, outcome="updated", left=None, **params):
        self.job, self.before, self.step, self.key, self.part = job, before, step, key, part
        self.outcome, self.left, self.params = outcome, left, params

    def queue(self, project):
        ids = self.before(project)
        more = {"project": project.path} if self.job is bulk_deploy else {}
        return ids, runner.enqueue(self.job, {self.key: ids, **self.params, **more}, COMMAND_LINE)


WAYS = {
    "edit": Way(
        jobs.edit, five, (artifacts, "change_collection"), add_tags=["x"],
        left=lambda: Artifact.objects.filter(tags=[]).count(),
    ),
    "remove": Way(jobs.remove, five, (artifacts, "change_collection"), outcome="removed", left=Artifact.objects.count),
    "deploy": Way(
        bulk_deploy, five, (project_changes, "change_project"), outcome="created",
        left=lambda: 5 - Deployment.objects.count(),
    ),
    "undeploy": Way(
        bulk_undeploy, five_deployed, (project_changes, "change_project"), outcome="removed",
        left=Deployment.objects.count,
    ),
    "snapshots": Way(
        jobs.bulk_snapshot, three, (jobs, "snapshot_collection"), key="slugs", part=1, outcome="created",
        left=lambda: 3 - Snapshot.objects.count(),
    ),
}  # fmt: skip
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def after_the_first(monkeypatch, way, then):
    """Let ``then`` come about once a part is done, and only once: what it raises, the second part meets."""
    module, name = way.step
    original, calls = getattr(module, name), []

    def step(*args, **more):
        calls.append(args)
        if len(calls) == 2:
            then()
        return original(*args, **more)

    monkeypatch.setattr(module, name, step)


def raising(error):
    def stop():
        raise error

    return stop


def counted(job):
    return Counter(job.items.values_list("outcome", "code"))


def rest_of(way, ids):
    return len(ids) - way.part


@each_way
def test_a_cancel_keeps_what_was_done_and_defers_the_rest(monkeypatch, project, way):
    ids, job = way.queue(project)
    module, name = way.step
    original = getattr(module, name)

    def step(*args, **more):
        result = original(*args, **more)
        running = Job.objects.get(pk=job.pk)
        if not running.cancel_requested:
            control.cancel(running, actor=COMMAND_LINE)
        return result

    monkeypatch.setattr(module, name, step)
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    rest = rest_of(way, ids)
    assert (job.status, job.error_code, way.left()) == ("cancelled", "", rest)
    assert counted(job) == {(way.outcome, ""): way.part, ("deferred", "cancelled"): rest}
    assert (job.result["summary"][way.outcome], job.result["summary"]["deferred"]) == (way.part, rest)
    assert list(job.items.values_list("object_id", flat=True)) == ids
    again = control.retry(job, actor=COMMAND_LINE)
    assert sorted(again.params[way.key]) == sorted(
        job.items.filter(outcome="deferred").values_list("object_id", flat=True)
    )


@each_way
@pytest.mark.parametrize(
    ("error", "code"),
    [(JobTimeout(), "job_timeout"), (LeaseLost(), "lease_lost"), (WorkerTimeout(), "job_timeout")],
    ids=["time", "lease", "alarm"],
)
def test_what_ends_a_job_takes_nothing_back_and_a_retry_does_the_rest(monkeypatch, project, worker, way, error, code):
    ids, job = way.queue(project)
    after_the_first(monkeypatch, way, raising(error))
    with pytest.raises(WorkerTimeout) if isinstance(error, WorkerTimeout) else nullcontext():
        runner.deliver(messages()[0])
    job.refresh_from_db()
    rest = rest_of(way, ids)
    assert (job.status, job.error_code) == ("failed", code)
    assert counted(job) == {(way.outcome, ""): way.part, ("", ""): rest}
    assert way.left() == rest
    again = control.retry(job, actor=COMMAND_LINE)
    worker()
    again.refresh_from_db()
    assert (again.status, counted(again), way.left()) == ("succeeded", {(way.outcome, ""): rest}, 0)


@each_way
def test_a_second_attempt_does_what_the_first_left(monkeypatch, project, worker, way):
    """The worker was killed: what is removed already is no failure of its successor."""
    ids, job = way.queue(project)
    after_the_first(monkeypatch, way, raising(Killed()))
    with pytest.raises(Killed):
        runner.deliver(messages()[0])
    age(job)
    assert reaper.reap().requeued == 1
    worker()
    job.refresh_from_db()
    assert (job.status, job.attempt, counted(job)) == ("succeeded", 2, {(way.outcome, ""): len(ids)})
    assert (job.result["summary"][way.outcome], way.left()) == (len(ids), 0)


@pytest.mark.parametrize("name", ["edit", "remove"])
def test_a_part_that_fails_fails_itself_and_what_comes_after_it(monkeypatch, project, name):
    way = WAYS[name]
    _, job = way.queue(project)
    after_the_first(monkeypatch, way, raising(ManifestInvalid("half written")))
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    assert (job.status, way.left()) == ("partial", 3)
    assert counted(job) == {(way.outcome, ""): 2, ("failed", "manifest_invalid"): 3}


def test_a_refresh_of_artifacts_is_cancelled_between_two_collections(monkeypatch, project):
    ids = one_in_each_of_three(project)
    asked = []

    def refresh(slug, options, **more):
        asked.append(slug)
        if len(asked) == 2:
            raise Cancelled
        rows = Artifact.objects.filter(pk__in=options.filters.ids).select_related("collection")
        told = [Row(artifact_ref(row), ItemOutcome.UPDATED) for row in rows]
        return SimpleNamespace(rows=told, job_status=JobStatus.SUCCEEDED)

    monkeypatch.setattr(refresh_many, "refresh_collection", refresh)
    outcome = runner.run_inline(refresh_jobs.refresh_artifacts, {"ids": ids}, COMMAND_LINE)
    assert len(asked) == 2
    assert (outcome.job.status, outcome.unwrap().job_status) == ("cancelled", "cancelled")
    assert counted(outcome.job) == {("updated", ""): 1, ("deferred", "cancelled"): 2}


def test_ids_that_are_none_are_told_beside_the_others(project):
    [pk, *_] = five(project)
    nowhere = "6f1f9f3e-0000-4000-8000-000000000000"
    params = {"ids": [pk.upper(), "no id", nowhere], "add_tags": ["x"]}
    outcome = runner.run_inline(jobs.edit, params, COMMAND_LINE)
    assert dict(outcome.job.items.values_list("object_id", "outcome")) == {
        pk: "updated", nowhere: "failed", "no id": "failed",
    }  # fmt: skip


def test_a_dry_run_that_is_cancelled_is_no_plan():
    class Stopped(SilentReport):
        def tick(self):
            raise Cancelled

    with pytest.raises(Cancelled):
        each_collection(["a", "b"], lambda slug: None, report=Stopped(), dry_run=True)
