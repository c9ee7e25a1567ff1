"""Two ways to read what is on GitHub: the same catalog, the same answer, and a counted number of requests."""

from __future__ import annotations

import shutil

import pytest
from django.db import models
from structlog.testing import capture_logs

from marketplace.models import CatalogEntry, Manifest
from marketplace.sample import FIRST, SECOND
from marketplace.services.detect import detect_repository
from marketplace.services.sources import create_source, delete_source, update_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.upstream.errors import HostNotAllowed, ProviderUnavailable
from tests.conftest import skill, skills
from tests.fakes.git_http import status
from tests.marketplace.scanning import counters, scan

pytestmark = pytest.mark.django_db

TOKEN = "ghp_" + "secret" * 6
WAYS = ["git", "github", "auto"]


def many(count):
    return skills(*(f"s{number:02}" for number in range(count)))


def registered(hub, **fields):
    return create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE, **fields)


def catalog(source):
    """Every column but ids and times; another entry is told by its key."""
    rows = []
    for entry in source.entries.select_related("plugin", "duplicate_of").order_by("key"):
        row = {}
        for field in CatalogEntry._meta.concrete_fields:
            value = getattr(entry, field.name)
            if field.is_relation:
                value = value.key if isinstance(value, CatalogEntry) else None
            if not (field.primary_key or isinstance(field, models.DateTimeField)):
                row[field.name] = value
        rows.append(row)
    return rows


def forget(source, settings):
    """As if it had never been scanned: nothing read before helps."""
    delete_source(source, actor=COMMAND_LINE)
    Manifest.objects.all().delete()
    shutil.rmtree(settings.SKILLMEAT_MIRRORS, ignore_errors=True)


def told(result):
    """The whole answer, but for ids and times."""
    answer = result.to_json()
    answer["moved"] = [(move["from"], move["to"]) for move in answer["moved"]]
    return {
        name: value for name, value in answer.items() if name not in ("source_id", "scan_duration_ms", "scanned_at")
    }


# ---- the same, whoever reads


def test_every_provider_makes_the_same_catalog_and_gives_the_same_answers(hub, on_github, settings):
    settings.GITHUB_TOKEN = TOKEN
    seen = {}
    for way in WAYS:
        repository = on_github({**FIRST, **many(5)})
        source = registered(hub, provider=way)
        results = [scan(source), scan(source)]
        first = catalog(source)
        repository.commit(SECOND)
        results += [scan(source), scan(source, force=True)]
        columns = (source.head_commit, source.tree_oid, source.resolved_ref, source.counts, source.counters)
        seen[way] = (first, catalog(source), [told(result) for result in results], columns)
        forget(source, settings)
        shutil.rmtree(repository.path)
    assert len(seen["git"][0]) > 15
    assert seen["git"][0] != seen["git"][1]
    assert seen["git"] == seen["github"] == seen["auto"]
    assert seen["git"][3][2] == "refs/heads/main"


def test_another_provider_finds_nothing_new(hub, on_github):
    on_github({**FIRST, **many(5)})
    source = registered(hub, provider="git")
    first = scan(source)
    for way in ("github", "git"):
        update_source(source, actor=COMMAND_LINE, changes={"provider": way})
        assert scan(source).short_circuit == "commit"
        assert counters(scan(source, force=True)) == {
            "unchanged": first.counters.total,
            "within": first.counters.within_source,
        }


@pytest.mark.parametrize("ref", ["", "main", "v1", "refs/tags/v1"])
def test_a_ref_reads_the_same(hub, on_github, ref):
    repository = on_github(many(2))
    (repository.path / "refs" / "tags").mkdir(exist_ok=True)
    commit = (repository.path / "refs" / "heads" / "main").read_text()
    (repository.path / "refs" / "tags" / "v1").write_text(commit)
    source = registered(hub, ref=ref, provider="git")
    scan(source)
    by_git = source.resolved_ref
    update_source(source, actor=COMMAND_LINE, changes={"provider": "github"})
    for force in (True, False):
        scan(source, force=force)
        assert source.resolved_ref == by_git


