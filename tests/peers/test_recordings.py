"""Our client against answers that GitHub really gave: renamed, redirected, in pages, with topics.

Their ``x-ratelimit-reset`` counts in milliseconds (fault 5): taken for seconds it would be in the year 49,745.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import HostNotAllowed
from skillmeat_site.upstream.github import GitHubProvider
from skillmeat_site.upstream.github_http import GitHubSession
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.object_ids import blob_oid
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.quota import Quota
from skillmeat_site.upstream.types import CommitOid, Head, RepositoryAddress, RepositoryFacts
from tests.fakes.budget import Ledger
from tests.fakes.github_openapi import violations
from tests.peers.conftest import ORG, THEN, TOKEN, Recordings
from tests.peers.running import installed

pytestmark = pytest.mark.peer

QUOTA = Quota("core", limit=5000, remaining=4999, reset_in=1)
"""As recorded: the quota began anew at the very moment of the answer, and a second is the least that is waited."""


class Client:
    """Our provider, with a recording as its GitHub."""

    settings: GitHubSettings

    def __init__(self, recordings: Recordings) -> None:
        self.recordings, self.ledger = recordings, Ledger()
        self.policy = AccessPolicy(allowed_hosts=(recordings.api,), github_url=recordings.api)
        self.base = ""

    def on(self, scenario: str, *download_hosts: str) -> GitHubProvider:
        """The provider at one scenario; archives may come from these hosts besides."""
        self.base = self.recordings.scenario(scenario)
        self.settings = GitHubSettings(
            api_url=self.base,
            policy=self.policy,
            credentials=lambda address: TOKEN,
            budgets=self.ledger.of,
            download_hosts=download_hosts,
            max_single_blobs=0,
            retry_seconds=0,
        )
        return GitHubProvider(self.settings)

    def address(self, name: str) -> RepositoryAddress:
        return parse_url(f"{self.recordings.api}/{ORG}/{name}", self.policy)

    def asked(self) -> list[tuple[str, str]]:
        return [(request["at"], request["path"]) for request in self.recordings.requests(self.base)]


@pytest.fixture
def client(recordings: Recordings) -> Client:
    return Client(recordings)


def recorded(scenario: str, index: int) -> Any:
    """The answer as it lies on disk, read by nobody but json."""
    folder = installed("@octokit/fixtures") / "scenarios" / "api.github.com" / scenario
    return json.loads((folder / "normalized-fixture.json").read_text())[index]["response"]


def test_what_github_says_of_a_repository(client: Client) -> None:
    facts = client.on("get-repository").describe(client.address("hello-world"))
    answer = recorded("get-repository", 0)
    assert facts == RepositoryFacts(
        id=answer["id"],
        full_name=f"{ORG}/hello-world",
        topics=("fixtures", "hello", "hello-world"),
        default_branch="master",
    )
    assert list(facts.topics) == answer["topics"]
    assert client.asked() == [("api", f"/repos/{ORG}/hello-world")]


def test_f5_a_reset_in_milliseconds(client: Client) -> None:
    client.on("get-repository").describe(client.address("hello-world"))
    assert client.ledger.quotas == [QUOTA]
    assert client.ledger.limits == []


def test_a_renamed_repository_is_followed_by_its_id(client: Client) -> None:
    provider = client.on("rename-repository")
    # The recording begins with the renaming.
    renamed = requests.patch(
        f"{client.base}/repos/{ORG}/rename-repository",
        data='{"name":"rename-repository-newname"}', headers=THEN, timeout=30,
    )  # fmt: skip
    assert renamed.status_code == 200, renamed.text
    facts = provider.describe(client.address("rename-repository"))
    assert (facts.id, facts.full_name) == (renamed.json()["id"], f"{ORG}/rename-repository-newname")
    assert facts.moved_to == facts.full_name
    assert client.asked()[1:] == [("api", f"/repos/{ORG}/rename-repository"), ("api", f"/repositories/{facts.id}")]
    assert client.ledger.quotas == [QUOTA, QUOTA]


def test_an_archive_is_fetched_from_codeload_without_the_token(client: Client) -> None:
    content = b"# get-archive"
    oid = blob_oid(content)
    provider = client.on("get-archive", client.recordings.download)
    head = Head(CommitOid("main"), "refs/heads/main")
    assert provider.read(client.address("get-archive"), head, [oid], max_bytes=1000).found == {oid: content}
    assert client.asked() == [
        ("api", f"/repos/{ORG}/get-archive/tarball/main"),
        ("codeload", f"/{ORG}/get-archive/legacy.tar.gz/refs/heads/main"),
    ]
    to_api, to_codeload = client.recordings.requests(client.base)
    assert (to_api["authorization"], to_api["version"]) == (f"Bearer {TOKEN}", "2022-11-28")
    assert (to_codeload["authorization"], to_codeload["version"]) == ("", "")


def test_an_archive_elsewhere_is_not_fetched(client: Client) -> None:
    provider = client.on("get-archive")
    with pytest.raises(HostNotAllowed):
        provider.read(client.address("get-archive"), Head(CommitOid("main")), ["1" * 40], max_bytes=1000)
    assert [at for at, _ in client.asked()] == ["api"]


def test_f39_pages_are_not_walked(client: Client) -> None:
    """Nothing that we ask for comes in pages: an answer that names a next one is one request all the same."""
    client.on("paginate-issues")
    path = f"/repos/{ORG}/paginate-issues/issues?per_page=3"
    with GitHubSession(client.settings, TOKEN, seconds=30) as session:
        page = session.get(path, json.loads)
    assert [issue["number"] for issue in page] == [13, 12, 11]
    assert client.asked() == [("api", path)]


# ---- the descriptions that our own fake is measured by


def test_the_description_agrees_with_what_was_recorded() -> None:
    """The recording is older than one field."""
    assert violations("/repos/{owner}/{repo}", 200, recorded("get-repository", 0)) == [
        "/repos/{owner}/{repo} 200: $: 'has_discussions' is a required property"
    ]
    assert violations("/repos/{owner}/{repo}", 301, recorded("rename-repository", 1)) == []


def test_the_description_objects_to_what_is_none_of_it() -> None:
    assert violations("/repos/{owner}/{repo}", 301, {"message": 5})
    assert violations("", 401, ["Bad credentials"])
    assert violations("/repos/{owner}/{repo}", 200, {**recorded("get-repository", 0), "topics": "none"})
