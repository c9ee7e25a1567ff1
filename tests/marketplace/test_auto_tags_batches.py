"""Tags out of topics of many sources with a token: one question for up to a hundred of them, by the server's log."""

from __future__ import annotations

import json

import pytest

from marketplace.models import Source
from marketplace.services.auto_tags import RefreshRun, refresh_many
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import Job, UpstreamBudget
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import ItemOutcome
from skillmeat_site.core.upstream_tokens import store_token
from tests.conftest import skills
from tests.fakes.git_http import status
from tests.fakes.github_faults import mangled
from tests.marketplace.answers import BASE, ok
from tests.marketplace.commanding import manage
from tests.marketplace.sweeping import TOKEN, many_sources
from tests.marketplace.test_admin_actions import SOURCES, choose

pytestmark = pytest.mark.django_db


@pytest.fixture
def upstream(hub, on_github, settings):
    settings.GITHUB_TOKEN = TOKEN
    on_github(skills("alpha"))
    return hub


def say(hub, name, *topics):
    hub.repository(name).facts.update(topics=list(topics))


def refresh_all():
    ids = list(Source.objects.order_by("pk").values_list("pk", flat=True))
    return refresh_many(ids, run=RefreshRun(COMMAND_LINE, SilentReport()))


def outcomes(result):
    return [row.outcome for row in result.rows]


def kinds(hub):
    return [request.kind for request in hub.requests]


def topics(source):
    return sorted(source.found_tags.filter(gone_at=None).values_list("normalized", flat=True))


def test_a_thousand_sources_take_twelve_requests(upstream):
    sources = many_sources(upstream, 1000)
    say(upstream, "acme/tools", "ai")
    say(upstream, "acme/r999", "pdf")
    upstream.requests.clear()
    result = refresh_all()
    assert kinds(upstream) == ["graphql"] * 12
    assert [row.object.id for row in result.rows] == [str(source.pk) for source in sources]
    assert outcomes(result).count(ItemOutcome.UPDATED) == 2
    assert (topics(sources[0]), topics(sources[999]), topics(sources[1])) == (["ai"], ["pdf"], [])


def test_a_name_that_another_took_or_nobody_has_is_asked_for_by_the_id(upstream):
    sources = many_sources(upstream, 3)
    say(upstream, "acme/r1", "mine")
    upstream.rename_only("acme/r1", "acme/kit")
    upstream.add("acme/r1", upstream.repository("acme/tools").path)
    say(upstream, "acme/r1", "foreign")
    Source.objects.filter(pk=sources[2].pk).update(name="nobody", repository_id=404)
    url = f"{upstream.url}/acme/nobody"
    Source.objects.filter(pk=sources[2].pk).update(url=url, url_key=url)
    upstream.requests.clear()
    result = refresh_all()
    assert outcomes(result) == [ItemOutcome.UNCHANGED, ItemOutcome.UPDATED, ItemOutcome.FAILED]
    assert [row.code for row in result.rows][2] == "upstream_not_found"
    assert (topics(sources[1]), topics(sources[2])) == (["mine"], [])
    assert upstream.paths("api") == ["/repos/acme/r1", "/repositories/1001", "/repos/acme/nobody", "/repositories/404"]


def test_a_limit_defers_all_and_is_not_evaded_one_by_one(upstream):
    many_sources(upstream, 60)
    upstream.requests.clear()
    upstream.always("graphql", status(429, "{}", Retry_After="600"))
    result = refresh_all()
    assert outcomes(result) == [ItemOutcome.DEFERRED] * 60
    assert result.rate_limited
    assert kinds(upstream) == ["graphql"]


def test_without_batches_each_is_asked_for(upstream):
    many_sources(upstream, 3)
    say(upstream, "acme/r2", "ai")
    upstream.requests.clear()
    upstream.always("graphql", status(404, "{}"))
    assert outcomes(refresh_all())[2] is ItemOutcome.UPDATED
    assert kinds(upstream) == ["graphql"] + ["api"] * 3


@pytest.mark.parametrize("nodes", [None, [{"topic": {"name": "ai"}}, None]], ids=["none", "one"])
@pytest.mark.parametrize("tiers", [["graphql", "rest", "git"], ["graphql", "git"]], ids=str)
def test_topics_that_the_answer_leaves_out_clear_no_tags(upstream, settings, nodes, tiers):
    sources = many_sources(upstream, 2)
    for name in ("acme/tools", "acme/r1"):
        say(upstream, name, "ai", "pdf")
    refresh_all()
    settings.SKILLMEAT_GITHUB_TIERS = tiers
    by_rest = "rest" in tiers

    def without(body):
        document = json.loads(body)
        document["data"]["r0"]["repositoryTopics"]["nodes"] = nodes
        document["errors"] = [{"type": "SERVICE_UNAVAILABLE", "path": ["r0", "repositoryTopics", "nodes"]}]
        return json.dumps(document).encode()

    upstream.on("graphql", mangled(without))
    upstream.requests.clear()
    assert outcomes(refresh_all()) == ["unchanged" if by_rest else "failed", "unchanged"]
    assert (topics(sources[0]), topics(sources[1])) == (["ai", "pdf"], ["ai", "pdf"])
    assert kinds(upstream) == ["graphql"] + ["api"] * by_rest


