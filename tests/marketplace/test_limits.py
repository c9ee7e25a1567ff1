"""Limits and refused tokens met by a scan of one source: what is asked afterwards, by the server's log."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from marketplace.models import ScanRun, Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import Job, UpstreamBudget
from skillmeat_site.upstream.errors import UpstreamAuth, UpstreamRateLimited
from skillmeat_site.upstream.github_errors import UpstreamForbidden
from tests.conftest import skills
from tests.fakes.git_http import status
from tests.marketplace.commanding import manage
from tests.marketplace.scanning import scan
from tests.marketplace.sweeping import TOKEN

pytestmark = pytest.mark.django_db


@pytest.fixture
def limited(hub, on_github, settings):
    """A source with a token."""
    settings.GITHUB_TOKEN = TOKEN
    on_github(skills("alpha"))
    return create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE)


@pytest.mark.fault(1)
def test_fault_1_nothing_is_asked_before_the_reset(hub, limited):
    scan(limited)
    hub.always("/commits/", status(403, '{"message": "API rate limit exceeded"}', X_RateLimit_Remaining="0"))
    with pytest.raises(UpstreamRateLimited):
        scan(limited, force=True)
    hub.behave()
    hub.requests.clear()
    for _ in range(3):
        with pytest.raises(UpstreamRateLimited) as caught:
            scan(limited)
        assert caught.value.reset_at > timezone.now()
    assert hub.requests == []
    UpstreamBudget.objects.update(cooldown_until=timezone.now() - timedelta(seconds=1))
    assert scan(limited).short_circuit == "commit"


@pytest.mark.fault(1)
def test_fault_1_the_last_good_answer_is_enough_to_know(hub, limited):
    hub.tokens = {TOKEN: 4}
    scan(limited)
    hub.requests.clear()
    with pytest.raises(UpstreamRateLimited, match="core"):
        scan(limited, force=True)
    assert [request for request in hub.requests if request.kind == "api"] == []


def test_a_limit_says_nothing_of_the_source(hub, limited):
    hub.always("/api/", status(429, "{}", Retry_After="600"))
    hub.always("", status(429, "{}", Retry_After="600"))
    with pytest.raises(UpstreamRateLimited):
        scan(limited)
    limited.refresh_from_db()
    assert (limited.failures, limited.last_error_code, limited.not_before) == (0, "", None)
    assert limited.lease_token is None
    assert not ScanRun.objects.exists()


def test_the_api_answers_503_and_the_job_is_partial_and_deferred(hub, limited, api):
    hub.always("", status(429, "{}", Retry_After="600"))
    answer = api.post(f"/api/v1/marketplace/sources/{limited.pk}/rescan", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_rate_limited")
    assert 590 <= int(answer["Retry-After"]) <= 600
    job = Job.objects.get()
    assert (job.status, job.error_code) == ("partial", "upstream_rate_limited")
    assert job.result["reset_at"]
    item = job.items.get()
    assert (item.outcome, item.code) == ("deferred", "upstream_rate_limited")


def test_a_second_refusal_for_the_pace_says_the_doubled_wait(hub, limited, api):
    message = '{"message": "You have exceeded a secondary rate limit"}'
    hub.always("/commits/", status(403, message, X_RateLimit_Remaining="4000"))
    told = []
    for _ in range(3):
        answer = api.post(f"/api/v1/marketplace/sources/{limited.pk}/rescan", {}, format="json")
        kept = UpstreamBudget.objects.get(resource="secondary").cooldown_until
        assert abs(datetime.fromisoformat(answer.json()["reset_at"]) - kept) < timedelta(seconds=1)
        told.append(int(answer["Retry-After"]))
        UpstreamBudget.objects.update(cooldown_until=timezone.now() - timedelta(seconds=1))
    assert told == [60, 120, 240]
    assert len(hub.paths("api")) == 3


def test_a_git_host_that_does_not_say_when_is_asked_again_after_a_minute(hub, on_github, api):
    on_github(skills("alpha"))
    source = create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE)
    hub.always("", status(429, "slow down"))
    answer = api.post(f"/api/v1/marketplace/sources/{source.pk}/rescan", {}, format="json")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert UpstreamBudget.objects.get().cooldown_until == datetime.fromisoformat(answer.json()["reset_at"])


@pytest.mark.parametrize(
    "words",
    [
        ("rescan", "1"),
        ("rescan", "--all"),
        ("rescan", "--all", "--dry-run"),
        ("refresh_auto_tags", "1"),
        ("refresh_auto_tags", "--all"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("tiers", [["graphql", "rest", "git"], ["rest", "git"]], ids=str)
def test_what_a_command_defers_says_until_when(hub, limited, settings, words, tiers):
    settings.SKILLMEAT_GITHUB_TIERS = tiers
    create_source(url=f"{hub.url}/acme/tools", ref="dev", actor=COMMAND_LINE)
    hub.always("", status(429, "{}", Retry_After="600"))
    said = manage(*(str(limited.pk) if word == "1" else word for word in words), "--json")
    rows = said.json["results"]
    assert (said.code, len(rows)) == (1, 1 if "1" in words else 2)
    for row in rows:
        assert (row["outcome"], row["code"]) == ("deferred", "upstream_rate_limited")
        left = datetime.fromisoformat(row["reset_at"]) - timezone.now()
        assert timedelta(seconds=500) < left < timedelta(seconds=601)


def test_the_command_exits_with_1_and_says_deferred(hub, limited):
    hub.always("", status(429, "{}", Retry_After="600"))
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("rescan", str(limited.pk), stdout=out, stderr=err)
    assert ended.value.code == 1
    assert "upstream_rate_limited" in err.getvalue()
    assert "1 deferred" in out.getvalue()


@pytest.mark.fault(4)
def test_fault_4_a_missing_permission_closes_nothing(hub, limited):
    message = '{"message": "Resource not accessible by personal access token"}'
    hub.on("/commits/", status(403, message, X_RateLimit_Remaining="4000", X_RateLimit_Limit="5000"))
    with pytest.raises(UpstreamForbidden):
        scan(limited)
    assert len(hub.requests) == 1
    scan(limited)


@pytest.mark.fault(18)
def test_fault_18_a_refused_token_is_sent_once_and_never_dropped_silently(hub, limited, settings, api):
    hub.tokens = {"another": 5000}
    with pytest.raises(UpstreamAuth):
        scan(limited)
    assert len(hub.requests) == 1
    with pytest.raises(UpstreamAuth, match="was refused before"):
        scan(limited)
    assert len(hub.requests) == 1
    [row] = api.get("/api/v1/rate-limit").json()["results"]
    assert (row["token"], row["rejected"]) == ("GITHUB_TOKEN", True)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", "--offline", stdout=out, stderr=out)
    assert "refused" in out.getvalue()
    assert TOKEN not in out.getvalue()
    settings.GITHUB_TOKEN = "another"
    scan(limited)


@pytest.mark.fault(43)
def test_fault_43_gits_own_limit_holds_for_git_and_not_for_the_api(hub, limited, settings):
    Source.objects.update(provider="git")
    limited.refresh_from_db()
    hub.on("info/refs", status(429, "slow down", Retry_After="600"))
    with pytest.raises(UpstreamRateLimited):
        scan(limited)
    hub.requests.clear()
    with pytest.raises(UpstreamRateLimited, match="git"):
        scan(limited)
    assert hub.requests == []
    Source.objects.update(provider="github")
    limited.refresh_from_db()
    assert scan(limited).counters.new == 1


def test_a_sweep_leaves_the_reserve_to_people(hub, limited):
    scan(limited)
    hub.tokens = {TOKEN: 5000}
    hub.used[TOKEN] = 4600
    scan(limited, force=True)
    with pytest.raises(UpstreamRateLimited, match="kept for people"):
        scan(limited, background=True)
    assert scan(limited).short_circuit == "commit"
