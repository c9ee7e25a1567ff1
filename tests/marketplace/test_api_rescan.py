"""Rescans over REST: inline, asynchronous, dry, one or many; what runs already is joined or busy."""

from __future__ import annotations

import shutil

import pytest
from django_q.models import OrmQ

from marketplace import jobs
from marketplace.models import CatalogEntry, Source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.models import Job
from tests.conftest import skills
from tests.factories.core import JobFactory
from tests.factories.marketplace import SourceFactory
from tests.marketplace.answers import BASE, ok, post_ascii, refused
from tests.marketplace.scanning import counters, row_counts

pytestmark = pytest.mark.django_db

SOURCES = f"{BASE}/sources"
BULK = f"{SOURCES}/bulk-rescan"
ASYNC = {"Prefer": "respond-async"}


def rescan(client, source, body=None, **headers):
    return client.post(f"{SOURCES}/{source.pk}/rescan", body or {}, format="json", headers=headers)


# ---- one source, inline


def test_inline_answers_the_result_and_leaves_a_job(api, source, admin_user):
    body = ok(rescan(api, source))
    assert counters(body) == {"new": 5}
    job = Job.objects.get()
    assert (job.kind, job.status, job.trigger, job.actor) == ("marketplace.rescan", "succeeded", "api", admin_user)
    assert job.result == body, "the job's result has the shape of the inline answer"
    assert [(item.object_id, item.outcome) for item in job.items.all()] == [(str(source.pk), "updated")]
    assert source.runs.get().job == job


def test_a_second_one_says_that_nothing_changed(api, source):
    rescan(api, source)
    body = ok(rescan(api, source))
    assert (body["short_circuit"], body["outcome"], counters(body)) == ("commit", "unchanged", {"unchanged": 5})
    forced = ok(rescan(api, source, {"force": True}))
    assert (forced["short_circuit"], counters(forced)) == (None, {"unchanged": 5})


def test_held_removals_and_the_word_to_carry_them_out(api, registered):
    names = [f"s{n:02}" for n in range(12)]
    repository, source = registered(skills(*names))
    repository.commit({f"skills/{name}/SKILL.md": None for name in names})
    body = ok(rescan(api, source))
    assert (body["code"], body["removed_count"]) == ("removals_held", 0)
    assert Job.objects.get().status == "partial"
    assert ok(api.get(f"{SOURCES}/{source.pk}"))["last_error"]["code"] == "removals_held"
    assert ok(rescan(api, source, {"allow_removals": True}))["removed_count"] == 12
    assert ok(api.get(f"{SOURCES}/{source.pk}"))["last_error"] is None


def test_dry_run_tells_and_writes_nothing(api, source):
    rows = row_counts()
    body = ok(rescan(api, source, {"dry_run": True}, **ASYNC))
    assert (body["dry_run"], counters(body)) == (True, {"new": 5})
    assert row_counts() == rows


def test_an_unknown_source(api):
    refused(api.post(f"{SOURCES}/404/rescan", {}, format="json"), 404, "not_found")
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [({"forse": True}, "unknown_field"), ({"force": "perhaps"}, "invalid_parameter"), ({"id": 1}, "unknown_field")],
)
def test_a_wrong_body(api, source, body, code):
    told = refused(rescan(api, source, body), 400, code)
    assert code == "invalid_parameter" or "force" in told["detail"]
    assert not Job.objects.exists()


FAILURES = {
    "upstream_not_found": 500,
    "upstream_ref_not_found": 500,
    "path_not_allowed": 400,
}


@pytest.mark.parametrize(("code", "status"), FAILURES.items())
def test_a_failure_is_a_problem_with_its_code(api, source, repository, settings, code, status):
    """The reference system answers 200 to a failed scan, and marks every entry as removed."""
    rescan(api, source)
    if code == "upstream_not_found":
        shutil.rmtree(repository.path)
    elif code == "upstream_ref_not_found":
        Source.objects.update(ref="gone")
    else:
        settings.SKILLMEAT_LOCAL_SOURCE_ROOTS = []
    body = refused(rescan(api, source), status, code)
    assert str(repository.path) not in str(body)
    assert CatalogEntry.objects.present().count() == 5
    job = Job.objects.first()
    assert (job.status, job.error_code) == ("failed", code)
    assert ok(api.get(f"{SOURCES}/{source.pk}"))["last_error"]["code"] == code


