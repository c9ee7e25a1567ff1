"""What surrounds every request: its id, the probes, the figures."""

from __future__ import annotations

import logging
import re

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from prometheus_client.parser import text_string_to_metric_families

from skillmeat_site.core import metrics
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from tests.core.conftest import age
from tests.factories.core import JobFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("given", ["proxy-1234", "a" * 64, "A.b_c-12"])
def test_an_id_from_a_proxy_is_kept(client, given):
    assert client.get("/health/live", headers={"X-Request-Id": given})["X-Request-Id"] == given


@pytest.mark.parametrize(
    "given", [None, "", "short", "a" * 65, "with blank1", "line\nfeed12", "<script>1", "ünïcode12"]
)
def test_what_is_no_id_is_replaced(client, given):
    headers = {"X-Request-Id": given} if given is not None else {}
    answers = [client.get("/health/live", headers=headers)["X-Request-Id"] for _ in range(2)]
    assert all(re.fullmatch(r"[0-9a-f]{32}", answer) for answer in answers)
    assert answers[0] != answers[1]


def test_each_request_is_logged_once_with_its_id(client, caplog):
    caplog.set_level(logging.INFO)
    answer = client.get("/health/live?secret=x")
    logged = [
        record.msg for record in caplog.records if isinstance(record.msg, dict) and record.msg["event"] == "request"
    ]
    assert len(logged) == 1
    assert (logged[0]["request_id"], logged[0]["path"], logged[0]["status"]) == (
        answer["X-Request-Id"],
        "/health/live",
        200,
    )
    assert "secret" not in str(logged[0])


def test_a_job_in_a_request_is_logged_with_both_ids(api, source, caplog):
    caplog.set_level(logging.INFO)
    answer = api.post(f"/api/v1/marketplace/sources/{source.pk}/rescan", {})
    ends = [
        record.msg for record in caplog.records if isinstance(record.msg, dict) and record.msg["event"] == "job.end"
    ]
    assert len(ends) == 1
    assert ends[0]["request_id"] == answer["X-Request-Id"]
    assert ends[0]["kind"] == "marketplace.rescan"
    assert len(ends[0]["job_id"]) == 36
    assert ends[0]["counters"]["new_count"] == 5


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("where", ["live", "ready"])
def test_probes(client, method, where):
    assert getattr(client, method)(f"/health/{where}").status_code == 200
    assert client.post(f"/health/{where}").status_code == 405


def test_not_ready_while_the_tables_are_behind_the_code(client):
    [newest] = MigrationLoader(connection).graph.leaf_nodes("core")
    MigrationRecorder(connection).record_unapplied(*newest)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})
    assert client.get("/health/live").status_code == 200


def figures(answer):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_metrics_want_a_token(client, client_for):
    assert client.get("/metrics").status_code == 401
    answer = client_for(UserFactory(), "read").get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")


def test_metrics_tell_jobs_and_requests(api, define):
    JobFactory(status="failed")
    age(JobFactory(status="queued"), 100, column="created_at")
    before = figures(api.get("/metrics"))
    ended = ("skillmeat_jobs_ended_total", ("kind", "test.counted"), ("status", "succeeded"))
    runner.run_inline(define(kind="test.counted"), {}, COMMAND_LINE)
    for n in range(3):
        api.get(f"/api/v1/jobs/00000000-0000-0000-0000-00000000000{n}")
    after = figures(api.get("/metrics"))
    assert after[ended] == before.get(ended, 0) + 1
    assert after["skillmeat_jobs", ("status", "failed")] == 1
    assert after["skillmeat_jobs", ("status", "running")] == 0
    assert 100 <= after["skillmeat_oldest_queued_job_seconds",] < 1000
    missed = [
        key
        for key in after
        if key[0] == "skillmeat_requests_total" and ("status", "404") in key and after[key] > before.get(key, 0)
    ]
    assert len(missed) == 1  # one series for the route, whatever the ids
    assert after[missed[0]] >= 3


def test_strange_methods_and_paths_make_no_new_series():
    for n in range(3):
        metrics.observe_request(f"STRANGE{n}", "", 404, 0.1)
    text = metrics.exposition().decode()
    assert "STRANGE" not in text
    assert 'method="other",route="unmatched"' in text


def test_pages_of_the_admin_load_only_our_own_files(client, admin_client):
    for answer in (client.get("/admin/login/"), admin_client.get("/admin/"), admin_client.get("/admin/core/job/")):
        policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
        assert policy.pop("default-src") == "'none'"
        assert set(policy.values()) == {"'self'", "'none'"}
        assert {"script-src", "style-src", "img-src", "form-action", "base-uri"} <= set(policy)


@pytest.mark.parametrize("url", ["/api/v1/docs", "/api/v1/jobs", "/health/live"])
def test_what_is_no_page_of_the_admin_has_no_such_policy(admin_client, url):
    assert "Content-Security-Policy" not in admin_client.get(url)


def test_no_page_of_ours_has_inline_scripts_or_styles():
    pages = list((settings.BASE_DIR / "templates").rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        found = re.findall(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=", page.read_text())
        assert found == [], page
