"""Hosts that misbehave as hosts: git's own faults, and those that cannot be reached at all."""

from __future__ import annotations

import socket
import threading
from contextlib import closing

import pytest
from urllib3.util import connection as urllib3_connection

from marketplace.models import ScanRun, Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import UpstreamBudget
from skillmeat_site.upstream.errors import UpstreamRateLimited
from tests.conftest import skills
from tests.fakes.answering import answering, closed_port
from tests.fakes.git_http import cut_packs, drop, hang, status
from tests.marketplace.answers import BASE, ok
from tests.marketplace.faults.conftest import asked, pass_time
from tests.marketplace.scanning import counters, dump, scan
from tests.marketplace.sweeping import many_sources, outcomes, sweep_all

pytestmark = pytest.mark.django_db


# ---- git, beside the API

MANY = skills(*(f"s{n}" for n in range(6)))
"""More manifests than are read one by one: git is asked for them."""


def on_git(fault):
    """Only what is asked of git goes wrong."""

    def only(handler):
        return handler._kind() == "git" and fault(handler)

    return only


def error_packet(handler):
    """A packet that says ERR, as a server does that will not serve."""
    body = b"0012ERR not today\n"
    handler.send_plainly(200, body, {"Content-Type": "application/x-git-upload-pack-result"})
    return True


def cut(handler):
    return cut_packs(handler)


@pytest.mark.fault(43)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(status(503), id="503"),
        pytest.param(status(500, "<html>"), id="500"),
        pytest.param(drop, id="hung up"),
        pytest.param(cut, id="pack cut"),
        pytest.param(error_packet, id="ERR"),
        pytest.param(hang, id="hang"),
    ],
)
def test_where_git_fails_the_api_takes_over(upstream, source, tools, settings, fault):
    tools.commit(MANY)
    settings.SKILLMEAT_UPSTREAM_FETCH_TIMEOUT = 3
    upstream.always("", on_git(fault))
    assert scan(source).counters.new == 8
    assert len(asked(upstream, "/legacy.tar.gz/")) == 1
    assert 1 <= len(upstream.paths("git")) <= 4
    assert not list(settings.SKILLMEAT_MIRRORS.rglob("tmp_pack*")), "what was begun is removed"


@pytest.mark.fault(43)
def test_a_limit_of_gits_is_waited_for_and_not_evaded(upstream, source, tools):
    tools.commit(MANY)
    upstream.always("git-upload-pack", on_git(status(429, "slow down", Retry_After="600")))
    with pytest.raises(UpstreamRateLimited):
        scan(source)
    assert not asked(upstream, "/tarball/")
    upstream.requests.clear()
    with pytest.raises(UpstreamRateLimited, match="git"):
        scan(source)
    assert upstream.paths("git") == []
    upstream.behave()
    pass_time()
    assert scan(source).counters.new == 8


@pytest.mark.fault(43)
@pytest.mark.parametrize("weaker", ["no filter", "version 0"])
def test_weaker_git_servers_do(upstream, source, tools, weaker):
    tools.commit(MANY)
    if weaker == "no filter":
        upstream.git.config.pop("uploadpack.allowFilter")
    else:
        upstream.git.protocol = False
    Source.objects.update(provider="git")
    assert scan(source).counters.new == 8
    assert {request.kind for request in upstream.requests} == {"git"}
    assert len(upstream.requests) <= 6


# ---- nobody there