# ---- what it costs


@pytest.mark.parametrize("count", [3, 60])
@pytest.mark.parametrize("way", WAYS)
def test_requests(hub, on_github, settings, way, count):
    settings.GITHUB_TOKEN = TOKEN
    repository = on_github(many(count))
    source = registered(hub, provider=way)
    assert hub.count(lambda: scan(source)) <= 5
    spent = hub.used.get(TOKEN, 0)
    assert hub.count(lambda: scan(source)) == 1
    assert hub.used.get(TOKEN, 0) == spent, "the answer that nothing has changed is free with a token"
    repository.commit({"skills/s01/SKILL.md": skill("s01", "Does more")})
    assert hub.count(lambda: scan(source)) <= (5 if way == "git" else 4)
    assert hub.count(lambda: scan(source)) == 1


def test_which_requests_the_api_gets(hub, on_github):
    on_github(many(3))
    source = registered(hub, provider="github")
    scan(source)
    commit = source.head_commit
    assert [(request.kind, request.path.partition("?")[0]) for request in hub.requests] == [
        ("api", "/repos/acme/tools/commits/HEAD"),
        ("api", "/repos/acme/tools"),
        ("api", f"/repos/acme/tools/git/trees/{commit}"),
        ("api", f"/repos/acme/tools/tarball/{commit}"),
        ("codeload", f"/acme/tools/legacy.tar.gz/{commit}"),
    ]
    scan(source)
    assert hub.requests[-1].headers["if-none-match"] == f'"{commit}"'


# ---- who is chosen


def kinds(hub, source):
    before = len(hub.requests)
    scan(source, force=True)
    return {request.kind for request in hub.requests[before:]}


def test_auto_is_git_without_a_token_and_the_api_with_git_beside_it_with_one(hub, on_github, settings):
    on_github(many(5))
    source = registered(hub)
    assert source.provider == "auto"
    assert kinds(hub, source) == {"git"}
    assert source.repository_id is None
    settings.GITHUB_TOKEN = TOKEN
    Manifest.objects.all().delete()
    shutil.rmtree(settings.SKILLMEAT_MIRRORS)
    assert kinds(hub, source) == {"api", "git"}
    assert source.repository_id == hub.repository("acme/tools").id


@pytest.mark.parametrize(
    ("tiers", "token", "expected"),
    [
        (["rest"], "", {"api", "codeload"}),
        (["rest"], TOKEN, {"api", "codeload"}),
        (["git"], TOKEN, {"git"}),
        (["webhook", "graphql", "git"], TOKEN, {"git"}),
    ],
)
def test_tiers_switch_providers(hub, on_github, settings, tiers, token, expected):
    settings.SKILLMEAT_GITHUB_TIERS, settings.GITHUB_TOKEN = tiers, token
    on_github(many(5))
    assert kinds(hub, registered(hub)) == expected


def test_the_api_turned_off_leaves_git(hub, on_github, settings):
    settings.SKILLMEAT_GITHUB_API_URL, settings.GITHUB_TOKEN = "", TOKEN
    on_github(many(5))
    assert kinds(hub, registered(hub)) == {"git"}


def test_with_no_way_left_a_source_fails_clearly_and_others_do_not(hub, on_github, settings, repository):
    on_github(many(3))
    source = registered(hub)
    settings.SKILLMEAT_GITHUB_TIERS = ["webhook", "graphql"]
    with pytest.raises(ProviderUnavailable, match="SKILLMEAT_GITHUB_TIERS"):
        scan(source)
    source.refresh_from_db()
    assert source.last_error_code == "provider_unavailable"
    assert hub.requests == []
    with pytest.raises(ProviderUnavailable):
        create_source(url=f"{hub.url}/acme/other", actor=COMMAND_LINE)
    assert counters(scan(create_source(url=repository.url, actor=COMMAND_LINE))) == {"new": 5}


