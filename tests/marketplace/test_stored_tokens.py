"""Stored tokens on the wire: who gets which, what a refusal stops, and that nothing else carries them."""

from __future__ import annotations

import base64
import logging
from urllib.parse import urlsplit

import pytest

from marketplace import doctor
from marketplace.models import ScanRun
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.doctor import Health
from skillmeat_site.core.models import AuditEvent, Job, RefusedToken, UpstreamToken
from skillmeat_site.core.upstream_tokens import change_token, store_token
from skillmeat_site.core.upstreams import host_of
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import UpstreamAuth, UpstreamRateLimited
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.process import _Running
from tests.conftest import skills
from tests.fakes.github_faults import status
from tests.marketplace.answers import BASE, ok, refused
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db
VALUE = "a-value-that-no-pattern-knows-0123456789"


@pytest.fixture
def source(hub, on_github):
    on_github(skills("a"))
    return create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE)


@pytest.fixture
def stored(hub):
    return store_token(name="acme", host=hub.url, owner="acme", value=VALUE, actor=COMMAND_LINE)


def sent(hub):
    return {request.headers.get("authorization", "") for request in hub.requests}


def test_it_goes_to_the_repositories_of_its_owner(hub, on_github, source, stored):
    scan(source)
    basic = base64.b64encode(f"x-access-token:{VALUE}".encode()).decode()
    api = [request for request in hub.requests if request.kind == "api"]
    assert {request.headers["authorization"] for request in api} == {f"Bearer {VALUE}"}
    assert sent(hub) <= {f"Bearer {VALUE}", f"Basic {basic}", ""}
    assert all(
        request.headers.get("authorization", "") == "" for request in hub.requests if request.kind == "codeload"
    )
    hub.requests.clear()
    on_github(skills("b"), "other/tools")
    scan(create_source(url=f"{hub.url}/other/tools", actor=COMMAND_LINE))
    assert sent(hub) == {""}


@pytest.mark.parametrize("tiers", [["rest", "git"], ["git"], ["rest"]], ids=str)
def test_it_is_in_no_argument_url_log_error_or_row(hub, source, stored, settings, caplog, monkeypatch, tiers, api):
    settings.SKILLMEAT_GITHUB_TIERS = tiers
    caplog.set_level(logging.DEBUG)
    commands = []
    original = _Running.__init__

    def seen(self, args, *more, **options):
        commands.append(args)
        original(self, args, *more, **options)

    monkeypatch.setattr(_Running, "__init__", seen)
    scan(source)
    hub.always("", status(401, f'{{"message": "Bad credentials {VALUE}"}}'))
    body = refused(
        api.post(f"{BASE}/sources/{source.pk}/rescan", {"force": True}, format="json"), 500, "upstream_auth"
    )
    basic = base64.b64encode(f"x-access-token:{VALUE}".encode()).decode()
    rows = [list(model.objects.values()) for model in (ScanRun, Job, AuditEvent, UpstreamToken)]
    told = str([commands, hub.paths(), caplog.text, body, rows, ok(api.get(f"{BASE}/sources/{source.pk}"))])
    assert VALUE not in told
    assert basic not in told


@pytest.mark.parametrize("tiers", [["rest", "git"], ["git"], ["rest"]], ids=str)
@pytest.mark.fault(18)
def test_f18_once_refused_nothing_is_asked_until_it_changes(hub, source, stored, settings, tiers):
    settings.SKILLMEAT_GITHUB_TIERS = tiers
    settings.GITHUB_TOKEN = "environment"  # not a substitute: it may read less, or more
    hub.always("", status(401, '{"message": "Bad credentials"}'))
    with pytest.raises(UpstreamAuth):
        scan(source)
    assert len(hub.requests) == 1
    stored.refresh_from_db()
    assert stored.disabled_at is not None
    hub.behave()
    with pytest.raises(UpstreamAuth, match="disabled"):
        scan(source)
    assert len(hub.requests) == 1
    source.refresh_from_db()
    assert source.last_error_code == "upstream_auth"
    [finding] = doctor.stored_tokens()
    assert (finding.name, finding.status) == ("token acme", Health.ERROR)
    assert VALUE not in str(finding)
    change_token(stored, actor=COMMAND_LINE, changes={"value": "fresh"})
    assert scan(source).counters.new == 1


def test_f18_the_environments_token(hub, source, settings, api):
    settings.GITHUB_TOKEN = "ghp_bad"
    hub.tokens = {"ghp_good": 5000}
    for _ in range(3):
        refused(api.post(f"{BASE}/sources/{source.pk}/refresh-auto-tags", {}, format="json"), 500, "upstream_auth")
    assert len(hub.requests) == 1
    assert RefusedToken.objects.get().name == "GITHUB_TOKEN"
    assert doctor.token().detail == "not tried: it was refused before"
    settings.GITHUB_TOKEN = "ghp_good"
    ok(api.post(f"{BASE}/sources/{source.pk}/refresh-auto-tags", {}, format="json"))
    assert [finding.status for finding in doctor.stored_tokens()] == [Health.OK]


def test_f4_a_missing_permission_disables_no_token(hub, source, stored):
    hub.always("", status(403, '{"message": "Resource not accessible by personal access token"}'))
    with pytest.raises(Exception, match="may not read"):
        scan(source)
    stored.refresh_from_db()
    assert stored.disabled_at is None


# ---- another host than GitHub


@pytest.fixture
def elsewhere(hub, on_github, settings):
    """Two owners at another host, each with a token of their own."""
    settings.SKILLMEAT_GITHUB_URL = "https://github.com"
    for owner in ("acme", "other"):
        on_github(skills("a"), f"{owner}/tools")
        value = f"{VALUE}-of-{owner}"
        store_token(name=f"{owner}'s", host=hub.url, owner=owner, value=value, actor=COMMAND_LINE)
    return [create_source(url=f"{hub.url}/{owner}/tools", actor=COMMAND_LINE) for owner in ("acme", "other")]


def test_a_401_of_another_host_is_its_sources_failure_and_no_proof_against_the_token(hub, elsewhere):
    acmes, _others = elsewhere
    hub.always("acme", status(401, "not for you"))
    for _ in range(2):
        with pytest.raises(UpstreamAuth, match="refused the token"):
            scan(acmes)
    assert len(hub.requests) == 2
    assert not UpstreamToken.objects.exclude(disabled_at=None).exists()
    hub.behave()
    assert scan(acmes).counters.new == 1


def test_what_another_host_refuses_is_kept_by_host_port_and_token(hub, elsewhere, api):
    acmes, others = elsewhere
    hub.always("acme", status(429, "slow down", Retry_After="900"))
    with pytest.raises(UpstreamRateLimited):
        scan(acmes)
    [row] = api.get("/api/v1/rate-limit").json()["results"]
    assert (row["host"], row["token"], row["resource"]) == (urlsplit(hub.url).netloc, "acme's", "git")
    hub.requests.clear()
    with pytest.raises(UpstreamRateLimited):
        scan(acmes, background=True)
    assert hub.requests == []
    assert scan(others, background=True).counters.new == 1


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://git.corp.example/a/b", "git.corp.example"),
        ("https://git.corp.example:8443/a/b", "git.corp.example:8443"),
        ("http://10.0.0.1:3000/a/b", "10.0.0.1:3000"),
        ("ssh://me@git.corp.example:2222/a/b", "git.corp.example:2222"),
        ("git@git.corp.example:a/b", "git.corp.example"),
    ],
)
def test_hosts_of_ledgers(url, host):
    assert host_of(parse_url(url, AccessPolicy(("git.corp.example", "http://10.0.0.1:3000")))) == host
