"""Whatever GitHub's API does, the error has its own kind, the requests are counted, and nothing hangs."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from skillmeat_site.core.errors import DomainError, LimitExceeded
from skillmeat_site.upstream.errors import (
    UpstreamAuth,
    UpstreamBlocked,
    UpstreamInvalid,
    UpstreamNotFound,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from skillmeat_site.upstream.github import GitHubProvider
from skillmeat_site.upstream.github_errors import UpstreamForbidden
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.types import CommitOid, Head, RepositoryAddress
from tests.fakes import github_faults as faults
from tests.fakes.git_http import HANGS, Fault, status
from tests.fakes.github import GitHub
from tests.upstream.conftest import Repo

TOKEN = "ghp_secretsecretsecretsecretsecret0123"
FILES = {f"skills/s{n}/SKILL.md": b"content %d\n" % n for n in range(4)}


COMMITS = "/git/commits/"
"""Asked only where the tree was cut off, or its own id is not told."""


@pytest.fixture
def commit(repo: Repo) -> str:
    return repo.commit(FILES)


@pytest.fixture
def provider(github_settings: GitHubSettings) -> GitHubProvider:
    return GitHubProvider(replace(github_settings, credentials=lambda _: TOKEN))


def refusal(code: int, message: str, body: dict[str, Any] | None = None, **headers: str) -> Fault:
    return status(code, json.dumps({"message": message, **(body or {})}), **headers)


BLOCK = {"block": {"reason": "dmca", "created_at": "2023-01-01T00:00:00Z", "html_url": "https://x"}}


@pytest.mark.parametrize(
    ("fault", "kind", "requests"),
    [
        (refusal(401, "Bad credentials"), UpstreamAuth, 1),
        (refusal(403, "Resource not accessible by personal access token"), UpstreamForbidden, 1),
        (
            refusal(403, "Resource not accessible by integration", X_RateLimit_Remaining="0"),
            UpstreamForbidden,
            1,
        ),
        (refusal(403, "Resource protected by organization SAML", X_GitHub_SSO="required"), UpstreamForbidden, 1),
        (refusal(403, "Something else", X_RateLimit_Remaining="17"), UpstreamForbidden, 1),
        (refusal(403, "API rate limit exceeded for user", X_RateLimit_Remaining="0"), UpstreamRateLimited, 1),
        (refusal(403, "You have exceeded a secondary rate limit", X_RateLimit_Remaining="9"), UpstreamRateLimited, 1),
        (refusal(403, "Slow down", Retry_After="9"), UpstreamRateLimited, 1),
        (refusal(429, "Too many", Retry_After="7"), UpstreamRateLimited, 1),
        (refusal(403, "Repository access blocked", BLOCK), UpstreamBlocked, 1),
        (refusal(451, "Repository access blocked", BLOCK), UpstreamBlocked, 1),
        (refusal(404, "Not Found"), UpstreamNotFound, 2),
        (refusal(409, "Conflict of another kind"), UpstreamInvalid, 1),
        (refusal(400, "The API version is not supported"), UpstreamInvalid, 1),
        (status(407), UpstreamUnreachable, 1),
        (status(418), UpstreamInvalid, 1),
        (status(500, "<html>"), UpstreamInvalid, 3),
        (status(502, "<html>"), UpstreamUnreachable, 3),
        (status(503, "<html>"), UpstreamUnreachable, 3),
        (status(504, ""), UpstreamUnreachable, 3),
        (status(304, ""), UpstreamInvalid, 2),
        (status(200, "<html>hello"), UpstreamInvalid, 2),
        (status(200, ""), UpstreamInvalid, 2),
        (status(200, "x", Content_Encoding="br"), UpstreamInvalid, 3),
        (faults.reset, UpstreamUnreachable, 3),
        (faults.drop, UpstreamUnreachable, 3),
        (faults.cut_body, UpstreamInvalid, 3),
        (faults.cut_chunk, UpstreamInvalid, 3),
        (faults.cut_gzip, UpstreamInvalid, 3),
    ],
)
def test_each_fault_has_its_kind_and_its_number_of_requests(
    fault: Fault,
    kind: type[DomainError],
    requests: int,
    commit: str,
    github: GitHub,
    provider: GitHubProvider,
    github_address: RepositoryAddress,
) -> None:
    github.always("", fault)
    with pytest.raises(DomainError) as caught:
        provider.resolve(github_address)
    assert (type(caught.value), len(github.requests)) == (kind, requests)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "fault",
    [
        status(502, "<html>"),
        faults.reset,
        faults.drop,
        faults.cut_body,
        faults.cut_chunk,
        faults.cut_gzip,
        faults.mangled(lambda body: body[:-3]),
        faults.mangled(lambda body: b"[]"),
    ],
)
@pytest.mark.parametrize("path", ["/commits/HEAD", COMMITS, "/git/trees/"])
def test_what_passes_is_not_noticed(
    path: str, fault: Fault, commit: str, github: GitHub, provider: GitHubProvider, github_address: RepositoryAddress
) -> None:
    github.on(path, fault)
    github.truncate_at = 8 if path == COMMITS else 9
    listing = provider.listing(github_address, provider.resolve(github_address))
    assert (listing.commit, len(listing.items), listing.complete) == (commit, 9, True)
    assert len([seen for seen in github.paths() if path in seen]) == 2
    assert path == COMMITS or len(github.requests) == 3


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (COMMITS, lambda body: body.replace(b'"tree"', b'"tee"')),
        (COMMITS, lambda body: body[:-1]),
        ("/git/trees/", lambda body: body.replace(b'"truncated"', b'"x"')),
        ("/git/trees/", lambda body: body.replace(b'"sha": "', b'"sha": "0', 1)),
        ("/git/trees/", lambda body: b"{}"),
        (COMMITS, lambda body: b"[" * 100_000),
    ],
)
def test_another_shape_is_asked_for_once_more(
    path: str,
    change: Callable[[bytes], bytes],
    commit: str,
    github: GitHub,
    provider: GitHubProvider,
    github_address: RepositoryAddress,
) -> None:
    github.always(path, faults.mangled(change))
    github.truncate_at = 8 if path == COMMITS else 9
    with pytest.raises(UpstreamInvalid):
        provider.listing(github_address, Head(CommitOid(commit)))
    assert len([seen for seen in github.paths() if path in seen]) == 2


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        *(("/commits/HEAD", fault) for fault in (faults.hang, faults.trickle)),
        *(("/git/trees/", fault) for fault in (faults.hang, faults.trickle)),
        ("/tarball/", faults.hang),
        *(("/legacy.tar.gz/", fault) for fault in (faults.hang, faults.trickle)),
    ],
)
def test_a_host_that_never_finishes_is_given_up_and_ticks_meanwhile(
    path: str,
    fault: Fault,
    commit: str,
    github: GitHub,
    github_settings: GitHubSettings,
    github_address: RepositoryAddress,
) -> None:
    patient = GitHubProvider(github_settings)
    head = patient.resolve(github_address)
    oids = [item.oid for item in patient.listing(github_address, head).items if item.mode == "100644"]
    hasty = GitHubProvider(replace(github_settings, timeout=1.4, fetch_timeout=1.4))
    github.always(path, fault)
    ticks: list[float] = []
    operations: dict[str, Callable[[], object]] = {
        "/commits/HEAD": lambda: hasty.resolve(github_address, tick=lambda: ticks.append(1)),
        "/git/trees/": lambda: hasty.listing(github_address, head, tick=lambda: ticks.append(1)),
    }
    started = time.monotonic()
    with pytest.raises(UpstreamTimeout):
        operations.get(
            path,
            lambda: hasty.read(github_address, head, oids, max_bytes=99, tick=lambda: ticks.append(1)),
        )()
    assert time.monotonic() - started < HANGS / 2
    assert ticks


@pytest.mark.fault(27)
def test_a_trickle_is_given_up_long_before_the_deadline(
    commit: str, github: GitHub, github_settings: GitHubSettings, github_address: RepositoryAddress
) -> None:
    provider = GitHubProvider(replace(github_settings, slowest=1000, slow_seconds=1, timeout=600))
    github.always("/commits/", faults.trickle)
    started = time.monotonic()
    with pytest.raises(UpstreamTimeout, match="slowly"):
        provider.resolve(github_address)
    assert time.monotonic() - started < HANGS / 2
    assert len(github.requests) == 1


@pytest.mark.parametrize("error", [KeyError("cancelled"), OSError("cancelled"), TimeoutError("cancelled")])
@pytest.mark.parametrize("fault", [faults.hang, faults.trickle])
def test_what_the_tick_raises_comes_out(
    fault: Fault,
    error: Exception,
    commit: str,
    github: GitHub,
    provider: GitHubProvider,
    github_address: RepositoryAddress,
) -> None:
    def cancel() -> None:
        raise error

    github.always("/commits/", fault)
    with pytest.raises(type(error), match="cancelled"):
        provider.resolve(github_address, tick=cancel)
    assert len(github.requests) == 1


@pytest.mark.parametrize("fault", [faults.endless, faults.gzip_bomb])
@pytest.mark.parametrize("path", ["/commits/", COMMITS, "/git/trees/"])
def test_a_huge_answer_is_cut_off(
    path: str,
    fault: Fault,
    commit: str,
    github: GitHub,
    github_settings: GitHubSettings,
    github_address: RepositoryAddress,
) -> None:
    provider = GitHubProvider(replace(github_settings, max_tree_bytes=1_000_000))
    github.always(path, fault)
    github.truncate_at = 8 if path == COMMITS else 9
    with pytest.raises(LimitExceeded):
        provider.listing(github_address, provider.resolve(github_address))


def test_a_huge_body_of_an_error_or_a_redirect_is_not_read(
    commit: str,
    github: GitHub,
    github_settings: GitHubSettings,
    github_address: RepositoryAddress,
) -> None:
    provider = GitHubProvider(github_settings)
    for code in (404, 301):

        def endless(handler: Any, code: int = code) -> bool:
            handler.mangle = lambda h, _, body, headers: faults._endless(h, code, body, headers)
            return False

        github.behave()
        github.always("", endless)
        started = time.monotonic()
        with pytest.raises((UpstreamNotFound, UpstreamInvalid)):
            provider.resolve(github_address)
        assert time.monotonic() - started < github_settings.timeout / 2