class Doors:
    """A port that takes connections, counts them and slams the door: no TLS there."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.knocks = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                visitor, _ = self.server.accept()
            except OSError:
                return
            self.knocks += 1
            with closing(visitor):
                visitor.recv(100)
                visitor.sendall(b"HTTP/1.0 400 no TLS here\r\n\r\n")


@pytest.fixture
def counted(monkeypatch):
    """How many connections were tried, where nobody is there to count."""
    tried = []
    original = urllib3_connection.create_connection

    def create(address, *args, **more):
        tried.append(address)
        return original(address, *args, **more)

    monkeypatch.setattr(urllib3_connection, "create_connection", create)
    return tried


def point_to(settings, base):
    settings.SKILLMEAT_GITHUB_API_URL, settings.SKILLMEAT_GITHUB_GRAPHQL_URL = f"{base}/api/v3", f"{base}/api/graphql"


def kept_away(api, knocks, *, most):
    """Two sweeps of eight sources within the interval; then one after it. All fail, nothing is lost."""
    before = dump()
    assert outcomes(sweep_all()) == {"failed": 8}
    first = knocks()
    assert 1 <= first <= most
    assert set(Source.objects.values_list("last_error_code", flat=True)) == {"upstream_unreachable"}
    assert outcomes(sweep_all()) == {"failed": 8}
    assert knocks() == first, "nobody knocks within the interval"
    pass_time()
    assert outcomes(sweep_all()) == {"failed": 8}
    assert first < knocks() <= 2 * first
    assert dump() == before
    assert ok(api.get(f"{BASE}/entries"))["results"], "the catalog stays readable"
    assert {row["resource"] for row in api.get("/api/v1/rate-limit").json()["results"] if row["offline_until"]}


@pytest.fixture
def eight(upstream, tools, settings):
    sources = many_sources(upstream, 8)
    settings.SKILLMEAT_GITHUB_TIERS = ["graphql", "rest"]
    return sources


@pytest.mark.fault(44)
def test_a_connection_that_is_refused(api, eight, settings, counted):
    point_to(settings, f"http://127.0.0.1:{closed_port()}")
    kept_away(api, lambda: len(counted), most=2)  # GraphQL and REST, once each


@pytest.mark.fault(44)
def test_a_name_that_does_not_resolve(api, eight, settings, counted):
    point_to(settings, "http://nowhere.invalid")
    kept_away(api, lambda: len(counted), most=2)


@pytest.mark.fault(44)
def test_no_tls_there(api, eight, settings):
    doors = Doors()
    with closing(doors.server):
        point_to(settings, f"https://127.0.0.1:{doors.port}")
        kept_away(api, lambda: doors.knocks, most=2)


@pytest.mark.fault(44)
def test_a_proxy_that_asks_for_credentials(api, eight, settings, monkeypatch):
    with answering(status=407, body=b"no") as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        point_to(settings, "http://api.example.org")
        kept_away(api, lambda: len(proxy.requests), most=2)


@pytest.mark.fault(44)
def test_git_by_itself(api, eight, settings, upstream):
    settings.SKILLMEAT_GITHUB_TIERS = ["git"]
    upstream.unplug()
    doors = Doors()
    with closing(doors.server):
        Source.objects.all().delete()
        settings.SKILLMEAT_ALLOWED_HOSTS = [f"127.0.0.1:{doors.port}"]
        for number in range(8):
            create_source(url=f"https://127.0.0.1:{doors.port}/acme/r{number}", actor=COMMAND_LINE)
        assert outcomes(sweep_all()) == {"failed": 8}
        first = doors.knocks
        assert 1 <= first <= 2
        assert outcomes(sweep_all()) == {"failed": 8}
        assert doors.knocks == first
        # Who asks for one source may try at any time.
        with pytest.raises(Exception, match="connection"):
            scan(Source.objects.first())
        assert doors.knocks > first


@pytest.mark.fault(44)
def test_somebody_who_asks_tries_at_once_and_lets_sweeps_go_on(upstream, eight):
    upstream.unplug()
    assert outcomes(sweep_all()) == {"failed": 8}
    upstream.plug_in()
    upstream.requests.clear()
    assert outcomes(sweep_all()) == {"failed": 8}
    assert upstream.requests == []
    assert scan(eight[0]).short_circuit == "commit"
    assert UpstreamBudget.objects.get(resource="core").offline_until is None
    assert ScanRun.objects.filter(code="upstream_unreachable").count() == 16


@pytest.mark.fault(44)
def test_the_api_away_and_git_there_a_current_source_is_current(upstream, source, settings, tools):
    """What git can tell as well it is asked for: that nothing has changed. Who a repository is, it cannot tell."""
    scan(source)
    point_to(settings, f"http://127.0.0.1:{closed_port()}")
    upstream.requests.clear()
    assert scan(source).short_circuit == "commit"
    assert {request.kind for request in upstream.requests} == {"git"}
    tools.commit(skills("gamma"))
    with pytest.raises(Exception, match="no connection"):
        scan(source)
    pass_time()
    point_to(settings, upstream.url)
    settings.SKILLMEAT_GITHUB_API_URL = upstream.api_url
    assert counters(scan(source)) == {"new": 1, "unchanged": 2}
