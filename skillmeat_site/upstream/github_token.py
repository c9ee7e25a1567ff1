"""Whether GitHub takes a token, and what it says of it. One request, which costs nothing of the quota."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from skillmeat_site.core.errors import DomainError
from skillmeat_site.upstream.bounded import all_within
from skillmeat_site.upstream.errors import UpstreamInvalid
from skillmeat_site.upstream.github_errors import Answer, meaning
from skillmeat_site.upstream.github_http import MAX_JSON_BYTES, GitHubSession
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.policy import Resolver
from skillmeat_site.upstream.quota import Quota, read_quota
from skillmeat_site.upstream.reachable import check_endpoint, endpoint_of


@dataclass(frozen=True, slots=True)
class TokenProbe:
    """A token that was accepted. ``expires`` None: GitHub names no day, as for a token without one."""

    quota: Quota
    expires: datetime | None = None


def probe_token(settings: GitHubSettings, token: str, *, resolver: Resolver = socket.getaddrinfo) -> TokenProbe:
    """Ask the API for the token's quota, once and within ``settings.timeout`` seconds altogether.

    The token is only sent to a host that the policy lists or whose addresses are public. Raises UpstreamAuth where it
    is refused, UpstreamError by kind where it could not be asked.
    """

    def ask() -> TokenProbe:
        check_endpoint(endpoint_of(settings.api_url), settings.policy, resolver)
        answer = _answer(settings, token)
        # An Enterprise server without limits has no such path, and says so only to those it knows.
        unlimited = answer.status == 404 and answer.says("rate limiting")
        if answer.status == 404 and not unlimited:
            raise UpstreamInvalid("what answers at the API's address is not GitHub's API")
        if answer.status != 200 and not unlimited:
            raise meaning(answer, had_token=True)
        return TokenProbe(read_quota(answer.headers), read_expiry(answer.headers))

    [outcome] = all_within(settings.timeout, [ask])
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def _answer(settings: GitHubSettings, token: str) -> Answer:
    patient = replace(settings, slowest=0, slow_seconds=settings.timeout)
    with GitHubSession(patient, token, seconds=settings.timeout) as session:

        def once() -> Answer:
            with session.open(f"{session.api_url}/rate_limit") as response:
                return session.answer_of(response, MAX_JSON_BYTES)

        return session.attempt(once)


def read_expiry(headers: Mapping[str, str]) -> datetime | None:
    """Read the day on which the token ends: ``2026-11-08 10:47:19 UTC``, or with an offset instead of the word."""
    text = headers.get("github-authentication-token-expiration", "").replace("UTC", "+0000")
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
