"""Scans in processes of their own, on a database file: what a lock, a kill and a rival leave behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings

from skillmeat_site.upstream.sample import commit, create_repository
from tests.conftest import skill, skills

BEGIN = """
import json, os, signal, sqlite3, sys
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
from marketplace.models import Source
from marketplace.services import rescan
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import DomainError
from tests.marketplace.scanning import WRITING, Interfering, counters, scan

def answer(report=None):
    try:
        print(json.dumps(counters(scan(Source.objects.get(), report=report))))
    except Exception as error:
        print(json.dumps({"error": getattr(error, "code", type(error).__name__), "says": str(error)}))
"""


class Place:
    """A database file, a home and a repository, and processes that work with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "db.sqlite3"
        self.repository = folder / "repos" / "tools.git"

    def start(self, code: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "skillmeat_site.settings",
            "SECRET_KEY": "x" * 60,
            "SKILLMEAT_LOG_LEVEL": "CRITICAL",
            "DATABASE_URL": f"sqlite:///{self.database}",
            "SKILLMEAT_HOME": str(self.folder),
            "SKILLMEAT_LOCAL_SOURCE_ROOTS": str(self.folder / "repos"),
        }
        command = [sys.executable, "-c", BEGIN + code]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, stdout=pipe, text=True)

    def run(self, code: str, *, expect: int = 0) -> dict:
        """The JSON document that the code prints."""
        process = self.start(code)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == expect
        return json.loads(out) if out else {}

    def dump(self) -> list[tuple]:
        """Every column of every entry."""
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute("SELECT * FROM marketplace_catalogentry ORDER BY id").fetchall()

    def column(self, name: str) -> object:
        """One column of the source."""
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(f"SELECT {name} FROM marketplace_source").fetchone()[0]


@pytest.fixture(scope="module")
def template(tmp_path_factory, migrated) -> Path:
    """Migrated, registered, scanned once; made once for the module."""
    place = Place(tmp_path_factory.mktemp("template"))
    shutil.copy(migrated, place.database)
    create_repository(place.repository)
    commit(place.repository, skills("a", "b"), "first", time=1_767_225_600)
    code = f"""
create_source(url="file://{place.repository}", actor=COMMAND_LINE)
answer()
"""
    assert place.run(code) == {"new": 2}
    commit(
        place.repository, {"skills/a/SKILL.md": skill("a", "new"), "skills/b/SKILL.md": None}, "2", time=1_767_225_700
    )
    return place.folder


@pytest.fixture
def place(template, tmp_path) -> Place:
    """A copy of the template; its repository has changed since the scan."""
    place = Place(tmp_path / "place")
    for name in ("db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm"):
        if (template / name).exists():
            place.folder.mkdir(exist_ok=True)
            shutil.copy(template / name, place.folder / name)
    shutil.copytree(template / "repos", place.folder / "repos")
    with closing(sqlite3.connect(place.database)) as connection, connection:
        url = f"file://{place.repository}"
        connection.execute("UPDATE marketplace_source SET url = ?, url_key = ?", (url, url))
    return place


DUE = {"updated": 1, "removed": 1}


def test_a_locked_database_fails_the_scan_and_touches_nothing(place):
    """Another connection holds the write lock for longer than the busy timeout."""
    before = place.dump()
    told = place.run("""
settings.DATABASES["default"]["OPTIONS"]["timeout"] = 0.2
rival = sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None)
answer(Interfering(WRITING, lambda: rival.execute("BEGIN IMMEDIATE")))
rival.execute("ROLLBACK")
""")
    assert told["error"] == "OperationalError"
    assert "locked" in told["says"]
    assert place.dump() == before
    # The failure could not be written either; the lease could not be given back, and runs out by itself.
    assert (place.column("last_error_code"), place.column("failures")) == ("", 0)
    assert place.run("Source.objects.update(lease_until=None); answer()") == DUE


def test_a_lock_that_is_given_up_in_time_only_delays(place):
    assert (
        place.run("""
import threading
rival = sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None, check_same_thread=False)
def hold():
    rival.execute("BEGIN IMMEDIATE")
    threading.Timer(0.5, lambda: rival.execute("ROLLBACK")).start()
answer(Interfering(WRITING, hold))
""")
        == DUE
    )


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("answer(Interfering(WRITING, kill))", id="before the transaction"),
        pytest.param("rescan.AuditEvent.record = kill; answer()", id="in the transaction, entries written"),
        pytest.param("Source.refresh_from_db = kill; answer()", id="in the transaction, nothing written"),
    ],
)
def test_a_killed_scan_leaves_the_catalog_and_is_taken_over(place, moment):
    before = place.dump()
    kill = "def kill(*args, **more): os.kill(os.getpid(), signal.SIGKILL)\n"
    place.run(kill + moment, expect=-signal.SIGKILL)
    assert place.dump() == before
    assert place.run("answer()")["error"] == "source_busy", "its lease still runs"
    assert (
        place.run("""
from datetime import timedelta
from django.utils import timezone
Source.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
answer()
""")
        == DUE
    )
