"""Tags out of GitHub's topics: refreshed one by one and in bulk, with every fault that concerns them.

Numbers of faults are those of the table of faults that the client has to stand (F1 …): in each test, what the server
was asked is compared as well.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from marketplace.models import Source, SourceTag
from marketplace.models.tag import TagKind
from marketplace.services.auto_tags import RefreshRun, refresh_many
from marketplace.services.sources import create_source, delete_source
from marketplace.services.tags import decide_tag
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import Cancelled
from skillmeat_site.core.jobs import control
from skillmeat_site.core.models import AuditEvent, Job, UpstreamBudget
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import JobStatus
from tests.conftest import skills
from tests.factories.core import UserFactory
from tests.fakes.github_faults import mangled, status
from tests.marketplace.answers import BASE, ok, refused
from tests.marketplace.commanding import adds_up, manage
from tests.marketplace.scanning import dump, row_counts, scan
from tests.marketplace.test_admin_actions import SOURCES, choose

pytestmark = pytest.mark.django_db
BULK = f"{BASE}/sources/bulk-refresh-auto-tags"
FOUND = ("tags_found", "tags_added", "tags_updated", "tags_gone")
LIMITED = status(429, '{"message": "API rate limit exceeded"}', retry_after="90")


@pytest.fixture
def make(hub, on_github):
    """``make("acme/tools", "ai", "pdf")``: a source there, not scanned, whose repository has these topics."""

    def build(name="acme/tools", *topics, **facts):
        on_github(skills("a"), name)
        say(hub, name, *topics, **facts)
        return create_source(url=f"{hub.url}/{name}", actor=COMMAND_LINE)

    return build


@pytest.fixture
def three(make):
    return [make(f"acme/{name}", "ai", name) for name in ("one", "two", "three")]


def say(hub, name, *topics, **facts):
    hub.repository(name).facts.update(topics=list(topics), **facts)


def url(source):
    return f"{BASE}/sources/{source.pk}/refresh-auto-tags"


def refresh(api, source, **body):
    return ok(api.post(url(source), body, format="json"))


def counts(body):
    return tuple(body[name] for name in FOUND)


def statuses(source):
    """normalized → (status, gone?)."""
    return {tag.normalized: (tag.status, tag.gone_at is not None) for tag in source.found_tags.all()}


def bulk(api, sources, **body):
    ids = [source if isinstance(source, int) else source.pk for source in sources]
    return ok(api.post(BULK, {"source_ids": ids, **body}, format="json"))


# ---- one source


def test_topics_become_tags(api, hub, make):
    source = make("acme/tools", "claude_code", "ai", archived=True, description="Tools", license="MIT")
    body = refresh(api, source)
    assert body == {
        "source_id": source.pk,
        "outcome": "updated",
        "code": None,
        "tags_found": 2,
        "tags_added": 2,
        "tags_updated": 0,
        "tags_gone": 0,
        "segments": [
            {"value": "ai", "normalized": "ai", "status": "pending", "source": "github_topic"},
            {"value": "claude_code", "normalized": "claude-code", "status": "pending", "source": "github_topic"},
        ],
        "dry_run": False,
    }
    assert hub.paths("api") == ["/repos/acme/tools"]
    shown = ok(api.get(f"{BASE}/sources/{source.pk}"))
    assert (shown["archived"], shown["repository_description"], shown["repository_license"]) == (True, "Tools", "MIT")
    assert (shown["repository_id"], shown["topics"]) == (hub.repository("acme/tools").id, ["claude_code", "ai"])
    assert [tag["normalized"] for tag in shown["auto_tags"]] == ["ai", "claude-code"]
    event = AuditEvent.objects.get(action="source.tags_refreshed")
    assert (event.data, event.trigger) == ({"added": 2, "updated": 0, "gone": 0}, "api")
    assert str(event.job_id) == str(Job.objects.get(kind="marketplace.refresh_auto_tags").pk)


def test_again_changes_nothing(api, make):
    source = make("acme/tools", "ai")
    refresh(api, source)
    body = refresh(api, source)
    assert (body["outcome"], counts(body)) == ("unchanged", (1, 0, 0, 0))
    assert AuditEvent.objects.filter(action="source.tags_refreshed").count() == 1


def test_decisions_survive_going_and_coming_back(api, hub, make):
    source = make("acme/tools", "ai", "pdf", "old")
    refresh(api, source)
    decide_tag(source, TagKind.TOPIC, "ai", "approved", actor=COMMAND_LINE)
    decide_tag(source, TagKind.TOPIC, "pdf", "rejected", actor=COMMAND_LINE)
    say(hub, "acme/tools", "new")
    body = refresh(api, source)
    assert counts(body) == (1, 1, 0, 3)
    assert [segment["normalized"] for segment in body["segments"]] == ["new"]
    assert statuses(source) == {
        "ai": ("approved", True), "pdf": ("rejected", True), "old": ("pending", True), "new": ("pending", False),
    }  # fmt: skip
    say(hub, "acme/tools", "new", "ai", "PDF")
    body = refresh(api, source)
    assert counts(body) == (3, 0, 2, 0)
    assert statuses(source)["ai"] == ("approved", False)
    assert statuses(source)["pdf"] == ("rejected", False)


def test_no_topics_clear_the_tags(api, hub, make):
    source = make("acme/tools", "ai", "pdf")
    refresh(api, source)
    say(hub, "acme/tools")
    body = refresh(api, source)
    assert (counts(body), body["segments"]) == ((0, 0, 0, 2), [])
    assert ok(api.get(f"{BASE}/sources/{source.pk}"))["auto_tags"] == []
    assert counts(refresh(api, source)) == (0, 0, 0, 0)


def test_tags_out_of_folders_are_left_alone(api, make, on_github):
    source = make("acme/tools", "ai")
    SourceTag.objects.create(
        source=source, kind="path", value="ai", normalized="ai", last_seen_at=timezone.now(), status="pending"
    )
    refresh(api, source)
    assert list(source.found_tags.order_by("kind").values_list("kind", "gone_at")) == [("path", None), ("topic", None)]


def test_a_dry_run_tells_and_writes_nothing(api, make):
    source = make("acme/tools", "ai")
    before, rows = list(Source.objects.values()), row_counts()
    body = refresh(api, source, dry_run=True)
    assert (body["dry_run"], counts(body), body["segments"][0]["value"]) == (True, (1, 1, 0, 0), "ai")
    ledger = {"core.UpstreamBudget": 1}  # what GitHub said of its limit is true for dry runs too
    assert (list(Source.objects.values()), row_counts()) == (before, {**rows, **ledger})


def test_what_is_not_on_github_is_skipped(api, source):
    body = refresh(api, source)
    assert (body["outcome"], body["code"], counts(body)) == ("skipped", "not_github", (0, 0, 0, 0))


def test_a_source_that_nobody_knows(api):
    refused(api.post(f"{BASE}/sources/77/refresh-auto-tags", {}, format="json"), 404, "not_found")


def test_a_scan_changes_no_topic(api, hub, make):
    source = make("acme/tools", "ai")
    refresh(api, source)
    say(hub, "acme/tools", "other")
    scan(source)
    assert statuses(source) == {"ai": ("pending", False)}


def test_who_may(client_for, make):
    source = make("acme/tools", "ai")
    reader = client_for(UserFactory(permissions=["marketplace.view_source"]))
    refused(reader.post(url(source), {}, format="json"), 403, "permission_denied")
    refused(reader.post(BULK, {"source_ids": [source.pk]}, format="json"), 403, "permission_denied")
    able = client_for(UserFactory(permissions=["marketplace.rescan_source", "marketplace.view_source"]))
    assert refresh(able, source)["tags_added"] == 1


def test_the_api_turned_off(api, make, settings):
    source = make("acme/tools", "ai")
    settings.SKILLMEAT_GITHUB_TIERS = ["git"]
    refused(api.post(url(source), {}, format="json"), 400, "provider_unavailable")


# ---- faults of one source


@pytest.mark.parametrize(
    ("fault", "code", "answered", "asked"),
    [
        pytest.param(status(403, '{"message": "Resource not accessible"}'), "permission_denied", 500, 1, id="F4"),
        pytest.param(status(401, '{"message": "Bad credentials"}'), "upstream_auth", 500, 1, id="F18"),
        pytest.param(status(451, '{"block": {"reason": "dmca"}}'), "upstream_blocked", 500, 1, id="F20"),
        pytest.param(status(502, "<html>"), "upstream_unreachable", 500, 3, id="F21"),
        pytest.param(mangled(lambda body: body[:20]), "upstream_invalid", 500, 2, id="F22-cut"),
        pytest.param(mangled(lambda body: b"[]"), "upstream_invalid", 500, 2, id="F22-shape"),
    ],
)
def test_a_failure_changes_nothing(api, hub, make, fault, code, answered, asked):
    source = make("acme/tools", "ai")
    refresh(api, source)
    before = dump(), list(SourceTag.objects.values()), list(Source.objects.values())
    hub.always("/repos/acme/tools", fault)
    assert hub.count(lambda: refused(api.post(url(source), {}, format="json"), answered, code)) == asked
    assert (dump(), list(SourceTag.objects.values()), list(Source.objects.values())) == before


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry_after": "7"}, 7, id="F2"),
        pytest.param({}, 60, id="F3"),
        pytest.param({"retry_after": "-3"}, 60, id="F6"),
        pytest.param({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "99999999999999"}, 7200, id="F5"),
    ],
)
def test_a_limit_says_when_to_come_back(api, hub, make, headers, seconds):
    source = make("acme/tools", "ai")
    hub.always("/repos", status(403, '{"message": "You have exceeded a secondary rate limit"}', **headers))
    answer = api.post(url(source), {}, format="json")
    body = refused(answer, 503, "upstream_rate_limited")
    assert (answer["Retry-After"], body["retry_after"]) == (str(seconds), seconds)
    left = datetime.fromisoformat(body["reset_at"]) - timezone.now()
    assert timedelta(seconds=seconds - 5) < left <= timedelta(seconds=seconds)
    assert len(hub.paths("api")) == 1
    job = Job.objects.get()
    assert (job.status, job.error_code) == (JobStatus.PARTIAL, "upstream_rate_limited")


def test_f14_a_renamed_repository_is_read_by_its_id(api, hub, make):
    source = make("acme/tools", "ai")
    refresh(api, source)
    hub.rename("acme/tools", "acme/kit")
    say(hub, "acme/kit", "ai", "kit")
    assert counts(refresh(api, source)) == (2, 1, 0, 0)
    assert hub.paths("api")[-2:] == ["/repos/acme/tools", "/repositories/1000"]


def test_f15_another_repository_under_the_name_is_not_read(api, hub, make, on_github):
    source = make("acme/tools", "ai")
    refresh(api, source)
    hub.rename("acme/tools", "acme/kit")
    on_github(skills("z"), "acme/tools")
    say(hub, "acme/tools", "foreign")
    assert statuses(source) == {"ai": ("pending", False)}
    assert counts(refresh(api, source)) == (1, 0, 0, 0)
    hub.delete("acme/kit")
    refused(api.post(url(source), {}, format="json"), 500, "upstream_identity_changed")
    assert statuses(source) == {"ai": ("pending", False)}


def test_f17_gone_is_tried_by_id_and_keeps_its_tags(api, hub, make):
    source = make("acme/tools", "ai")
    refresh(api, source)
    hub.delete("acme/tools")
    refused(api.post(url(source), {}, format="json"), 500, "upstream_not_found")
    assert hub.paths("api")[-2:] == ["/repos/acme/tools", "/repositories/1000"]
    assert statuses(source) == {"ai": ("pending", False)}


# ---- many


def test_bulk(api, three, source):
    body = bulk(api, [*three, source, 77])
    assert [(row["outcome"], row["code"]) for row in body["results"]] == [
        ("updated", None), ("updated", None), ("updated", None), ("skipped", "not_github"), ("failed", "not_found"),
    ]  # fmt: skip
    assert [row.get("source_id") for row in body["results"][:4]] == [*(one.pk for one in three), source.pk]
    assert [row["tags_added"] for row in body["results"][:3]] == [2, 2, 2]
    assert (body["total_succeeded"], body["total_failed"], body["total_deferred"]) == (3, 1, 0)
    assert (body["rate_limited"], body["rate_limit_reset_at"]) == (False, None)
    assert (body["summary"]["total"], body["summary"]["updated"], body["summary"]["skipped"]) == (5, 3, 1)
    assert Job.objects.get().status == JobStatus.PARTIAL


def test_bulk_by_filter(api, three):
    body = ok(api.post(BULK, {"filter": {"q": "acme/t"}}, format="json"))
    assert sorted(row["source_id"] for row in body["results"]) == sorted(one.pk for one in three[1:])


@pytest.mark.parametrize(
    "body", [{}, {"source_ids": []}, {"source_ids": [1], "filter": {}}, {"source_ids": "all"}, {"source_ids": [0]}]
)
def test_bulk_of_nothing_is_refused(api, body):
    refused(api.post(BULK, body, format="json"), 400, "invalid_parameter")


def test_bulk_knows_its_fields(api):
    refused(api.post(BULK, {"source_id": [1]}, format="json"), 400, "unknown_field")


def test_over_twenty_is_a_job(api, three, worker):
    answer = api.post(BULK, {"source_ids": [*(one.pk for one in three), *range(1000, 1020)]}, format="json")
    assert answer.status_code == 202
    worker()
    job = Job.objects.get()
    assert (job.status, job.result["total_succeeded"], job.result["total_failed"]) == (JobStatus.PARTIAL, 3, 20)
    assert job.items.count() == 23


def test_each_source_is_asked_once(api, hub, three):
    body = bulk(api, [three[0], three[0], three[1]])
    assert (len(body["results"]), len(hub.paths("api"))) == (2, 2)


def test_one_failure_touches_no_other(api, hub, three):
    hub.always("/repos/acme/two", status(500, "<html>oops</html>"))
    body = bulk(api, three)
    assert [row["outcome"] for row in body["results"]] == ["updated", "failed", "updated"]
    assert body["results"][1]["code"] == "upstream_invalid"
    assert statuses(three[2]) == {"ai": ("pending", False), "three": ("pending", False)}


def test_a_limit_defers_the_rest_and_a_retry_takes_up_only_that(api, hub, three, worker, admin_user):
    hub.on("/repos/acme/two", LIMITED)
    body = bulk(api, three)
    assert [(row["outcome"], row["code"]) for row in body["results"]] == [
        ("updated", None), ("deferred", "upstream_rate_limited"), ("deferred", "upstream_rate_limited"),
    ]  # fmt: skip
    assert (body["total_succeeded"], body["total_failed"], body["total_deferred"]) == (1, 0, 2)
    assert body["rate_limited"] is True
    left = datetime.fromisoformat(body["rate_limit_reset_at"]) - timezone.now()
    assert timedelta(seconds=60) < left <= timedelta(seconds=90)
    assert hub.paths("api") == ["/repos/acme/one", "/repos/acme/two"]
    job = Job.objects.get()
    assert (job.status, job.result) == (JobStatus.PARTIAL, body)

    retried = control.retry(job, actor=COMMAND_LINE)
    assert retried.params["ids"] == [one.pk for one in three[1:]]
    UpstreamBudget.objects.update(cooldown_until=timezone.now() - timedelta(seconds=1))
    worker()
    retried.refresh_from_db()
    assert (retried.status, retried.parent) == (JobStatus.SUCCEEDED, job)
    assert hub.paths("api")[2:] == ["/repos/acme/two", "/repos/acme/three"]


def test_f1_the_quota_used_up_defers(api, hub, three, settings):
    settings.GITHUB_TOKEN = "ghp_limited"
    settings.SKILLMEAT_GITHUB_GRAPHQL_URL = ""
    hub.tokens = {"ghp_limited": 2}
    body = bulk(api, three)
    assert [row["outcome"] for row in body["results"]] == ["updated", "updated", "deferred"]
    assert body["rate_limited"] is True


def test_a_cancel_defers_the_rest(hub, three):
    class Cancelling(SilentReport):
        def progress(self, done, total, label=""):
            if done == 1:
                raise Cancelled

    result = refresh_many([one.pk for one in three], run=RefreshRun(COMMAND_LINE, Cancelling()))
    assert [(row.outcome, row.code) for row in result.rows] == [
        ("updated", ""), ("deferred", "cancelled"), ("deferred", "cancelled"),
    ]  # fmt: skip
    assert (result.job_status, len(hub.paths("api"))) == (JobStatus.CANCELLED, 1)


def test_a_source_deleted_meanwhile_is_a_row(hub, three):
    class Deleting(SilentReport):
        def progress(self, done, total, label=""):
            if done == 1:
                delete_source(Source.objects.get(pk=three[1].pk), actor=COMMAND_LINE)

    result = refresh_many([one.pk for one in three], run=RefreshRun(COMMAND_LINE, Deleting()))
    assert [(row.outcome, row.code) for row in result.rows] == [
        ("updated", ""), ("failed", "not_found"), ("updated", ""),
    ]  # fmt: skip


def test_a_refresh_costs_the_same_however_many_topics(api, hub, make):
    few, many = make("acme/few", "a1"), make("acme/many", *(f"topic-{n}" for n in range(40)))
    refresh(api, make("acme/first", "a1"))  # the first question to a host makes the slots for all
    statements = []
    for one in (few, many):
        api.get("/api/v1/jobs")
        with CaptureQueriesContext(connection) as captured:
            refresh(api, one)
        statements.append(len(captured))
    assert statements[0] == statements[1]


# ---- command and admin


def test_the_command(three, source):
    said = manage("refresh_auto_tags", "acme/one", source.url, "--json")
    assert (said.code, said.outcomes()) == (0, [("updated", None), ("skipped", "not_github")])
    assert adds_up(said)
    said = manage("refresh_auto_tags", "acme/one")
    assert "unchanged  acme/one  2 found, 0 added, 0 updated, 0 gone" in said.out
    assert manage("refresh_auto_tags").code == 2
    assert manage("refresh_auto_tags", "nobody/knows", "--json").outcomes() == [("failed", "not_found")]


def test_the_command_for_all(hub, three):
    said = manage("refresh_auto_tags", "--all", "--dry-run", "--json")
    assert (said.code, [outcome for outcome, _ in said.outcomes()]) == (0, ["updated"] * 3)
    assert not SourceTag.objects.exists()
    hub.on("/repos/acme/two", LIMITED)
    said = manage("refresh_auto_tags", "--all", "--json")
    assert (said.code, [outcome for outcome, _ in said.outcomes()]) == (1, ["updated", "deferred", "deferred"])


def test_the_admin_action(admin_client, three, source, worker):
    confirm = choose(admin_client, SOURCES, "refresh_auto_tags", [*three, source])
    shown = admin_client.get(confirm).content.decode()
    assert "<strong>3</strong> will be asked about" in shown
    assert "<strong>1</strong> will be skipped" in shown
    answer = admin_client.post(confirm)
    job = Job.objects.get()
    assert answer["Location"].startswith(reverse("admin:core_job_change", args=[job.pk]))
    worker()
    job.refresh_from_db()
    assert (job.kind, job.status, job.items.count()) == ("marketplace.bulk_refresh_auto_tags", JobStatus.SUCCEEDED, 4)
    page = admin_client.get(answer["Location"]).content.decode()
    assert "not_github" in page
