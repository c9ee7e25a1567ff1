"""Stored tokens on the wire: who gets which, what a refusal stops, and that nothing else carries them."""

from __future__ import annotations

import base64
import logging

import pytest

from marketplace import doctor
from marketplace.models import ScanRun
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.doctor import Health
from skillmeat_site.core.models import AuditEvent, Job, RefusedToken, UpstreamToken
from skillmeat_site.core.upstream_tokens import change_token, store_token
from skillmeat_site.upstream.errors import UpstreamAuth
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
