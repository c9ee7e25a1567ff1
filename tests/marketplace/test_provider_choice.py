"""Choosing who reads a source, by every face; and what cannot be chosen."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from marketplace.models import Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from tests.conftest import skills
from tests.marketplace.answers import ok, refused
from tests.marketplace.commanding import manage

pytestmark = pytest.mark.django_db

SOURCES = "/api/v1/marketplace/sources"
GITHUB = "https://github.com/acme/tools"


@pytest.fixture
def source():
    return create_source(url=GITHUB, actor=COMMAND_LINE)


# ---- REST


def test_rest(api, source):
    of = f"{SOURCES}/{source.pk}"
    assert ok(api.get(of))["provider"] == "auto"
    assert ok(api.patch(of, {"provider": "github"}, format="json"))["provider"] == "github"
    assert ok(api.patch(of, {"tags": ["x"]}, format="json"))["provider"] == "github"
    other = api.post(SOURCES, {"url": "acme/others", "provider": "git"}, format="json")
    assert ok(other, 201)["provider"] == "git"


def test_rest_scans_by_the_api_and_tells_what_github_says(api, hub, on_github):
    on_github(skills("a", "b", "c"))
    state = hub.repository("acme/tools")
    state.facts |= {"description": "Tools", "license": "MIT", "topics": ["skills"]}
    body = {"url": f"{hub.url}/acme/tools", "provider": "github", "scan": True}
    told = ok(api.post(SOURCES, body, format="json"), 201)
    assert told["scan"]["new_count"] == 3
    assert {request.kind for request in hub.requests} == {"api", "codeload"}
    assert {name: told[name] for name in ("repository_id", "repository_description", "repository_license")} == {
        "repository_id": state.id,
        "repository_description": "Tools",
        "repository_license": "MIT",
    }
    assert (told["topics"], told["archived"], told["resolved_ref"]) == (["skills"], False, "refs/heads/main")


@pytest.mark.parametrize(
    "field", ["repository_id", "repository_description", "repository_license", "topics", "archived"]
)
def test_what_scans_own_cannot_be_set(api, source, field):
    refused(api.patch(f"{SOURCES}/{source.pk}", {field: None}, format="json"), 400, "unknown_field")


def test_an_unknown_provider_is_refused(api, source):
    body = refused(
        api.patch(f"{SOURCES}/{source.pk}", {"provider": "gitlab"}, format="json"), 400, "invalid_parameter"
    )
    assert body["errors"][0]["pointer"] == "/provider"


def test_github_for_what_is_not_on_github(api, repository, source):
    refused(
        api.post(SOURCES, {"url": repository.url, "provider": "github"}, format="json"), 400, "provider_unavailable"
    )
    local = create_source(url=repository.url, actor=COMMAND_LINE)
    refused(api.patch(f"{SOURCES}/{local.pk}", {"provider": "github"}, format="json"), 400, "provider_unavailable")
    ok(api.patch(f"{SOURCES}/{source.pk}", {"provider": "github"}, format="json"))
    moved = api.patch(f"{SOURCES}/{source.pk}", {"url": repository.url + "x"}, format="json")
    refused(moved, 400, "provider_unavailable")
    assert Source.objects.filter(provider="github").count() == 1


@pytest.mark.parametrize(
    ("changes", "provider", "detail"),
    [
        ({"SKILLMEAT_GITHUB_API_URL": ""}, "github", "SKILLMEAT_GITHUB_API_URL"),
        ({"SKILLMEAT_GITHUB_TIERS": ["git"]}, "github", "SKILLMEAT_GITHUB_TIERS"),
        ({"SKILLMEAT_GITHUB_TIERS": ["rest"]}, "git", "SKILLMEAT_GITHUB_TIERS"),
        ({"SKILLMEAT_GITHUB_TIERS": ["webhook"]}, "auto", "SKILLMEAT_GITHUB_TIERS"),
    ],
    ids=["off", "without rest", "without git", "without both"],
)
def test_what_is_turned_off_cannot_be_chosen(api, source, settings, changes, provider, detail):
    for name, value in changes.items():
        setattr(settings, name, value)
    answer = api.patch(f"{SOURCES}/{source.pk}", {"provider": provider}, format="json")
    assert detail in refused(answer, 400, "provider_unavailable")["detail"]
    ok(api.patch(f"{SOURCES}/{source.pk}", {"tags": ["still-editable"]}, format="json"))


# ---- command and admin


def test_the_command(hub, on_github, repository):
    on_github(skills("a", "b", "c"))
    said = manage("add_source", f"{hub.url}/acme/tools", "--provider", "github", "--scan", "--json")
    assert (said.code, said.json["results"][0]["provider"]) == (0, "github")
    assert said.json["results"][0]["scan"]["new_count"] == 3
    assert {request.kind for request in hub.requests} == {"api", "codeload"}
    for flag in ([], ["--dry-run"]):
        wrong = manage("add_source", repository.url, "--provider", "github", "--json", *flag)
        assert (wrong.code, wrong.outcomes()) == (1, [("failed", "provider_unavailable")])
    assert manage("add_source", repository.url, "--provider", "svn").code == 2


def test_the_admin(admin_client, hub, on_github, repository):
    on_github(skills("a"))
    form = {"url": f"{hub.url}/acme/tools", "provider": "github", "trust_level": "basic"}
    assert admin_client.post(reverse("admin:marketplace_source_add"), form).status_code == 302
    source = Source.objects.get()
    assert source.provider == "github"
    Source.objects.update(repository_id=42, repository_description="<b>Tools</b>", topics=["<i>"], archived=True)
    url = reverse("admin:marketplace_source_change", args=[source.pk])
    page = admin_client.get(url).content.decode()
    assert "&lt;b&gt;Tools&lt;/b&gt;" in page
    assert "&lt;i&gt;" in page
    assert ">42<" in page
    refusal = admin_client.post(url, {**form, "url": repository.url}).content.decode()
    assert "not on GitHub" in refusal
    chosen = admin_client.get(reverse("admin:marketplace_source_changelist"), {"provider": "github"}).content.decode()
    assert "acme/tools" in chosen


# ---- rows from before anybody could choose


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_migration_lets_old_rows_choose_and_goes_back():
    before, after = ("marketplace", "0001_initial"), ("marketplace", "0002_source_provider_and_repository")
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes("marketplace")

    def migrate(*targets):
        executor = MigrationExecutor(connection)
        executor.migrate(list(targets))
        return executor.loader.project_state([targets[0]]).apps.get_model("marketplace", "Source")

    try:
        old = migrate(before)
        row = old.objects.create(url=GITHUB, url_key=GITHUB, name="tools", tags=["kept"])
        assert row.provider == "git"
        moved = migrate(after).objects.get(pk=row.pk)
        assert (moved.provider, moved.tags, moved.topics, moved.repository_description) == ("auto", ["kept"], [], "")
        assert migrate(before).objects.get(pk=row.pk).provider == "git"
    finally:
        migrate(*leaves)
