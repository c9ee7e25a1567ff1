"""What work on GitHub costs, counted by its server: first scans, topics, webhooks, and sources without a token."""

from __future__ import annotations

import hashlib
import hmac
import json
import statistics
import time
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from marketplace.models import Source, SourceTag
from marketplace.services.forecast import forecast_topics
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import Job
from skillmeat_site.upstream.sample import commit, create_repository
from tests.benchmarks.test_sweep_bench import hub, points  # noqa: F401 - a fixture
from tests.conftest import skills
from tests.core.conftest import worker  # noqa: F401 - a fixture
from tests.marketplace.scanning import scan
from tests.marketplace.sweeping import TOKEN, many_sources, outcomes, sweep_all

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]

COUNT = 1000


@pytest.mark.parametrize("number", [3, 60, 600])
@pytest.mark.parametrize("way", ["auto", "github", "without a token"])
def test_a_first_scan(hub, settings, record_figure, number, way):  # noqa: F811
    path = hub.root / "acme" / f"with{number}.git"
    create_repository(path)
    commit(path, skills(*(f"s{n:03}" for n in range(number))), "first", time=1_767_225_600)
    if way == "without a token":
        settings.GITHUB_TOKEN = ""
    provider = "github" if way == "github" else "auto"
    source = create_source(url=f"{hub.url}/acme/with{number}", provider=provider, actor=COMMAND_LINE)
    hub.requests.clear()
    before = dict(hub.used)
    assert scan(source).counters.new == number
    used = sum(hub.used.values()) - sum(before.values())
    record_figure(f"first scan of {number} skills, {way}", len(hub.requests), "requests", 5)
    record_figure(f"first scan of {number} skills, {way}", used, "REST quota", 0 if way == "without a token" else 5)


def topics(hub, turn):  # noqa: F811
    for state in hub._states:
        state.facts["topics"] = ["ai", f"turn-{turn}"]


def by_command(client, worker):  # noqa: F811
    call_command("refresh_auto_tags", "--all", "--json", stdout=StringIO())


def by_admin(client, worker):  # noqa: F811
    selected = {"action": "refresh_auto_tags", "select_across": "1", "index": "0", "_selected_action": [1]}
    answer = client.post(reverse("admin:marketplace_source_changelist"), selected)
    client.post(answer["Location"])
    worker()


@pytest.mark.parametrize("face", [by_command, by_admin])
def test_topics_of_a_thousand_sources(hub, record_figure, admin_client, worker, face):  # noqa: F811
    sources = many_sources(hub, COUNT)
    topics(hub, 1)
    Job.objects.all().delete()
    hub.requests.clear()
    foretold = forecast_topics(sources)
    began = time.perf_counter()
    face(admin_client, worker)
    seconds = time.perf_counter() - began
    job = Job.objects.get()
    assert (job.status, job.items.filter(outcome="updated").count()) == ("succeeded", COUNT)
    assert SourceTag.objects.count() == 2 * COUNT
    name = f"topics of 1,000 sources, {face.__name__.replace('_', ' ')}"
    record_figure(name, len(hub.requests), "requests", 20)
    record_figure(f"{name}, foretold", foretold.requests, "requests", 20)
    record_figure(name, Job.objects.count(), "jobs", 1)
    record_figure(name, seconds, "s", None)


def test_without_a_token_nothing_uses_the_rest_quota(hub, settings, record_figure):  # noqa: F811
    settings.GITHUB_TOKEN = ""
    for number in range(50):
        path = hub.root / "acme" / f"g{number}.git"
        create_repository(path)
        commit(path, skills("alpha", f"s{number}"), "first", time=1_767_225_600)
        create_source(url=f"{hub.url}/acme/g{number}", actor=COMMAND_LINE)
    hub.requests.clear()
    assert outcomes(sweep_all()) == {"updated": 50}
    assert outcomes(sweep_all()) == {"unchanged": 50}
    api = [request for request in hub.requests if request.kind in ("api", "graphql")]
    record_figure("two sweeps of 50 sources without a token", len(api), "API calls", 0)
    record_figure("two sweeps of 50 sources without a token", hub.used.get("", 0), "REST quota", 0)
    record_figure("two sweeps of 50 sources without a token", len(hub.requests), "git calls", None)
    assert Source.objects.count() == 50
    assert TOKEN not in str(hub.requests)


def test_a_storm_of_webhooks(hub, settings, record_figure, worker):  # noqa: F811
    settings.SKILLMEAT_WEBHOOK_SECRET = ["secret"]
    source = create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE)
    scan(source)
    told = {"id": source.repository_id, "full_name": "acme/tools", "default_branch": "main"}
    body = json.dumps({"ref": "refs/heads/main", "before": "b" * 40, "after": "a" * 40, "repository": told}).encode()
    signature = "sha256=" + hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    client, taken = Client(), []
    hub.requests.clear()
    for number in range(100):
        headers = {"X-Hub-Signature-256": signature, "X-GitHub-Event": "push", "X-GitHub-Delivery": f"d{number}"}
        began = time.perf_counter()
        answer = client.post("/api/v1/webhooks/github", body, content_type="application/json", headers=headers)
        taken.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 202
    asked = len(hub.requests)
    worker()
    scans = Job.objects.filter(kind="marketplace.rescan").count()
    record_figure("answer to a webhook, median of 100", statistics.median(taken), "ms", 50)
    record_figure("answer to a webhook, slowest of 100", max(taken), "ms", None)
    record_figure("scans after a storm of 100 webhooks", scans, "scans", 2)
    record_figure("requests upstream before the answers", asked, "requests", 0)
