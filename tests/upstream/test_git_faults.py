"""Whatever a host does, the error has its own kind, says nothing it should not, and leaves no process behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

from skillmeat_site.core.errors import DiskFull, DomainError
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import (
    HostNotAllowed,
    UpstreamAuth,
    UpstreamBlocked,
    UpstreamInvalid,
    UpstreamNotFound,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.git_errors import MAX_RETRY_AFTER, classify, read_retry_after
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.types import RepositoryAddress
from tests.fakes.git_http import HANGS, Fault, GitHttp, cut_packs, drip, drop, hang, status, wait_until
from tests.upstream.conftest import Repo, make_repo
from tests.upstream.test_process import commands_with

TOKEN = "ghp_secretsecretsecretsecretsecret0123"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (status(403), UpstreamAuth),
        (status(404), UpstreamNotFound),
        (status(407), UpstreamUnreachable),
        (status(410), UpstreamNotFound),
        (status(429), UpstreamRateLimited),
        (status(403, Retry_After="60"), UpstreamRateLimited),
        (status(403, X_RateLimit_Remaining="0"), UpstreamRateLimited),
        (status(451), UpstreamBlocked),
        (status(500, "<html>"), UpstreamInvalid),
        (status(502), UpstreamUnreachable),
        (status(503), UpstreamUnreachable),
        (status(200, "<html>hello"), UpstreamInvalid),
        (status(200, ""), UpstreamInvalid),
        (status(301), UpstreamInvalid),
        (drop, UpstreamUnreachable),
    ],
)
def test_each_fault_has_its_kind(
    fault: Fault, kind: type[DomainError], server: GitHttp, provider: GitProvider, address: RepositoryAddress
) -> None:
    server.fault = fault
    with pytest.raises(DomainError) as caught:
        provider.resolve(address)
    assert isinstance(caught.value, kind)
    assert type(caught.value).code == kind.code
    # After a page that is no git server, git looks for HEAD in the old file-based protocol.
    assert [request.path for request in server.requests][1:] in ([], ["/acme/tools/HEAD"])


def test_a_pause_that_is_asked_for_is_told(server: GitHttp, provider: GitProvider, address: RepositoryAddress) -> None:
    server.fault = status(429, Retry_After="7")
    with pytest.raises(UpstreamRateLimited) as caught:
        provider.resolve(address)
    assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("0", 1),
        ("999999999", MAX_RETRY_AFTER),
        ("Fri, 01 Jan 1999 00:00:00 GMT", 1),
        ("Fri, 01 Jan 2999 00:00:00 GMT", MAX_RETRY_AFTER),
        ("-5", None),
        ("abc", None),
        ("", None),
        ("\u0663", None),
    ],
)
def test_retry_after(text: str, seconds: int | None) -> None:
    assert read_retry_after({"retry-after": text}) == seconds


@pytest.mark.parametrize("ahead", [-7200, 0, 7200], ids=["late", "right", "early"])
def test_a_date_to_come_back_is_read_by_the_hosts_clock(
    server: GitHttp, provider: GitProvider, address: RepositoryAddress, ahead: int
) -> None:
    theirs = time.time() + ahead
    server.fault = status(429, Date=formatdate(theirs, usegmt=True), Retry_After=formatdate(theirs + 90, usegmt=True))
    with pytest.raises(UpstreamRateLimited) as caught:
        provider.resolve(address)
    assert caught.value.retry_after == 90


def test_a_private_repository_without_and_with_a_wrong_token(
    repo: Repo, server: GitHttp, git_settings: GitSettings, address: RepositoryAddress
) -> None:
    server.token = TOKEN
    with pytest.raises(UpstreamNotFound, match="private"):
        GitProvider(git_settings).resolve(address)
    with pytest.raises(UpstreamAuth) as caught:
        GitProvider(replace(git_settings, credentials=lambda _: "ghp_wrongwrongwrong")).resolve(address)
    assert "ghp_" not in str(caught.value)


def test_the_token_reaches_the_server_and_nothing_else(
    repo: Repo, server: GitHttp, git_settings: GitSettings, address: RepositoryAddress
) -> None:
    repo.commit({"SKILL.md": b"x"})
    server.token = TOKEN
    seen: list[bytes] = []

    def look(handler: object) -> bool:
        seen.extend(_command_lines())
        return False

    server.fault = look
    provider = GitProvider(replace(git_settings, credentials=lambda _: TOKEN))
    head = provider.resolve(address)
    listing = provider.listing(address, head)
    assert provider.read(address, head, [listing.items[0].oid], max_bytes=10).found
    basic = server.requests[0].authorization.removeprefix("Basic ").encode()
    assert len(basic) > 40
    assert any(b"remote-http" in line for line in seen)
    assert not any(TOKEN.encode() in line or basic in line for line in seen)
    for file in git_settings.mirrors.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert TOKEN.encode() not in content
            assert basic not in content


def _command_lines() -> list[bytes]:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:
            continue
    return lines


def test_a_token_cannot_smuggle_in_a_header(git_settings: GitSettings, address: RepositoryAddress) -> None:
    provider = GitProvider(replace(git_settings, credentials=lambda _: "x\r\nHost: evil"))
    with pytest.raises(UpstreamAuth):
        provider.resolve(address)


@pytest.mark.parametrize("fault", [hang, drip])
@pytest.mark.parametrize("operation", ["resolve", "listing"])
def test_a_host_that_never_finishes_is_given_up(
    fault: Fault, operation: str, repo: Repo, server: GitHttp, git_settings: GitSettings, address: RepositoryAddress
) -> None:
    repo.commit({"SKILL.md": b"x"})
    head = GitProvider(git_settings).resolve(address)
    provider = GitProvider(replace(git_settings, timeout=1, fetch_timeout=1))
    server.fault = fault
    started = time.monotonic()
    with pytest.raises(UpstreamTimeout):
        provider.resolve(address) if operation == "resolve" else provider.listing(address, head)
    assert time.monotonic() - started < HANGS / 2
    assert wait_until(lambda: not commands_with(f":{server.port}"))


def test_cancelling_ends_a_fetch_and_the_next_one_works(
    repo: Repo, server: GitHttp, provider: GitProvider, address: RepositoryAddress
) -> None:
    repo.commit({"SKILL.md": b"x"})
    head = provider.resolve(address)
    server.fault = hang

    def cancel() -> None:
        raise KeyError("cancelled")

    with pytest.raises(KeyError, match="cancelled"):
        provider.listing(address, head, tick=cancel)
    assert wait_until(lambda: not commands_with(f":{server.port}"))
    server.fault = None
    assert [item.path for item in provider.listing(address, head).items] == ["SKILL.md"]


def test_a_pack_that_is_cut_off(
    repo: Repo, server: GitHttp, provider: GitProvider, address: RepositoryAddress
) -> None:
    repo.commit({f"{n}/SKILL.md": b"%d" % n for n in range(50)})
    head = provider.resolve(address)
    server.fault = cut_packs
    with pytest.raises((UpstreamInvalid, UpstreamUnreachable)):
        provider.listing(address, head)
    server.fault = None
    assert len(provider.listing(address, head).items) == 100


def test_nobody_listens(git_settings: GitSettings) -> None:
    policy = AccessPolicy(allowed_hosts=("http://127.0.0.1:1",))
    with pytest.raises(UpstreamUnreachable):
        GitProvider(replace(git_settings, policy=policy)).resolve(parse_url("http://127.0.0.1:1/a/b", policy))


def test_a_host_that_is_not_listed_is_never_asked(
    server: GitHttp, git_settings: GitSettings, address: RepositoryAddress
) -> None:
    provider = GitProvider(replace(git_settings, policy=AccessPolicy()))
    head = GitProvider(git_settings).resolve(replace(address, ref="1" * 40))
    for operation in (
        lambda: provider.resolve(address),
        lambda: provider.listing(address, head),
        lambda: provider.read(address, head, ["1" * 40], max_bytes=1),
    ):
        with pytest.raises(HostNotAllowed):
            operation()
    assert server.requests == []


_SSH = RepositoryAddress("ssh://git@host.example/a/b", "host.example", "a", "b")


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        (
            "git@host.example: Permission denied (publickey).\nfatal: Could not read from remote repository.",
            UpstreamAuth,
        ),
        ("ssh: Could not resolve hostname host.example: Name or service not known", UpstreamUnreachable),
        ("Host key verification failed.\r\nfatal: Could not read from remote repository.", UpstreamUnreachable),
        ("ERROR: Repository not found.\nfatal: Could not read from remote repository.", UpstreamNotFound),
        ("fatal: '/a/b' does not appear to be a git repository", UpstreamNotFound),
        ("fatal: unable to access 'https://x/': Could not resolve host: x", UpstreamUnreachable),
        (
            "fatal: unable to access 'https://x/': SSL certificate problem: self signed certificate",
            UpstreamUnreachable,
        ),
        ("error: RPC failed; curl 28 Operation too slow. Less than 1000 bytes/sec", UpstreamTimeout),
        ("fatal: write error: No space left on device\nfatal: index-pack failed", DiskFull),
        ("fatal: something nobody has ever seen in /srv/secret/path", UpstreamInvalid),
    ],
)
def test_words_of_git(stderr: str, kind: type[DomainError]) -> None:
    error = classify(stderr, _SSH, had_token=False)
    assert isinstance(error, kind)
    assert "/srv" not in error.detail


def test_a_server_cannot_pass_its_words_for_a_status() -> None:
    error = classify(
        "remote: 20:00:00.0 http.c:1  <= Recv header: HTTP/1.1 451 x\nfatal: early EOF", _SSH, had_token=False
    )
    assert not isinstance(error, UpstreamBlocked)


def test_hostile_refs_and_urls_run_nothing(
    tmp_path: Path, server: GitHttp, provider: GitProvider, policy: AccessPolicy
) -> None:
    owned = tmp_path / "owned"
    attempts: list[Callable[[], object]] = [
        lambda: provider.resolve(parse_url(f"{server.url}/acme/tools", policy, ref=f"--upload-pack=touch {owned}")),
        lambda: provider.resolve(parse_url(f"ext::sh -c touch% {owned}", policy)),
        lambda: provider.resolve(RepositoryAddress(f"ext::sh -c touch% {owned}", "", "", "")),
        lambda: provider.resolve(RepositoryAddress(f"--upload-pack=touch {owned}", "", "", "")),
    ]
    for attempt in attempts:
        with pytest.raises((DomainError, KeyError)):
            attempt()
    assert not owned.exists()
    assert server.requests == []


def test_the_name_of_a_local_repository_is_no_command(
    tmp_path: Path, provider: GitProvider, policy: AccessPolicy
) -> None:
    repo = make_repo(tmp_path / "srv" / "a; touch owned; $(touch owned) 'x' \"y\"")
    commit = repo.commit({"f": b"x"})
    assert provider.resolve(parse_url(str(repo.path), policy)).commit == commit
    assert not list(tmp_path.rglob("owned"))
