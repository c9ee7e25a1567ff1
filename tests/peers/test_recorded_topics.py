"""Topics as GitHub really sent them become suggested tags."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from marketplace.models import Source, SourceTag
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import UpstreamBudget
from tests.marketplace.answers import BASE, ok
from tests.peers.conftest import ORG, THEN, TOKEN, Recordings

pytestmark = [pytest.mark.peer, pytest.mark.django_db]


@pytest.fixture
def source_at(recordings: Recordings, settings: Any) -> Any:
    """``source_at(scenario, name)``: a source whose GitHub is that recording, without GraphQL."""

    def make(scenario: str, name: str) -> tuple[Source, str]:
        settings.SKILLMEAT_GITHUB_URL = recordings.api
        settings.SKILLMEAT_GITHUB_API_URL = base = recordings.scenario(scenario)
        settings.SKILLMEAT_GITHUB_GRAPHQL_URL = ""
        settings.SKILLMEAT_ALLOWED_HOSTS = [recordings.api]
        settings.GITHUB_TOKEN = TOKEN
        return create_source(url=f"{recordings.api}/{ORG}/{name}", actor=COMMAND_LINE), base

    return make


def refresh(api: Any, source: Source) -> Any:
    return ok(api.post(f"{BASE}/sources/{source.pk}/refresh-auto-tags", {}, format="json"))


def test_recorded_topics(api: Any, source_at: Any, recordings: Recordings) -> None:
    source, base = source_at("get-repository", "hello-world")
    assert refresh(api, source)["tags_found"] == 3
    assert list(SourceTag.objects.order_by("value").values_list("value", "status")) == [
        ("fixtures", "pending"),
        ("hello", "pending"),
        ("hello-world", "pending"),
    ]
    assert [request["path"] for request in recordings.requests(base)] == [f"/repos/{ORG}/hello-world"]
    budget = UpstreamBudget.objects.get()
    assert (budget.limit, budget.remaining) == (5000, 4999)


def test_a_repository_that_was_renamed_is_asked_by_its_id(api: Any, source_at: Any) -> None:
    source, base = source_at("rename-repository", "rename-repository")
    renamed = requests.patch(
        f"{base}/repos/{ORG}/rename-repository",
        data='{"name":"rename-repository-newname"}', headers=THEN, timeout=30,
    )  # fmt: skip
    assert renamed.status_code == 200, renamed.text
    assert refresh(api, source)["tags_found"] == 0
    source.refresh_from_db()
    assert source.repository_id == renamed.json()["id"]
