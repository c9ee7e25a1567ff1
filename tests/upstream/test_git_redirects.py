"""A redirect is followed where the operator allows its target, and the token stays with its host."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from skillmeat_site.core.errors import DomainError
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import HostNotAllowed, UpstreamInvalid
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.types import RepositoryAddress
from tests.fakes.git_http import GitHttp, serve
from tests.upstream.conftest import Repo, make_repo

TOKEN = "ghp_secretsecretsecretsecretsecret0123"


def test_a_renamed_repository_is_found(
    repo: Repo, server: GitHttp, provider: GitProvider, policy: AccessPolicy
) -> None:
    repo.commit({"SKILL.md": b"x"})
    server.moved = {"/acme/old": "/acme/tools.git"}
    address = parse_url(f"{server.url}/acme/old", policy)
    head = provider.resolve(address)
    assert [item.path for item in provider.listing(address, head).items] == ["SKILL.md"]


def test_circles_end(server: GitHttp, provider: GitProvider, address: RepositoryAddress) -> None:
    server.moved = {"/acme/tools": f"{server.url}/acme/tools"}
    with pytest.raises(UpstreamInvalid, match="circles"):
        provider.resolve(address)
    assert len(server.requests) <= 5


def test_another_port_is_another_host(
    tmp_path: Path, server: GitHttp, provider: GitProvider, address: RepositoryAddress
) -> None:
    with serve(tmp_path) as inward:
        server.moved = {"/acme/tools": f"{inward.url}/acme/tools"}
        with pytest.raises(HostNotAllowed):
            provider.resolve(address)
        assert inward.requests == []


@pytest.mark.parametrize(
    "target", ["file:///etc", "ssh://git@127.0.0.1/a/b", "https://me:pw@127.0.0.1/a/b", "ext::sh"]
)
def test_another_transport_is_refused(
    target: str, server: GitHttp, provider: GitProvider, address: RepositoryAddress
) -> None:
    server.moved = {"/acme/tools": target}
    with pytest.raises(DomainError) as caught:
        provider.resolve(address)
    assert caught.value.code in {"host_not_allowed", "invalid_url", "upstream_invalid"}


@pytest.mark.parametrize("spelling", ["file://{}", "FILE://{}", "{}"])
def test_a_host_cannot_have_a_local_repository_read(
    tmp_path: Path, spelling: str, server: GitHttp, provider: GitProvider, address: RepositoryAddress
) -> None:
    """Not even one that lies in an allowed root: it is the operator's to register."""
    private = make_repo(tmp_path / "srv" / "private.git")
    private.commit({"SKILL.md": b"secret"})
    server.moved = {"/acme/tools": spelling.format(private.path)}
    with pytest.raises(DomainError):
        provider.resolve(address)


@pytest.mark.fault(16)
def test_the_token_stays_with_its_host(
    tmp_path: Path, repo: Repo, server: GitHttp, git_settings: GitSettings, address: RepositoryAddress
) -> None:
    repo.commit({"SKILL.md": b"x"})
    with serve(tmp_path / "srv") as other:
        server.moved = {"/acme/tools": f"{other.url}/acme/tools"}
        policy = AccessPolicy(allowed_hosts=(server.url, other.url))
        mine = {server.url: TOKEN}
        provider = GitProvider(
            replace(git_settings, policy=policy, credentials=lambda a: mine.get(a.url.removesuffix("/acme/tools")))
        )
        head = provider.resolve(address)
        provider.listing(address, head)
        assert all(request.authorization for request in server.requests)
        assert other.requests
        assert not any(request.authorization for request in other.requests)
