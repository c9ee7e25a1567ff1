"""How many requests GitHub sees, what they carry, and who never sees the token."""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from skillmeat_site.core.errors import InvalidParameter
from skillmeat_site.upstream.errors import HostNotAllowed, UpstreamAuth, UpstreamInvalid
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.github import GitHubProvider
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.providers import provider_for
from skillmeat_site.upstream.types import Describes, Head, Provider, RepositoryAddress
from tests.fakes.budget import Ledger
from tests.fakes.git_http import GitHttp, status
from tests.fakes.github import GitHub
from tests.upstream.conftest import Repo, git

TOKEN = "ghp_secretsecretsecretsecretsecret0123"
SKILLS = {f"skills/s{n}/SKILL.md": b"%d" % n for n in range(60)}


def scan(provider: Provider, address: RepositoryAddress, known: str = "") -> Head:
    """Do what a scan does: resolve, describe, list, read every SKILL.md at once."""
    head = provider.resolve(address, known=known)
    assert isinstance(provider, Describes)
    provider.describe(address)
    listing = provider.listing(address, head)
    oids = [item.oid for item in listing.items if item.path.endswith("SKILL.md")]
    assert len(provider.read(address, head, oids, max_bytes=1000).found) == len(set(oids))
    return head


@pytest.fixture
def git_fallback(tmp_path: Path, github_policy: AccessPolicy) -> GitProvider:
    return GitProvider(GitSettings(mirrors=tmp_path / "mirrors", policy=github_policy))


@pytest.mark.parametrize("count", [1, 2, 3, 20, 60])
def test_a_first_scan_takes_five_requests_at_most(
    count: int,
    repo: Repo,
    github: GitHub,
    github_settings: GitHubSettings,
    github_address: RepositoryAddress,
    git_fallback: GitProvider,
) -> None:
    repo.commit(dict(list(SKILLS.items())[:count]))
    for settings in (github_settings, replace(github_settings, fallback=git_fallback)):
        provider = GitHubProvider(settings)
        assert github.count(lambda p=provider: scan(p, github_address)) == 3 + min(count, 2)


def test_which_requests_they_are(
    repo: Repo, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
) -> None:
    commit = repo.commit(SKILLS)
    scan(github_provider, github_address)
    assert github.paths() == [
        "/repos/acme/tools/commits/HEAD",
        "/repos/acme/tools",
        f"/repos/acme/tools/git/trees/{commit}?recursive=1",
        f"/repos/acme/tools/tarball/{commit}",
        f"/acme/tools/legacy.tar.gz/{commit}?token=private-link",
    ]


def test_an_unchanged_repository_takes_one_and_is_free_with_a_token(
    repo: Repo, github: GitHub, github_settings: GitHubSettings, github_address: RepositoryAddress
) -> None:
    commit = repo.commit(SKILLS)
    for token, cost in ((TOKEN, 0), ("", 1)):
        provider = GitHubProvider(replace(github_settings, credentials=lambda _, token=token: token))
        spent = github.used.get(token, 0)
        assert github.count(lambda p=provider: p.resolve(github_address, known=commit)) == 1
        assert github.requests[-1].headers["if-none-match"] == f'"{commit}"'
        assert github.used.get(token, 0) - spent == cost


def test_what_is_no_commit_id_is_not_sent_as_a_tag(
    repo: Repo, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
) -> None:
    repo.commit(SKILLS)
    for known in ("", "x", 'a"\r\nX: y', "A" * 40):
        github_provider.resolve(github_address, known=known)
        assert "if-none-match" not in github.requests[-1].headers


def test_refs(repo: Repo, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress) -> None:
    commit = repo.commit(SKILLS)
    git(repo.path, "tag", "v1", commit)
    counts = {
        ref: github.count(lambda ref=ref: github_provider.resolve(replace(github_address, ref=ref)))
        for ref in ("main", "refs/tags/v1", "v1", commit)
    }
    assert counts == {"main": 1, "refs/tags/v1": 1, "v1": 2, commit: 0}


@pytest.mark.fault(16)
def test_every_request_says_who_asks_and_the_token_stays_with_the_api(
    repo: Repo, github: GitHub, github_settings: GitHubSettings, github_address: RepositoryAddress
) -> None:
    repo.commit(SKILLS)
    scan(GitHubProvider(replace(github_settings, credentials=lambda _: TOKEN)), github_address)
    assert [request.kind for request in github.requests] == ["api"] * 4 + ["codeload"]
    for request in github.requests:
        assert request.headers["user-agent"] == "skillmeat-django"
        assert request.headers.get("authorization") == (f"Bearer {TOKEN}" if request.kind == "api" else None)
        assert (request.headers.get("x-github-api-version") == "2022-11-28") == (request.kind == "api")
        assert "cookie" not in request.headers