def test_git_takes_over_where_the_tree_is_too_large_for_the_api(hub, on_github, settings):
    settings.GITHUB_TOKEN = TOKEN
    on_github({**many(30), **{f"deep/{n}/{n}/x.md": "x" for n in range(60)}})
    hub.truncate_at = 10
    source = registered(hub)
    result = scan(source)
    assert (result.listing_complete, counters(result)) == (True, {"new": 30})
    assert {request.kind for request in hub.requests} == {"api", "git"}
    alone = registered(hub, provider="github", root_hint="skills")
    held = scan(alone)
    assert not held.listing_complete
    assert "listing_truncated" in {warning.code for warning in held.warnings}


def test_detection_without_a_source_uses_the_same_choice(hub, on_github, settings):
    on_github(many(3))
    url = f"{hub.url}/acme/tools"
    assert len(detect_repository(url).artifacts) == 3
    assert {request.kind for request in hub.requests} == {"git"}
    settings.GITHUB_TOKEN = TOKEN
    assert len(detect_repository(url).artifacts) == 3
    assert hub.requests[-1].kind in ("api", "git")
    assert "api" in {request.kind for request in hub.requests}


# ---- hosts and secrets


def test_the_apis_host_needs_no_entry_in_the_list_and_a_redirect_to_a_private_one_is_refused(hub, on_github, settings):
    on_github(many(2))
    source = registered(hub, provider="github")
    settings.SKILLMEAT_GITHUB_URL = "https://github.example"
    settings.SKILLMEAT_ALLOWED_HOSTS = ["github.example"]
    source = create_source(url="https://github.example/acme/tools", provider="github", actor=COMMAND_LINE)
    assert counters(scan(source)) == {"new": 2}
    assert {request.kind for request in hub.requests} == {"api"}
    hub.always("tools$", status(302, Location="http://169.254.169.254/latest/meta-data"))
    with pytest.raises(HostNotAllowed):
        scan(source, force=True)


@pytest.mark.parametrize("refusal", [0, 401, 403, 404, 429])
def test_the_token_is_in_no_answer_and_in_no_log(hub, on_github, settings, api, caplog, capfd, refusal):
    settings.GITHUB_TOKEN = TOKEN
    on_github(many(5))
    source = registered(hub, provider="github")
    if refusal:
        hub.always("/commits/", status(refusal, '{"message": "API rate limit exceeded"}'))
    caplog.set_level("DEBUG")
    answers = [
        api.post(f"/api/v1/marketplace/sources/{source.pk}/rescan", {}, format="json"),
        api.get(f"/api/v1/marketplace/sources/{source.pk}"),
        api.get("/api/v1/jobs"),
    ]
    assert (answers[0].status_code == 200) == (not refusal)
    assert any(request.headers.get("authorization") == f"Bearer {TOKEN}" for request in hub.requests)
    said = "".join(answer.content.decode() for answer in answers) + caplog.text + "".join(capfd.readouterr())
    assert TOKEN not in said
    assert all(TOKEN not in request.path for request in hub.requests)
    assert all("authorization" not in request.headers for request in hub.requests if request.kind == "codeload")


def test_what_is_left_of_the_quota_is_logged_and_warned_of(hub, on_github, settings):
    settings.GITHUB_TOKEN = TOKEN
    on_github(many(3))
    source = registered(hub, provider="github")
    hub.tokens = {TOKEN: 1000}
    with capture_logs() as plenty:
        scan(source)
    hub.used[TOKEN] = 950
    with capture_logs() as little:
        scan(source, force=True)
    levels = [{line["log_level"] for line in lines if line["event"] == "upstream.quota"} for lines in (plenty, little)]
    assert levels == [{"debug"}, {"warning"}]
    assert TOKEN not in repr(plenty + little)
