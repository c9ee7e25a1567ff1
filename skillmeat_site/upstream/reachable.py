"""Whether the hosts that may be read answer at all, and what their clocks show. Sends no token and reads no body."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import HTTPError

from skillmeat_site.core.errors import DomainError
from skillmeat_site.upstream.bounded import all_within
from skillmeat_site.upstream.errors import UpstreamUnreachable
from skillmeat_site.upstream.github_errors import Transient, no_answer
from skillmeat_site.upstream.policy import DEFAULT_PORTS, AccessPolicy, Resolver, check_network
from skillmeat_site.upstream.process import Deadline
from skillmeat_site.upstream.types import no_tick
from skillmeat_site.upstream.watch import Watch
from skillmeat_site.upstream.watched_http import WatchedSession

USER_AGENT = "skillmeat-django"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where somebody should answer. ``port`` None is the scheme's own."""

    scheme: str
    host: str
    port: int | None = None

    @property
    def label(self) -> str:
        """The spelling of SKILLMEAT_ALLOWED_HOSTS."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        name += "" if self.port is None else f":{self.port}"
        return f"http://{name}" if self.scheme == "http" else name

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.label.removeprefix('http://')}/"

    @property
    def speaks_http(self) -> bool:
        """False for ``host:port``: the list means https and ssh alike, and only a connection can be tried."""
        return self.scheme == "http" or self.port in (None, DEFAULT_PORTS["https"])


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of it. ``skew``: how far the host's clock is ahead of ours, None where it did not tell."""

    endpoint: Endpoint
    error: DomainError | None = None
    skew: timedelta | None = None


def endpoint_of(url: str) -> Endpoint:
    """Return the endpoint that an http or https URL lies on."""
    parts = urlsplit(url)
    port = None if parts.port == DEFAULT_PORTS[parts.scheme] else parts.port
    return Endpoint(parts.scheme, (parts.hostname or "").rstrip("."), port)


def endpoint_of_entry(entry: str) -> Endpoint:
    """Return the endpoint that an entry of the allowed hosts names."""
    text = entry.strip().lower()
    return endpoint_of(text if "://" in text else f"https://{text}")


def reach(
    endpoints: Sequence[Endpoint],
    policy: AccessPolicy,
    *,
    seconds: float,
    resolver: Resolver = socket.getaddrinfo,
) -> list[Reached]:
    """Try them all at once, each by a name look-up, a connection (TLS included) and, where it is HTTP, one HEAD.

    Whatever its status, an answer is an answer. An endpoint that the policy does not list is only connected to where
    its addresses are public. Raises nothing for a host that fails; returns after ``seconds`` at the latest.
    """
    outcomes = all_within(seconds, [_Attempt(endpoint, policy, seconds, resolver) for endpoint in endpoints])
    return [
        Reached(endpoint, error=outcome) if isinstance(outcome, DomainError) else Reached(endpoint, skew=outcome)
        for endpoint, outcome in zip(endpoints, outcomes, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Attempt:
    endpoint: Endpoint
    policy: AccessPolicy
    seconds: float
    resolver: Resolver

    def __call__(self) -> timedelta | None:
        """Return the host's skew. Raises UpstreamError."""
        end = self.endpoint
        check_endpoint(end, self.policy, self.resolver)
        if end.speaks_http:
            return self._by_http()
        try:
            socket.create_connection((end.host, end.port or 0), timeout=self.seconds).close()
        except (OSError, UnicodeError) as error:
            raise UpstreamUnreachable("no connection to the host") from error
        return None

    def _by_http(self) -> timedelta | None:
        watch = Watch(Deadline(self.seconds), no_tick, slowest=0, slow_seconds=self.seconds)
        try:
            with WatchedSession(watch) as session:
                headers = {"User-Agent": USER_AGENT}
                response = session.head(
                    self.endpoint.url, headers=headers, timeout=(self.seconds, self.seconds), stream=True
                )
                return clock_skew(response.headers)
        except (requests.RequestException, HTTPError) as error:
            failure = no_answer(error)
            raise (failure.error if isinstance(failure, Transient) else failure) from None


def check_endpoint(endpoint: Endpoint, policy: AccessPolicy, resolver: Resolver) -> None:
    """Raise HostNotAllowed or UpstreamUnreachable as ``check_network`` does.

    Behind a proxy nothing is looked up: the proxy resolves the name, and ours may not even be resolvable here.
    """
    if endpoint.speaks_http and select_proxy(endpoint.url, get_environ_proxies(endpoint.url)):
        return
    check_network(endpoint.host, endpoint.port, policy, scheme=endpoint.scheme, resolver=resolver)


def clock_skew(headers: Mapping[str, str]) -> timedelta | None:
    """Return how far a server's clock is ahead of ours by its Date header, None where that is missing or no date."""
    try:
        moment = parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware - datetime.now(UTC)