def test_no_password_is_looked_up(
    repo: Repo,
    github: GitHub,
    github_provider: GitHubProvider,
    github_address: RepositoryAddress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repo.commit(SKILLS)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    scan(github_provider, github_address)
    assert not any("authorization" in request.headers for request in github.requests)


def test_a_token_cannot_smuggle_in_a_header(
    github: GitHub, github_settings: GitHubSettings, github_address: RepositoryAddress
) -> None:
    provider = GitHubProvider(replace(github_settings, credentials=lambda _: "x\r\nHost: evil"))
    with pytest.raises(UpstreamAuth):
        provider.resolve(github_address)
    assert github.requests == []


class TestRedirects:
    @pytest.fixture(autouse=True)
    def _repo(self, repo: Repo) -> None:
        self.commit = repo.commit(SKILLS)

    @pytest.mark.parametrize("path", ["/commits/", "tools$", "/git/trees/", "/tarball/"])
    @pytest.mark.fault(16)
    def test_another_port_is_another_host(
        self,
        path: str,
        github: GitHub,
        server: GitHttp,
        github_settings: GitHubSettings,
        github_address: RepositoryAddress,
    ) -> None:
        github.always(path, status(302, Location=f"{server.url}/elsewhere"))
        provider = GitHubProvider(replace(github_settings, credentials=lambda _: TOKEN))
        with pytest.raises(HostNotAllowed):
            scan(provider, github_address)
        assert server.requests == []

    @pytest.mark.parametrize(
        "target",
        [
            "http://169.254.169.254/x",
            "https://10.0.0.1/x",
            "http://localhost/x",
            "https://[::1]/x",
            "//evil.example/x",
        ],
    )
    def test_private_and_unknown_hosts(
        self, target: str, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        github.always("/tarball/", status(302, Location=target))
        with pytest.raises(HostNotAllowed):
            scan(github_provider, github_address)

    @pytest.mark.parametrize(
        "target", ["file:///etc/passwd", "http://me:pw@127.0.0.1/x", "http://127.0.0.1:x/", "http://[", "data:,x", ""]
    )
    def test_what_is_no_web_address(
        self, target: str, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        for path in ("/commits/", "/tarball/"):
            github.behave()
            github.always(path, status(302, Location=target))
            with pytest.raises((HostNotAllowed, UpstreamInvalid)):
                scan(github_provider, github_address)

    def test_a_secret_in_a_link_is_in_no_error(
        self, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        link = "http://127.0.0.1:1/x?token=verysecret"
        github.always("/tarball/", status(302, Location=link))
        settings = replace(github_provider._settings, download_hosts=("http://127.0.0.1:1",))
        with pytest.raises(Exception, match="no connection") as caught:
            scan(GitHubProvider(settings), github_address)
        assert "verysecret" not in "".join(traceback.format_exception(caught.value))


def test_quotas_are_told(
    repo: Repo, github: GitHub, github_settings: GitHubSettings, github_address: RepositoryAddress
) -> None:
    repo.commit(SKILLS)
    ledger = Ledger()
    provider = GitHubProvider(replace(github_settings, credentials=lambda _: TOKEN, budgets=ledger.of))
    provider.resolve(github_address)
    assert [(quota.resource, quota.limit, quota.remaining) for quota in ledger.quotas] == [("core", 5000, 4999)]
    assert 3590 <= (ledger.quotas[0].reset_in or 0) <= 3600
    assert ledger.tokens == [TOKEN]


class TestChoice:
    def test_by_address(
        self,
        github_settings: GitHubSettings,
        github_address: RepositoryAddress,
        git_settings: GitSettings,
        address: RepositoryAddress,
        local_address: RepositoryAddress,
    ) -> None:
        both = AccessPolicy(
            allowed_hosts=(*github_settings.policy.allowed_hosts, *git_settings.policy.allowed_hosts),
            local_roots=git_settings.policy.local_roots,
            github_url=github_settings.policy.github_url,
        )
        ours, github = replace(git_settings, policy=both), replace(github_settings, policy=both)
        chosen = provider_for(github_address, ours, github=github)
        assert isinstance(chosen, GitHubProvider)
        assert isinstance(chosen, Describes)
        for other in (address, local_address):
            assert isinstance(provider_for(other, ours, github=github), GitProvider)
            with pytest.raises(InvalidParameter):
                provider_for(other, ours, github=github, choice="github")
        assert isinstance(provider_for(github_address, ours, github=github, choice="git"), GitProvider)
        assert isinstance(provider_for(github_address, ours), GitProvider)
        for off in (None, replace(github, api_url="")):
            assert isinstance(provider_for(github_address, ours, github=off), GitProvider)
            with pytest.raises(InvalidParameter):
                provider_for(github_address, ours, github=off, choice="github")
