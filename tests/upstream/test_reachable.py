"""Do hosts answer: real sockets on loopback, hosts that hang, names that do not resolve, clocks that are wrong."""

from __future__ import annotations

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from skillmeat_site.core.errors import DomainError
from skillmeat_site.upstream.bounded import all_within
from skillmeat_site.upstream.errors import (
    HostNotAllowed,
    UpstreamAuth,
    UpstreamInvalid,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.github_token import probe_token, read_expiry
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.reachable import Endpoint, clock_skew, endpoint_of, endpoint_of_entry, reach
from tests.fakes.answering import answering, closed_port, silent

TOKEN = "ghp_secret_of_this_test"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


def reach_one(endpoint, policy=None, *, seconds=5.0, **options):
    policy = policy or AccessPolicy(allowed_hosts=(endpoint.label,))
    [reached] = reach([endpoint], policy, seconds=seconds, **options)
    return reached


@pytest.mark.parametrize(
    ("entry", "endpoint", "speaks_http"),
    [
        ("github.com", Endpoint("https", "github.com"), True),
        (" GitHub.com:443 ", Endpoint("https", "github.com"), True),
        ("git.example.org:2222", Endpoint("https", "git.example.org", 2222), False),
        ("http://git.example.org", Endpoint("http", "git.example.org"), True),
        ("http://[::1]:8080", Endpoint("http", "::1", 8080), True),
    ],
)
def test_entries_of_the_list(entry, endpoint, speaks_http):
    assert endpoint_of_entry(entry) == endpoint
    assert endpoint.speaks_http is speaks_http
    assert endpoint_of_entry(endpoint.label) == endpoint


def test_the_endpoint_of_a_url():
    assert endpoint_of("https://ghe.example.org/api/v3") == Endpoint("https", "ghe.example.org")


@pytest.mark.parametrize("status", [200, 301, 404, 500])
def test_any_answer_is_an_answer(status):
    with answering(status=status, headers={"Location": "http://127.0.0.1:1/"}) as server:
        reached = reach_one(endpoint_of_entry(server.entry))
    assert reached.error is None
    assert abs(reached.skew) < timedelta(seconds=5)
    [(method, path, headers)] = server.requests
    assert (method, path) == ("HEAD", "/")
    assert "authorization" not in headers


def test_a_host_whose_clock_is_ahead():
    ahead = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    with answering(date=ahead) as server:
        reached = reach_one(endpoint_of_entry(server.entry))
    assert timedelta(minutes=59) < reached.skew <= timedelta(hours=1)


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_host_that_does_not_tell_the_time(date):
    with answering(date=date) as server:
        reached = reach_one(endpoint_of_entry(server.entry))
    assert (reached.error, reached.skew) == (None, None)


def test_a_date_without_a_zone_is_utc():
    assert abs(clock_skew({"date": datetime.now(UTC).strftime("%d %b %Y %H:%M:%S -0000")})) < timedelta(seconds=5)


def test_nobody_there():
    for endpoint in (Endpoint("http", "127.0.0.1", closed_port()), Endpoint("https", "127.0.0.1", closed_port())):
        assert isinstance(reach_one(endpoint).error, UpstreamUnreachable)


def test_no_tls_where_it_should_be(monkeypatch):
    with answering() as server:
        monkeypatch.setattr("skillmeat_site.upstream.reachable.DEFAULT_PORTS", {"https": server.port, "http": 80})
        reached = reach_one(Endpoint("https", "127.0.0.1", server.port))
    assert isinstance(reached.error, UpstreamUnreachable)
    assert reached.error.detail.startswith("no secure connection to the host")


def test_a_port_that_may_be_ssh_only_has_to_take_a_connection():
    with silent() as port:
        assert reach_one(Endpoint("https", "127.0.0.1", port)).error is None


def test_hosts_that_hang_share_one_deadline():
    with silent() as port, answering() as server:
        hanging = Endpoint("http", "127.0.0.1", port)
        endpoints = [hanging, endpoint_of_entry(server.entry), hanging, hanging]
        policy = AccessPolicy(allowed_hosts=(hanging.label, server.entry))
        began = time.monotonic()
        reached = reach(endpoints, policy, seconds=4.0)
        took = time.monotonic() - began
    assert [type(one.error) for one in reached] == [UpstreamTimeout, type(None), UpstreamTimeout, UpstreamTimeout]
    assert took < 8  # and not twelve
    assert [one.endpoint for one in reached] == endpoints


def test_a_name_server_that_hangs():
    release = threading.Event()

    def resolver(*args, **kwargs):
        release.wait(60)
        return []

    began = time.monotonic()
    reached = reach_one(Endpoint("https", "slow.example"), AccessPolicy(), seconds=0.5, resolver=resolver)
    release.set()
    assert isinstance(reached.error, UpstreamTimeout)
    assert time.monotonic() - began < 30


def test_a_private_address_is_only_connected_to_where_it_is_listed():
    def resolver(host, port, **kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    with answering() as server:
        endpoint = Endpoint("http", "api.example.org", server.port)
        reached = reach_one(endpoint, AccessPolicy(), resolver=resolver)
    assert isinstance(reached.error, HostNotAllowed)
    assert server.requests == []


def test_a_bug_is_no_finding():
    def broken():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        all_within(1, [broken])


def test_results_keep_their_order():
    def later(value, seconds):
        time.sleep(seconds)
        return value

    assert all_within(5, [lambda: later("a", 0.2), lambda: later("b", 0)]) == ["a", "b"]


def probe(server, token=TOKEN, **options):
    policy = AccessPolicy(allowed_hosts=(server.entry,))
    return probe_token(GitHubSettings(api_url=f"{server.entry}/api/v3", policy=policy, attempts=1, **options), token)


QUOTA = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4990", "X-RateLimit-Reset": "1900000000"}


def test_a_good_token():
    expiry = {"GitHub-Authentication-Token-Expiration": "2030-11-08 10:47:19 UTC"}
    with answering(headers=QUOTA | expiry) as server:
        told = probe(server)
    assert (told.quota.remaining, told.quota.limit) == (4990, 5000)
    assert told.expires == datetime(2030, 11, 8, 10, 47, 19, tzinfo=UTC)
    [(method, path, headers)] = server.requests
    assert (method, path, headers["authorization"]) == ("GET", "/api/v3/rate_limit", f"Bearer {TOKEN}")


def test_an_enterprise_server_without_limits():
    with answering(status=404, body=b'{"message": "Rate limiting is not enabled."}') as server:
        told = probe(server)
    assert (told.quota.remaining, told.expires) == (None, None)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"status": 401}, UpstreamAuth),
        ({"status": 404, "body": b"<html>"}, UpstreamInvalid),
        ({"status": 403, "headers": QUOTA | {"X-RateLimit-Remaining": "0"}}, UpstreamRateLimited),
        ({"status": 502}, UpstreamUnreachable),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, UpstreamInvalid),
    ],
)
def test_a_token_that_is_not_taken(told, kind):
    with answering(**told) as server, pytest.raises(kind) as raised:
        probe(server)
    assert TOKEN not in str(raised.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("token", ["two words", "new\nline", "naïve"])
def test_what_cannot_be_a_token_is_not_sent(token):
    with answering() as server, pytest.raises(UpstreamAuth):
        probe(server, token)
    assert server.requests == []


def test_an_api_that_hangs():
    with silent() as port:
        url = f"http://127.0.0.1:{port}"
        settings = GitHubSettings(api_url=url, policy=AccessPolicy(allowed_hosts=(url,)), timeout=0.5)
        began = time.monotonic()
        with pytest.raises(DomainError) as raised:
            probe_token(settings, TOKEN)
    assert isinstance(raised.value, UpstreamTimeout)
    assert time.monotonic() - began < 30


def test_no_token_goes_to_a_private_address_that_is_not_listed():
    with answering() as server, pytest.raises(HostNotAllowed):
        probe_token(GitHubSettings(api_url=server.entry, policy=AccessPolicy()), TOKEN)
    assert server.requests == []


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2030-01-02 03:04:05 UTC", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2030-01-02 03:04:05 +0200", datetime(2030, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("soon", None),
        ("", None),
    ],
)
def test_expiry(text, day):
    assert read_expiry({"github-authentication-token-expiration": text}) == day


def test_a_proxy_does_the_looking_up(monkeypatch):
    def resolver(*args, **kwargs):
        pytest.fail("looked up although a proxy does that")

    with answering(status=204) as proxy:
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        reached = reach_one(Endpoint("http", "api.example.org"), AccessPolicy(), resolver=resolver)
    assert reached.error is None
    assert proxy.requests[0][1] == "http://api.example.org/"