# ---- busy


def test_inline_while_it_runs_is_409_with_the_job(api, source):
    running = runner.enqueue(jobs.rescan, {"source_id": source.pk}, COMMAND_LINE)
    body = refused(rescan(api, source), 409, "source_busy")
    assert body["job_id"] == str(running.pk)
    assert Job.objects.count() == 1


def test_inline_while_somebody_holds_the_lease_is_409(api, source):
    Lease.acquire(Source, source.pk)
    assert refused(rescan(api, source), 409, "source_busy")["source_id"] == source.pk
    assert not source.entries.exists()


# ---- asynchronous


def deliver(job_id: str) -> None:
    """What a worker does with the message."""
    OrmQ.objects.all().delete()
    runner.deliver(job_id)


def test_asynchronous_answers_the_job_and_where_it_is(api, source):
    answer = rescan(api, source, **ASYNC)
    body = ok(answer, 202)
    assert answer["Location"] == f"/api/v1/jobs/{body['id']}"
    assert answer["Preference-Applied"] == "respond-async"
    assert (body["status"], body["kind"], body["result"]) == ("queued", "marketplace.rescan", None)
    assert OrmQ.objects.count() == 1
    assert not source.entries.exists()
    deliver(body["id"])
    done = ok(api.get(answer["Location"]))
    assert done["status"] == "succeeded"
    assert counters(done["result"]) == {"new": 5}
    assert done["result"].keys() == ok(rescan(api, source)).keys()


def test_a_second_asynchronous_one_joins_the_first(api, source):
    first, second = (ok(rescan(api, source, **ASYNC), 202) for _ in range(2))
    assert first["id"] == second["id"]
    assert (Job.objects.count(), OrmQ.objects.count()) == (1, 1)


def test_a_stronger_one_does_not_join_a_weaker_one(api, source):
    weak = ok(rescan(api, source, **ASYNC), 202)
    for stronger in ({"force": True}, {"allow_removals": True}):
        body = refused(rescan(api, source, stronger, **ASYNC), 409, "source_busy")
        assert body["job_id"] == weak["id"]
    assert Job.objects.count() == 1


def test_a_weaker_one_joins_a_stronger_one(api, source):
    strong = ok(rescan(api, source, {"force": True}, **ASYNC), 202)
    assert ok(rescan(api, source, **ASYNC), 202)["id"] == strong["id"]


def test_waiting_holds_for_the_result_as_long_as_asked(api, source):
    """Nobody works on it: after the wait the job is answered as it is."""
    answer = rescan(api, source, Prefer="respond-async, wait=1")
    assert answer["Preference-Applied"] == "respond-async, wait=1"
    assert ok(answer, 202)["status"] == "queued"


def test_a_delivered_failure_stands_in_the_job(api, source, repository):
    shutil.rmtree(repository.path)
    job = ok(rescan(api, source, **ASYNC), 202)
    deliver(job["id"])
    done = ok(api.get(f"/api/v1/jobs/{job['id']}"))
    assert (done["status"], done["error"]["code"]) == ("failed", "upstream_not_found")


# ---- many


def rows(body) -> list[tuple]:
    return [(row["id"], row["outcome"], row["code"]) for row in body["results"]]


def adds_up(body) -> bool:
    summary = dict(body["summary"])
    return summary.pop("total") == sum(summary.values()) == len(body["results"])


@pytest.fixture
def two(registered):
    """One current source, one whose repository is gone."""
    _, good = registered(skills("a"), name="good")
    repository, bad = registered(skills("b"), name="bad")
    shutil.rmtree(repository.path)
    return good, bad


def test_each_row_of_a_bulk_rescan_settles_by_itself(api, two):
    good, bad = two
    body = ok(api.post(BULK, {"ids": [bad.pk, 404, good.pk, bad.pk]}, format="json"))
    assert rows(body) == [
        (bad.pk, "failed", "upstream_not_found"),
        (404, "failed", "not_found"),
        (good.pk, "unchanged", None),
    ]
    assert adds_up(body)
    assert body["results"][2]["short_circuit"] == "commit"
    parent = Job.objects.get(kind="marketplace.bulk_rescan")
    assert (parent.status, parent.children.count()) == ("partial", 3)
    assert parent.result == body
    assert CatalogEntry.objects.present().count() == 2


