"""What GitHub refuses, what cannot be reached, and that either is told at once."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import (
    UpstreamAuth,
    UpstreamBlocked,
    UpstreamNotFound,
    UpstreamRateLimited,
    UpstreamUnreachable,
)
from skillmeat_site.upstream.github import GitHubProvider
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.types import RepositoryAddress
from tests.fakes.github import GitHub
from tests.upstream.conftest import Repo

TOKEN = "ghp_secretsecretsecretsecretsecret0123"


@pytest.fixture
def commit(repo: Repo) -> str:
    return repo.commit({"SKILL.md": b"x"})


@pytest.fixture
def provider(github_settings: GitHubSettings) -> GitHubProvider:
    return GitHubProvider(replace(github_settings, credentials=lambda _: TOKEN))


def test_quota_used_up(
    commit: str, github: GitHub, github_settings: GitHubSettings, github_address: RepositoryAddress
) -> None:
    github.tokens = {TOKEN: 1}
    skew = 600
    github.clock = lambda: time.time() + skew
    provider = GitHubProvider(replace(github_settings, credentials=lambda _: TOKEN))
    head = provider.resolve(github_address)
    with pytest.raises(UpstreamRateLimited) as caught:
        provider.listing(github_address, head)
    assert 3590 <= (caught.value.retry_after or 0) <= 3601
    assert len(github.requests) == 2
    skew = 600 + 3700
    assert provider.listing(github_address, head).commit == commit


def test_a_wrong_token_and_a_private_repository(
    commit: str, github: GitHub, github_settings: GitHubSettings, github_address: RepositoryAddress
) -> None:
    github.tokens = {TOKEN: 5000}
    state = github.repository("acme/tools")
    assert state is not None
    state.private = True
    with pytest.raises(UpstreamNotFound, match="token"):
        GitHubProvider(github_settings).resolve(github_address)
    wrong = GitHubProvider(replace(github_settings, credentials=lambda _: "ghp_wrongwrongwrong"))
    with pytest.raises(UpstreamAuth) as caught:
        wrong.resolve(github_address)
    assert "ghp_" not in str(caught.value)
    assert GitHubProvider(replace(github_settings, credentials=lambda _: TOKEN)).resolve(github_address).commit


def test_a_repository_that_was_taken_down_tells_why(
    commit: str, github: GitHub, provider: GitHubProvider, github_address: RepositoryAddress
) -> None:
    state = github.repository("acme/tools")
    assert state is not None
    for reason, data in (("dmca", {"reason": "dmca"}), ("<b>anything</b>", {})):
        state.blocked = reason
        with pytest.raises(UpstreamBlocked) as caught:
            provider.resolve(github_address)
        assert caught.value.data == data
    assert len(github.requests) == 2


def test_nobody_listens(github_settings: GitHubSettings) -> None:
    policy = AccessPolicy(allowed_hosts=("http://127.0.0.1:1",), github_url="http://127.0.0.1:1")
    provider = GitHubProvider(replace(github_settings, policy=policy, api_url="http://127.0.0.1:1"))
    with pytest.raises(UpstreamUnreachable):
        provider.resolve(parse_url("http://127.0.0.1:1/a/b", policy))


def test_no_tls_there(github: GitHub, github_settings: GitHubSettings, github_address: RepositoryAddress) -> None:
    secure = github.api_url.replace("http:", "https:")
    with pytest.raises(UpstreamUnreachable, match="secure"):
        GitHubProvider(replace(github_settings, api_url=secure)).resolve(github_address)


def test_a_name_that_does_not_resolve(github_settings: GitHubSettings, github_address: RepositoryAddress) -> None:
    nowhere = GitHubProvider(replace(github_settings, api_url="http://nowhere.invalid"))
    with pytest.raises(UpstreamUnreachable):
        nowhere.resolve(github_address)


def test_a_proxy_that_refuses(
    github: GitHub,
    github_settings: GitHubSettings,
    github_address: RepositoryAddress,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(UpstreamUnreachable, match="proxy"):
        GitHubProvider(github_settings).resolve(github_address)
    assert github.requests == []
