"""What the doctor says of other hosts and of the token, against servers on loopback."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from marketplace import doctor
from skillmeat_site.core.doctor import Finding, Health
from tests.fakes.answering import answering, closed_port, silent

pytestmark = pytest.mark.django_db

TOKEN = "ghp_secret_of_this_test"
QUOTA = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4990", "X-RateLimit-Reset": "1900000000"}


@pytest.fixture(autouse=True)
def nobody_else(settings, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    settings.SKILLMEAT_ALLOWED_HOSTS = []
    settings.GITHUB_TOKEN = ""


@pytest.fixture
def allow(settings):
    """``allow(server)``: it is a listed host, and GitHub as well."""

    def configure(server, *others):
        settings.SKILLMEAT_ALLOWED_HOSTS = [server.entry, *others]
        settings.SKILLMEAT_GITHUB_URL = server.entry
        settings.SKILLMEAT_GITHUB_API_URL = f"{server.entry}/api/v3"

    return configure


def test_hosts_that_answer_and_one_that_does_not(allow):
    with answering() as server:
        gone = f"http://127.0.0.1:{closed_port()}"
        allow(server, gone)
        here, away, clock = doctor.hosts()
    assert here == Finding(f"host {server.entry}", Health.OK, "answers")
    assert (away.name, away.status) == (f"host {gone}", Health.ERROR)
    assert away.detail.startswith("no connection to the host")
    assert away.hint
    assert clock == Finding("clock of hosts", Health.OK, "agrees with the hosts' clocks")
    assert len(server.requests) == 1, "the API lies on the same host"


def test_a_host_that_hangs(allow, monkeypatch):
    monkeypatch.setattr(doctor, "SECONDS", 0.5)
    with silent() as port, answering() as server:
        allow(server, f"http://127.0.0.1:{port}")
        found = doctor.hosts()[1]
    assert (found.status, found.detail) == (Health.ERROR, "no answer within 0.5 s")


def test_no_host_is_allowed():
    assert doctor.hosts() == []


def test_one_host_with_a_wrong_clock_does_not_accuse_ours(allow):
    ahead = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    with answering() as right, answering(date=ahead) as wrong:
        allow(right, wrong.entry)
        assert doctor.hosts()[-1].status is Health.OK
        allow(wrong)
        found = doctor.hosts()[-1]
    assert (found.name, found.status) == ("clock of hosts", Health.ERROR)
    assert "behind" in found.detail


def test_no_token(allow):
    with answering() as server:
        allow(server)
        assert doctor.token() == Finding("token", Health.OK, "none set, git is used")
    assert server.requests == []


def in_days(days):
    return {"GitHub-Authentication-Token-Expiration": f"{datetime.now(UTC) + timedelta(days):%Y-%m-%d %H:%M:%S} UTC"}


@pytest.mark.parametrize(
    ("told", "status", "words"),
    [
        pytest.param({"headers": QUOTA}, Health.OK, "accepted, 4990 of 5000 requests left", id="good"),
        pytest.param({"headers": QUOTA | in_days(90)}, Health.OK, "expires 20", id="expires"),
        pytest.param({"headers": QUOTA | in_days(3)}, Health.WARNING, "expires 20", id="expires soon"),
        pytest.param({"status": 401}, Health.ERROR, "GitHub refused the token", id="refused"),
        pytest.param(
            {"status": 403, "headers": QUOTA | {"X-RateLimit-Remaining": "0"}},
            Health.WARNING,
            "rate limit is reached",
            id="used up",
        ),
        pytest.param({"status": 503}, Health.WARNING, "could not be tried", id="away"),
        pytest.param({"status": 404}, Health.WARNING, "not GitHub's API", id="elsewhere"),
    ],
)
def test_a_token(allow, settings, told, status, words):
    settings.GITHUB_TOKEN = TOKEN
    with answering(**told) as server:
        allow(server)
        found = doctor.token()
    assert found.status is status
    assert words in found.detail
    assert bool(found.hint) is (status is not Health.OK)
    assert TOKEN not in str(found)
    assert server.requests[0][1] == "/api/v3/rate_limit"