def test_f18_a_refused_token_is_sent_once_and_the_other_owners_go_on(upstream, api):
    sources = many_sources(upstream, 4)
    UpstreamBudget.objects.all().delete()
    upstream.tokens = {"stored": 5000}
    store_token(name="other's", host=upstream.url, owner="other", value="stored", actor=COMMAND_LINE)
    upstream.add("other/x", upstream.repository("acme/tools").path)
    url = f"{upstream.url}/other/x"
    Source.objects.filter(pk=sources[3].pk).update(url=url, url_key=url, owner="other", name="x", repository_id=None)
    say(upstream, "other/x", "ai")
    upstream.requests.clear()
    assert outcomes(refresh_all()) == [ItemOutcome.FAILED] * 3 + [ItemOutcome.UPDATED]
    assert kinds(upstream) == ["graphql"] * 2
    assert outcomes(refresh_all()) == [ItemOutcome.FAILED] * 3 + [ItemOutcome.UNCHANGED]
    assert kinds(upstream) == ["graphql"] * 3
    told = api.get("/api/v1/rate-limit").json()["results"]
    assert [(row["token"], row["resource"], row["rejected"]) for row in told] == [
        ("other's", "graphql", False),
        ("GITHUB_TOKEN", "core", True),
    ]
    assert told[0]["remaining"] == 4998


@pytest.mark.parametrize("tiers", [["graphql", "rest"], ["rest"]], ids=str)
def test_a_limit_of_one_token_is_none_of_anothers(upstream, settings, tiers):
    settings.SKILLMEAT_GITHUB_TIERS = tiers
    store_token(name="other's", host=upstream.url, owner="other", value="stored", actor=COMMAND_LINE)
    for name in ("acme/more", "other/x", "other/y"):
        upstream.add(name, upstream.repository("acme/tools").path)
        say(upstream, name, "ai")
    for name in ("acme/tools", "acme/more", "other/x", "other/y"):
        create_source(url=f"{upstream.url}/{name}", actor=COMMAND_LINE)
    upstream.on("graphql" if "graphql" in tiers else "/repos/", status(429, "{}", Retry_After="600"))
    upstream.requests.clear()
    assert outcomes(refresh_all()) == ["deferred", "deferred", "updated", "updated"]
    assert kinds(upstream) == (["graphql"] * 2 if "graphql" in tiers else ["api"] * 3)


def test_without_rest_one_source_is_asked_about_as_two_are(upstream, settings, api):
    settings.SKILLMEAT_GITHUB_TIERS = ["graphql", "git"]
    [source] = many_sources(upstream, 1)
    say(upstream, "acme/tools", "ai")
    upstream.requests.clear()
    assert outcomes(refresh_all()) == ["updated"]
    told = ok(api.post(f"{BASE}/sources/{source.pk}/refresh-auto-tags", {}, format="json"))
    assert told["tags_found"] == 1
    assert kinds(upstream) == ["graphql"] * 2


# ---- one job for all, by each face


def by_command(sources, api, admin_client, worker):
    said = manage("refresh_auto_tags", "--all", "--json")
    assert (said.code, len(said.json["results"])) == (1, 40)


def by_rest(sources, api, admin_client, worker):
    body = {"source_ids": [source.pk for source in sources]}
    answer = api.post(f"{BASE}/sources/bulk-refresh-auto-tags", body, format="json")
    assert answer.status_code == 202, "over twenty it is a job, whatever was asked"
    worker()


def by_admin(sources, api, admin_client, worker):
    confirm = choose(admin_client, SOURCES, "refresh_auto_tags", sources)
    assert "<strong>40</strong> will be asked about" in admin_client.get(confirm).content.decode()
    admin_client.post(confirm)
    worker()


@pytest.mark.parametrize("face", [by_command, by_rest, by_admin])
def test_forty_sources_are_one_job_one_request_and_forty_outcomes(upstream, api, admin_client, worker, face):
    sources = many_sources(upstream, 40)
    say(upstream, "acme/tools", "ai")
    say(upstream, "acme/r7", "pdf", "ai")
    gone = upstream._by_name.pop("acme/r9")
    upstream._states.remove(gone)
    Job.objects.all().delete()
    upstream.requests.clear()
    face(sources, api, admin_client, worker)
    job = Job.objects.get()
    assert (job.kind, job.status) == ("marketplace.bulk_refresh_auto_tags", "partial")
    found = list(job.items.order_by("object_id").values_list("outcome", flat=True))
    assert (found.count("updated"), found.count("unchanged"), found.count("failed")) == (2, 37, 1)
    assert job.items.get(outcome="failed").code == "upstream_not_found"
    assert (job.result["total_succeeded"], job.result["total_failed"]) == (39, 1)
    assert kinds(upstream).count("graphql") == 1
    assert upstream.paths("api") == ["/repos/acme/r9", f"/repositories/{gone.id}"], "only of that one more is asked"
