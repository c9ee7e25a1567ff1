"""The job endpoints."""

from __future__ import annotations

import pytest

from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.results import ItemOutcome, JobStatus
from tests.factories.core import JobFactory, JobItemFactory, UserFactory

pytestmark = pytest.mark.django_db
JOBS = "/api/v1/jobs"


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


@pytest.fixture
def some():
    parent = JobFactory(kind="marketplace.bulk_rescan", status=JobStatus.PARTIAL, trigger="command")
    return {
        "parent": parent,
        "child": JobFactory(parent=parent, status=JobStatus.FAILED, trigger="api"),
        "queued": JobFactory(status=JobStatus.QUEUED, trigger="schedule"),
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"parent", "child", "queued"}),
        ("status=queued", {"queued"}),
        ("status=queued,failed", {"queued", "child"}),
        ("status=queued&status=failed", {"queued", "child"}),
        ("status=", {"parent", "child", "queued"}),
        ("kind=marketplace.bulk_rescan", {"parent"}),
        ("kind=none", set()),
        ("trigger=api,schedule", {"child", "queued"}),
        ("trigger=api&status=queued", set()),
    ],
)
def test_filters(api, some, query, expected):
    assert set(ids(api.get(f"{JOBS}?{query}"))) == {str(some[name].pk) for name in expected}


def test_children_of_a_job(api, some):
    assert ids(api.get(JOBS, {"parent": some["parent"].pk})) == [str(some["child"].pk)]


def test_newest_first_and_other_orders(api, some):
    newest = [str(some[name].pk) for name in ("queued", "child", "parent")]
    assert ids(api.get(JOBS)) == newest
    assert ids(api.get(JOBS, {"ordering": "created_at"})) == newest[::-1]
    assert ids(api.get(JOBS, {"ordering": "kind,-created_at"}))[0] == str(some["parent"].pk)


def test_one_job(api, admin_user):
    job = JobFactory(
        actor=admin_user, status=JobStatus.FAILED, error_code="disk_full", error_detail="Full.",
        result={"a": [1]}, done=2, total=3, progress_label="thing", attempt=2,
    )  # fmt: skip
    shown = api.get(f"{JOBS}/{job.pk}").json()
    assert {
        name: shown[name] for name in ("id", "status", "error", "result", "progress", "actor", "attempt", "parent")
    } == {
        "id": str(job.pk),
        "status": "failed",
        "error": {"code": "disk_full", "detail": "Full."},
        "result": {"a": [1]},
        "progress": {"done": 2, "total": 3, "label": "thing"},
        "actor": "root",
        "attempt": 2,
        "parent": None,
    }
    assert shown["created_at"].endswith("Z")
    assert "params" not in shown
    assert api.get(f"{JOBS}/{JobFactory().pk}").json()["error"] is None


def test_items(api):
    job = JobFactory()
    for n, outcome in enumerate(["", "failed", "updated"], start=1):
        JobItemFactory(
            job=job, object_id=str(n), object_label=f"thing {n}", outcome=outcome, code="x" if n == 2 else ""
        )
    rows = api.get(f"{JOBS}/{job.pk}/items").json()["results"]
    assert [(row["object"]["id"], row["outcome"], row["code"]) for row in rows] == [
        ("1", None, None),
        ("2", "failed", "x"),
        ("3", "updated", None),
    ]
    assert rows[0]["object"] == {"type": "source", "id": "1", "label": "thing 1"}
    assert [
        row["object"]["id"] for row in api.get(f"{JOBS}/{job.pk}/items?ordering=-id&limit=2").json()["results"]
    ] == ["3", "2"]
    assert len(api.get(f"{JOBS}/{job.pk}/items?outcome=failed,updated").json()["results"]) == 2
    assert api.get(f"{JOBS}/{job.pk}/items?outcome=fail").status_code == 400
    assert api.get(f"{JOBS}/{job.pk}/items?status=queued").json()["code"] == "unknown_field"
    assert api.get("/api/v1/jobs/00000000-0000-0000-0000-000000000000/items").status_code == 404


def test_cancel(api, admin_user):
    job = JobFactory(status=JobStatus.QUEUED)
    assert api.post(f"{JOBS}/{job.pk}/cancel").json()["status"] == "cancelled"
    event = AuditEvent.objects.get()
    assert (event.actor, event.trigger, event.object_id) == (admin_user, "api", str(job.pk))
    again = api.post(f"{JOBS}/{job.pk}/cancel")
    assert (again.status_code, again.json()["code"], again.json()["job_id"]) == (409, "job_finished", str(job.pk))


def test_retry(api):
    job = JobFactory(
        kind="marketplace.bulk_rescan",
        status=JobStatus.PARTIAL,
        params={"ids": [1, 2], "force": False, "allow_removals": False},
    )
    JobItemFactory(job=job, object_id="1", outcome=ItemOutcome.UPDATED)
    JobItemFactory(job=job, object_id="2", outcome=ItemOutcome.DEFERRED)
    answer = api.post(f"{JOBS}/{job.pk}/retry")
    assert (answer.status_code, answer.json()["parent"], answer.json()["status"]) == (202, str(job.pk), "queued")
    assert answer["Location"] == f"{JOBS}/{answer.json()['id']}"
    assert Job.objects.get(pk=answer.json()["id"]).params["ids"] == [2]


@pytest.mark.parametrize(("status", "code"), [("queued", "job_active"), ("succeeded", "nothing_to_retry")])
def test_what_cannot_be_retried(api, status, code):
    answer = api.post(f"{JOBS}/{JobFactory(status=status).pk}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, code)


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        (["core.view_job"], {"list", "one", "items"}),
        (["core.cancel_job"], {"cancel"}),
        (["core.retry_job", "marketplace.rescan_source"], {"retry"}),
        (["core.retry_job"], set()),
        (["core.change_job"], set()),
        (["marketplace.view_source", "marketplace.rescan_source"], set()),
    ],
)
def test_each_verb_asks_for_its_own_permission(client_for, permissions, allowed):
    client = client_for(UserFactory(permissions=permissions), "admin")
    failed, queued = JobFactory(status=JobStatus.FAILED).pk, JobFactory(status=JobStatus.QUEUED).pk
    answers = {
        "list": client.get(JOBS),
        "one": client.get(f"{JOBS}/{failed}"),
        "items": client.get(f"{JOBS}/{failed}/items"),
        "cancel": client.post(f"{JOBS}/{queued}/cancel"),
        "retry": client.post(f"{JOBS}/{failed}/retry"),
    }
    assert {name for name, answer in answers.items() if answer.status_code < 300} == allowed
    assert {answer.status_code for name, answer in answers.items() if name not in allowed} <= {403}


def test_head_and_options(api):
    assert api.head(JOBS).status_code == 200
    assert api.options(JOBS).status_code == 200