def test_a_bulk_rescan_by_filter(api, two):
    good, _bad = two
    Source.objects.filter(pk=good.pk).update(tags=["x"])
    body = ok(api.post(BULK, {"filter": {"tag": "x"}, "force": True}, format="json"))
    assert rows(body) == [(good.pk, "unchanged", None)]
    assert body["results"][0]["short_circuit"] is None
    assert ok(api.post(BULK, {"filter": {"tag": "nobody"}}, format="json"))["results"] == []


def test_a_bulk_rescan_dry(api, two):
    good, bad = two
    before = row_counts()
    body = ok(api.post(BULK, {"ids": [good.pk, bad.pk, 404], "force": True, "dry_run": True}, format="json"))
    assert row_counts() == before
    assert body["dry_run"]
    assert rows(body) == [
        (good.pk, "unchanged", None),
        (bad.pk, "failed", "upstream_not_found"),
        (404, "failed", "not_found"),
    ]
    assert adds_up(body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_parameter"),
        ({"ids": []}, "invalid_parameter"),
        ({"ids": [1], "filter": {}}, "invalid_parameter"),
        ({"ids": ["one"]}, "invalid_parameter"),
        ({"ids": [1], "forced": True}, "unknown_field"),
        ({"filter": {"taag": "x"}}, "unknown_field"),
        ({"filter": {"health": "well"}}, "invalid_parameter"),
    ],
)
def test_a_bulk_rescan_refuses(api, body, code):
    refused(post_ascii(api, BULK, body), 400, code)
    assert not Job.objects.exists()


def test_twenty_objects_are_inline_and_more_are_202_whatever_was_asked(api):
    ids = [source.pk for source in SourceFactory.create_batch(21, enabled=False)]
    answer = api.post(BULK, {"ids": ids}, format="json")
    body = ok(answer, 202)
    assert answer["Location"] == f"/api/v1/jobs/{body['id']}"
    assert "Preference-Applied" not in answer
    assert ok(api.post(BULK, {"ids": [404] * 30 + list(range(405, 424))}, format="json"))["summary"]["failed"] == 20


def test_a_queued_bulk_rescan_hands_out_children_and_closes_with_the_last(api, two):
    good, bad = two
    job = ok(api.post(BULK, {"ids": [good.pk, bad.pk]}, format="json", headers=ASYNC), 202)
    deliver(job["id"])
    children = list(Job.objects.filter(parent=job["id"]).order_by("created_at"))
    assert [child.status for child in children] == ["queued", "queued"]
    assert ok(api.get(f"/api/v1/jobs/{job['id']}"))["status"] == "running"
    for child in children:
        deliver(str(child.pk))
    done = ok(api.get(f"/api/v1/jobs/{job['id']}"))
    assert done["status"] == "partial"
    assert rows(done["result"]) == [(good.pk, "unchanged", None), (bad.pk, "failed", "upstream_not_found")]
    items = ok(api.get(f"/api/v1/jobs/{job['id']}/items"))["results"]
    assert [(item["object"]["id"], item["outcome"]) for item in items] == [
        (str(good.pk), "unchanged"),
        (str(bad.pk), "failed"),
    ]


def test_a_busy_source_is_a_failed_row_of_a_bulk_rescan(api, two):
    good, _ = two
    busy = JobFactory(status="running", dedupe_key=f"rescan:{good.pk}", params={"source_id": good.pk})
    body = ok(api.post(BULK, {"ids": [good.pk]}, format="json"))
    assert rows(body) == [(good.pk, "failed", "source_busy")]
    busy.refresh_from_db()
    assert busy.status == "running"


def test_held_removals_make_a_bulk_rescan_partial(api, registered):
    names = [f"s{n:02}" for n in range(12)]
    repository, source = registered(skills(*names))
    repository.commit({f"skills/{name}/SKILL.md": None for name in names})
    body = ok(api.post(BULK, {"ids": [source.pk]}, format="json"))
    assert rows(body) == [(source.pk, "unchanged", "removals_held")]
    assert Job.objects.get(kind="marketplace.bulk_rescan").status == "partial"
