"""System checks: each is provoked, and is silent about the project as it is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.checks import run_checks

from skillmeat_site.core import checks

GOOD = {"name": "skillmeat", "orm": "default", "workers": 2, "queue_limit": 1, "bulk": 1, "timeout": 100, "retry": 260}
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=wal"},
}
POSTGRES = {"ENGINE": "django.db.backends.postgresql"}


def ids(found):
    assert all(message.hint or message.id == "skillmeat.E001" for message in found)
    return [message.id for message in found]


def test_the_project_as_it_is(settings):
    settings.SETTINGS_MODULE = "skillmeat_site.settings.test"  # an overridden setting hides its name
    assert [message for message in run_checks() if message.id.startswith("skillmeat")] == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"timeout": 100.0}, ["E001"]),
        ({"timeout": None}, ["E001"]),
        ({"retry": 259}, ["E002"]),
        ({"retry": 100}, ["E002"]),
        ({"workers": 1}, ["E002"]),
        ({"queue_limit": None}, ["E002"]),
        ({"ALT_CLUSTERS": {"long": {"timeout": 3600, "retry": 7260}}}, []),
        ({"ALT_CLUSTERS": {"long": {"timeout": 3600}}}, ["E002"]),
    ],
)
def test_queue(settings, change, expected):
    cluster = {**GOOD, **change}
    if cluster["queue_limit"] is None:
        del cluster["queue_limit"]  # django-q2 then takes workers² ahead
    settings.Q_CLUSTER = cluster
    settings.SKILLMEAT_QUEUES = {"default": "skillmeat"}
    assert ids(checks.check_queue()) == [f"skillmeat.{number}" for number in expected]


def test_a_queue_that_nobody_serves(settings):
    settings.SKILLMEAT_QUEUES = {"default": "skillmeat", "scan": "nowhere"}
    [message] = checks.check_queue()
    assert message.id == "skillmeat.E003"
    assert "nowhere" in message.msg
    assert "skillmeat" in message.hint


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        (SQLITE, []),
        ({**SQLITE, "OPTIONS": {}}, ["E004"]),
        ({**SQLITE, "OPTIONS": {**SQLITE["OPTIONS"], "transaction_mode": "DEFERRED"}}, ["E004"]),
        ({**SQLITE, "OPTIONS": {**SQLITE["OPTIONS"], "init_command": ""}}, ["E004"]),
        ({**SQLITE, "ATOMIC_REQUESTS": True}, ["E005"]),
        ({**POSTGRES, "ATOMIC_REQUESTS": True}, []),
    ],
)
def test_sqlite(monkeypatch, database, expected):
    monkeypatch.setattr(checks, "settings", SimpleNamespace(DATABASES={"default": database}))
    assert ids(checks.check_sqlite()) == [f"skillmeat.{number}" for number in expected]


def test_a_home_that_cannot_be_written_to(settings, tmp_path):
    assert checks.check_home() == []
    settings.SKILLMEAT_HOME = tmp_path / "missing"  # not a mode: the tests may run as root
    assert ids(checks.check_home()) == ["skillmeat.E006"]


@pytest.mark.parametrize("backend", ["LocMemCache", "FileBasedCache", "DummyCache"])
def test_a_cache_that_is_not_shared(settings, backend):
    settings.CACHES = {"cluster": {"BACKEND": f"django.core.cache.backends.x.{backend}"}}
    settings.SETTINGS_MODULE = "skillmeat_site.settings"  # last: each overridden setting hides it
    assert ids(checks.check_cluster_cache()) == ([] if backend == "FileBasedCache" else ["skillmeat.W001"])
