"""manage.py doctor: what it looks at without asking anybody, and that ``--offline`` keeps to that."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from skillmeat_site.core import doctor
from skillmeat_site.core.doctor import Finding, Health, clock_finding

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(monkeypatch):
    """The network's checks are replaced by one that remembers that it was called."""
    calls = []

    def network():
        calls.append("asked")
        return [Finding("one", Health.OK, "a"), Finding("two", Health.WARNING, "b", "do this")]

    monkeypatch.setattr(doctor, "_network_checks", [network])
    return calls


def said(*options):
    out = io.StringIO()
    try:
        call_command("doctor", *options, stdout=out)
        code = 0
    except SystemExit as stop:
        code = stop.code
    return code, out.getvalue()


def test_offline_asks_nobody(asked):
    code, out = said("--offline", "--json")
    names = [check["name"] for check in json.loads(out)["checks"]]
    assert names == ["database", "home", "workers", "limits", "clock", "git", "sources", "stored tokens"]
    assert (code, asked) == (0, [])


def test_otherwise_the_network_is_asked_last_and_a_check_may_have_several_findings(asked):
    code, out = said()
    assert out.splitlines()[-3:] == ["OK       one: a", "WARNING  two: b", f"{'':8} → do this"]
    assert (code, asked) == (0, ["asked"])


def test_a_check_that_breaks_is_a_finding(monkeypatch):
    def broken():
        raise OSError("no such thing")

    monkeypatch.setattr(doctor, "_network_checks", [broken])
    code, out = said()
    assert "ERROR    broken: OSError: no such thing" in out
    assert code == 1


def test_no_page_asks_other_hosts(asked, client):
    for path in ("/health/live", "/health/ready"):
        assert client.get(path).status_code == 200
    assert asked == []


def test_our_clock_is_the_databases():
    assert doctor.clock() == Finding("clock", Health.OK, "agrees with the database's clock")


@pytest.mark.parametrize(("seconds", "status"), [(100, Health.WARNING), (1000, Health.ERROR), (-1000, Health.ERROR)])
def test_a_database_whose_clock_is_wrong(monkeypatch, seconds, status):
    now = doctor._SECONDS_NOW[connection.vendor].removeprefix("SELECT ")
    monkeypatch.setattr(doctor, "_SECONDS_NOW", {connection.vendor: f"SELECT CAST({now} AS INTEGER) + {seconds}"})
    assert doctor.clock().status is status


@pytest.mark.parametrize(
    ("seconds", "status"),
    [
        (0, Health.OK),
        (30, Health.OK),
        (-30, Health.OK),
        (31, Health.WARNING),
        (-300, Health.WARNING),
        (301, Health.ERROR),
    ],
)
def test_how_far_clocks_may_be_apart(seconds, status):
    found = clock_finding("clock", "theirs", timedelta(seconds=seconds))
    assert found.status is status
    assert bool(found.hint) is (status is not Health.OK)


def test_which_clock_is_behind():
    assert (
        clock_finding("clock", "theirs", timedelta(minutes=1)).detail == "this machine's clock is 60 s behind theirs"
    )
    assert "60 s ahead of theirs" in clock_finding("clock", "theirs", timedelta(minutes=-1)).detail
