"""Webhooks over REST: who is let in, what counts once, what is scanned, and what is never asked upstream."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from marketplace.jobs import prune_deliveries, rescan
from marketplace.models import Source, WebhookDelivery
from marketplace.services.identity import locate
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.jobs.schedules import schedules
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.results import JobStatus
from tests.conftest import skills
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory
from tests.marketplace.answers import BASE, ok, refused
from tests.marketplace.scanning import counters, dump, scan

pytestmark = pytest.mark.django_db
HOOK = "/api/v1/webhooks/github"
SECRET = "s3cret-of-the-hook"
MAIN = "refs/heads/main"
MOVED = {"name": {"from": "tools"}}


@pytest.fixture(autouse=True)
def secret(settings):
    settings.SKILLMEAT_WEBHOOK_SECRET = [SECRET]


@pytest.fixture
def known():
    """A source of acme/tools on GitHub, whose id is 7."""
    return SourceFactory(name="tools", repository_id=7, scanned=True)


def deliver(document, event="push", *, delivery="", secret=SECRET, body=None, **headers):
    body = json.dumps(document).encode() if body is None else body
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    told = {"X-Hub-Signature-256": signature, "X-GitHub-Event": event, "X-GitHub-Delivery": delivery, **headers}
    # As a browser would be stopped: without a token of Django's.
    client = Client(enforce_csrf_checks=True)
    return client.post(HOOK, body, content_type="application/json", headers=told)


def repository(**changes):
    return {"id": 7, "full_name": "acme/tools", "default_branch": "main", **changes}


def push(ref=MAIN, **changes):
    return {"ref": ref, "before": "b" * 40, "after": "a" * 40, "repository": repository(), **changes}


def happened(action, changes=None, **told):
    return {"action": action, "repository": repository(**told), "changes": changes or {}}


def taken(answer):
    body = ok(answer, 202)
    return body["outcome"], body["scans"]


# ---- who is let in


def test_a_push_is_queued_for_its_source(known):
    other = SourceFactory(name="other", repository_id=8)
    body = ok(deliver(push(), delivery="72d3162e"), 202)
    assert body == {"delivery": "72d3162e", "outcome": "queued", "scans": 1}
    job = Job.objects.get()
    assert (job.kind, job.trigger, job.status, job.actor) == ("marketplace.rescan", "webhook", JobStatus.QUEUED, None)
    assert job.params["source_id"] == known.pk != other.pk
    stored = WebhookDelivery.objects.get()
    assert (stored.delivery_id, stored.event, stored.outcome) == ("72d3162e", "push", "queued")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": "", "X-Hub-Signature": "sha1=" + "0" * 40},
    ],
    ids=["none", "wrong", "sha1"],
)
def test_f41_the_signature_comes_first(known, headers):
    answer = deliver(push(), **headers)
    refused(answer, 401, "not_authenticated")
    refused(deliver(None, body=b"no json", **headers), 401, "not_authenticated")
    assert not Job.objects.exists()
    assert not WebhookDelivery.objects.exists()


def test_f41_a_body_that_was_changed(known):
    body = json.dumps(push()).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    answer = deliver(None, body=body + b" ", **{"X-Hub-Signature-256": signature})
    refused(answer, 401, "not_authenticated")


def test_without_a_secret_nobody_is_let_in(known, settings):
    settings.SKILLMEAT_WEBHOOK_SECRET = []
    refused(deliver(push()), 401, "not_authenticated")
    refused(deliver(push(), secret=""), 401, "not_authenticated")


def test_secrets_can_be_rotated(known, settings):
    settings.SKILLMEAT_WEBHOOK_SECRET = ["new", SECRET]
    assert taken(deliver(push())) == ("queued", 1)
    assert taken(deliver(push(after="c" * 40), secret="new")) == ("queued", 1)
    refused(deliver(push(), secret="older"), 401, "not_authenticated")


def test_a_bearer_token_is_no_signature(api, known):
    refused(api.post(HOOK, push(), format="json"), 401, "not_authenticated")


def test_it_is_only_posted_to(api):
    refused(api.get(HOOK), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"[]", b"7", b"payload=%7B%7D", b"\xff", b"[" * 50_000, b'{"a":' * 50_000, b"9" * 5000],
    ids=lambda body: repr(body[:8]),
)
def test_signed_but_no_json(body):
    refused(deliver(None, body=body), 400, "invalid_parameter")
    assert not WebhookDelivery.objects.exists()


def test_too_large():
    refused(deliver(None, body=b" " * (25 * 1024 * 1024 + 1)), 413, "body_too_large")


@pytest.mark.parametrize("event", ["push", "repository", "ping", "stars", "", "x" * 300])
@pytest.mark.parametrize(
    "document",
    [
        {},
        {"repository": None},
        {"repository": [], "ref": MAIN},
        {"repository": {"id": 10**400, "full_name": "acme/tools"}, "ref": MAIN, "action": "renamed"},
        {"repository": {"id": 2**63, "full_name": "acme/\x00"}, "ref": "\x00", "action": "\x00"},
        {"repository": {"id": "7", "full_name": "\ud800/x"}, "ref": {"a": 1}, "action": ["deleted"]},
        {"repository": {"id": 7, "full_name": "acme/tools"}, "action": "renamed", "changes": {"repository": 7}},
        {"repository": {"id": 7, "full_name": "acme/tools"}, "action": "transferred", "changes": {"owner": [[]]}},
    ],
    ids=lambda document: repr(document)[:30],
)
def test_hostile_documents_are_taken_in_and_harmless(known, event, document):
    before = dict(Source.objects.values_list("pk", "url"))
    answer = deliver(document, event, body=json.dumps(document).encode())
    assert answer.status_code == 202, answer.content
    assert dict(Source.objects.values_list("pk", "url")) == before


# ---- what counts once, and how much of a storm is left


def test_f41_a_delivery_counts_once(known, worker):
    assert taken(deliver(push(), delivery="d1")) == ("queued", 1)
    Job.objects.all().delete()
    assert taken(deliver(push(), delivery="d1")) == ("repeated", 0)
    assert taken(deliver(happened("archived"), "repository", delivery="d1")) == ("repeated", 0)
    assert not Job.objects.exists()
    known.refresh_from_db()
    assert known.archived is False
    assert taken(deliver(push(), delivery="d2")) == ("queued", 1)


def test_one_without_an_id_is_known_by_its_content(known):
    assert taken(deliver(push())) == ("queued", 1)
    assert taken(deliver(push())) == ("repeated", 0)


def test_one_that_fails_may_come_again(known, monkeypatch):
    monkeypatch.setattr("marketplace.webhook_jobs.runner.enqueue", lambda *a, **k: 1 / 0)
    assert deliver(push(), delivery="d1").status_code == 500
    assert not WebhookDelivery.objects.exists()
    monkeypatch.undo()
    assert taken(deliver(push(), delivery="d1")) == ("queued", 1)


def test_f40_a_storm_is_one_scan_if_none_has_begun(known):
    for n in range(100):
        assert taken(deliver(push(), delivery=f"d{n}")) == ("queued", 1)
    assert Job.objects.count() == 1
    assert WebhookDelivery.objects.count() == 100


def test_f40_a_storm_during_a_scan_is_one_more(hub, on_github, worker):
    """Deliveries come in while the server is asked for the repository: the scan under way may have missed them."""
    on_github(skills("a"))
    source = create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE)
    told = push(repository=repository(id=None))
    seen = []

    class Deliveries:
        begun = False

        def __call__(self, *args, **kwargs):
            if not self.begun:
                self.begun = True
                seen.extend(taken(deliver(told, delivery=f"during-{n}")) for n in range(100))

    assert taken(deliver(told, delivery="first")) == ("queued", 1)
    storm = Deliveries()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("marketplace.services.rescan.locate", _before(storm))
        worker()
    assert seen == [("queued", 1)] * 100
    jobs = Job.objects.filter(kind="marketplace.rescan")
    assert [(job.status, job.trigger) for job in jobs] == [(JobStatus.SUCCEEDED, "webhook")] * 2
    source.refresh_from_db()
    assert source.head_commit


def _before(action):
    def wrapped(*args, **kwargs):
        action()
        return locate(*args, **kwargs)

    return wrapped


@pytest.mark.django_db(transaction=True)
def test_a_scan_after_a_push_waits_for_its_turn(registered, monkeypatch):
    repository_, source = registered(skills("a"))
    monkeypatch.setattr("marketplace.services.patience.POLL_SECONDS", 0.05)
    lease = Lease.acquire(Source, source.pk)
    repository_.commit(skills("b"))
    threading.Timer(0.5, lambda: (lease.release(), connection.close())).start()
    params = {"source_id": source.pk, "after_push": True}
    result = runner.run_inline(rescan, params, COMMAND_LINE).unwrap()
    assert counters(result) == {"new": 1, "unchanged": 1}
    assert Job.objects.get().dedupe_key is None


def test_it_does_not_wait_for_ever(registered, monkeypatch):
    _, source = registered(skills("a"))
    monkeypatch.setattr("marketplace.services.patience.PATIENCE_SECONDS", 0)
    Lease.acquire(Source, source.pk)
    outcome = runner.run_inline(rescan, {"source_id": source.pk, "after_push": True}, COMMAND_LINE)
    assert outcome.error.code == "source_busy"


# ---- which sources


def test_all_sources_of_the_repository_that_read_the_ref():
    wanted = [
        SourceFactory(name="tools", repository_id=7),
        SourceFactory(name="tools", root_hint="skills"),
        SourceFactory(name="tools", ref="main", not_before=timezone.now() + timedelta(days=7)),
        SourceFactory(name="old-name", repository_id=7),
    ]
    SourceFactory(name="tools", ref="dev")
    SourceFactory(name="tools", ref="a" * 40)
    SourceFactory(name="tools", root_hint="off", enabled=False)
    SourceFactory(name="tools", root_hint="other-repository", repository_id=9)
    assert taken(deliver(push())) == ("queued", 4)
    assert sorted(job.params["source_id"] for job in Job.objects.all()) == sorted(source.pk for source in wanted)


def test_the_case_of_a_name_is_none():
    SourceFactory(name="tools")
    assert taken(deliver(push(repository=repository(full_name="Acme/TOOLS")))) == ("queued", 1)


@pytest.mark.parametrize(
    "document",
    [
        push("refs/heads/other"),
        push("refs/tags/v1"),
        push(deleted=True, after="0" * 40),
        push(repository=repository(full_name="acme/stranger", id=8)),
    ],
    ids=["branch", "tag", "deleted", "stranger"],
)
def test_f41_what_is_not_tracked(known, document):
    assert taken(deliver(document)) == ("ignored", 0)
    assert not Job.objects.exists()


def test_a_ping_and_events_of_no_concern(known):
    assert taken(deliver({"zen": "Keep it simple", "hook_id": 1}, "ping")) == ("pong", 0)
    assert taken(deliver({"action": "created"}, "star")) == ("ignored", 0)
    assert not Job.objects.exists()


def test_turned_off(known, settings):
    settings.SKILLMEAT_GITHUB_TIERS = ["rest", "git"]
    assert taken(deliver(push())) == ("off", 0)
    refused(deliver(push(), secret="wrong"), 401, "not_authenticated")
    assert not Job.objects.exists()


def test_nothing_is_asked_upstream_and_statements_are_few(hub, on_github):
    on_github(skills("a"))
    create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE)
    with CaptureQueriesContext(connection) as ignored:
        assert taken(deliver(push("refs/heads/x", repository=repository(id=None)))) == ("ignored", 0)
    with CaptureQueriesContext(connection) as queued:
        assert taken(deliver(push(repository=repository(id=None)))) == ("queued", 1)
    assert hub.requests == []
    assert (len(_real(ignored)), len(_real(queued))) == (3, 7)


def _real(captured):
    """Without what only marks the bounds of transactions."""
    marks = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT", "ROLLBACK")
    return [query["sql"] for query in captured if not query["sql"].startswith(marks)]


# ---- what happens to repositories


def test_a_rename_is_followed(known, api):
    before = known.updated_at
    answer = deliver(happened("renamed", {"repository": MOVED}, full_name="acme/kit"), "repository")
    assert taken(answer) == ("changed", 0)
    shown = ok(api.get(f"{BASE}/sources/{known.pk}"))
    assert (shown["url"], shown["owner"], shown["name"]) == ("https://github.com/acme/kit", "acme", "kit")
    assert shown["repository_id"] == 7
    known.refresh_from_db()
    assert known.updated_at > before
    event = AuditEvent.objects.get()
    assert (event.action, event.trigger, event.actor_name) == ("source.renamed", "webhook", "GitHub")


def test_a_transfer_of_a_repository_whose_id_nobody_knew():
    source = SourceFactory(name="tools")
    moved = happened("transferred", {"owner": {"from": {"user": {"login": "acme"}}}}, full_name="corp/tools")
    assert taken(deliver(moved, "repository")) == ("changed", 0)
    source.refresh_from_db()
    assert (source.url, source.owner, source.repository_id) == ("https://github.com/corp/tools", "corp", 7)


def test_f15_another_repository_of_the_old_name_is_not_moved():
    other = SourceFactory(name="tools", repository_id=9)
    moved = happened("renamed", {"repository": MOVED}, full_name="acme/kit")
    assert taken(deliver(moved, "repository")) == ("ignored", 0)
    other.refresh_from_db()
    assert other.name == "tools"


def test_a_rename_to_where_a_source_is_already(known):
    SourceFactory(name="kit")
    deliver(happened("renamed", {"repository": MOVED}, full_name="acme/kit"), "repository")
    known.refresh_from_db()
    assert known.name == "tools"


def test_a_rename_during_a_scan_leaves_it_to_a_scan(known):
    Lease.acquire(Source, known.pk)
    answer = deliver(happened("renamed", {"repository": MOVED}, full_name="acme/kit"), "repository")
    assert taken(answer) == ("changed", 1)
    known.refresh_from_db()
    assert known.name == "tools"


def test_archived_and_back(known):
    for action, archived in (("archived", True), ("unarchived", False)):
        assert taken(deliver(happened(action), "repository")) == ("changed", 0)
        known.refresh_from_db()
        assert known.archived is archived


def test_f17_deleted_makes_unreachable_and_keeps_entries(known, api):
    CatalogEntryFactory(source=known)
    before = dump()
    assert taken(deliver(happened("deleted"), "repository")) == ("changed", 0)
    shown = ok(api.get(f"{BASE}/sources/{known.pk}"))
    assert (shown["health"], shown["last_error"]["code"]) == ("unreachable", "upstream_not_found")
    assert dump() == before
    assert not Source.objects.sweepable().exists()


def test_publicized_is_tried_at_once(known):
    Source.objects.update(not_before=timezone.now() + timedelta(days=7), failures=4)
    assert taken(deliver(happened("publicized"), "repository")) == ("changed", 1)
    known.refresh_from_db()
    assert (known.not_before, known.failures) == (None, 0)


def test_f38_another_default_branch_is_scanned_by_those_that_follow_it(known):
    SourceFactory(name="tools", ref="dev", repository_id=7)
    edited = happened("edited", {"default_branch": {"from": "master"}})
    assert taken(deliver(edited, "repository")) == ("queued", 1)
    assert taken(deliver(happened("edited", {"description": {"from": ""}}), "repository")) == ("ignored", 0)


def test_a_rename_does_not_make_the_next_scan_a_full_one(hub, on_github):
    on_github(skills("a"))
    source = create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE)
    scan(source)
    hub.rename("acme/tools", "acme/kit")
    told = happened("renamed", {"repository": MOVED}, full_name="acme/kit", id=1000)
    assert taken(deliver(told, "repository")) == ("changed", 0)
    source.refresh_from_db()
    assert source.url == f"{hub.url}/acme/kit"
    assert scan(source).short_circuit == "commit"


# ---- upkeep


def test_old_deliveries_are_forgotten():
    now = timezone.now()
    for days in (1, 29, 31):
        WebhookDelivery.objects.create(
            delivery_id=f"d{days}", event="push", outcome="ignored", received_at=now - timedelta(days=days)
        )
    assert prune_deliveries() == 1
    assert "marketplace.prune_deliveries" in {schedule.name for schedule in schedules()}
    assert set(WebhookDelivery.objects.values_list("delivery_id", flat=True)) == {"d1", "d29"}


def test_the_admin_shows_deliveries(admin_client, known):
    deliver(push(), delivery="shown-delivery")
    page = admin_client.get(reverse("admin:marketplace_webhookdelivery_changelist")).content.decode()
    assert "shown-delivery" in page
    assert "queued" in page
    assert SECRET not in page
