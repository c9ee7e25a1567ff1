"""Processes that write at once, on a database of their own: eight rescans, and a large one among six writers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from skillmeat_site.upstream.sample import commit, create_repository
from tests import rivals
from tests.conftest import skills

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db]

SOURCES = 8
SKILLS = [f"s{n:03}" for n in range(200)]

PREPARE = """
import sys, django
django.setup()
from django.core.management import call_command
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
call_command("migrate", verbosity=0)
print(*[create_source(url=url, actor=COMMAND_LINE).pk for url in sys.argv[1:]])
"""
LOOK = """
import django, json
django.setup()
from django.db.models import Count
from django.contrib.auth import get_user_model
from marketplace.models import CatalogEntry, Manifest, Source
groups = lambda model, *by: model.objects.order_by().values(*by).annotate(n=Count("pk")).filter(n__gt=1).count()
print(json.dumps({
    "entries": CatalogEntry.objects.present().count(),
    "manifests": Manifest.objects.count(),
    "duplicates": groups(CatalogEntry, "source", "type", "path") + groups(Manifest, "blob_oid", "kind"),
    "leases": Source.objects.filter(lease_token__isnull=False).count(),
}))
"""


@pytest.fixture
def environment(tmp_path):
    """A fresh database of the kind the suite runs on, and a home."""
    own = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "skillmeat_site.settings",
        "SECRET_KEY": "x" * 60,
        "SKILLMEAT_LOG_LEVEL": "CRITICAL",
        "SKILLMEAT_HOME": str(tmp_path),
        "SKILLMEAT_LOCAL_SOURCE_ROOTS": str(tmp_path / "repos"),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'bench.sqlite3'}",
    }
    if connection.vendor == "sqlite":
        yield own
        return
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    name = f"bench_{os.getpid()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield own | {"DATABASE_URL": f"{server}/{name}"}
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def at_once(environment, *processes: list[str]) -> tuple[Counter[str], float]:
    """Start the processes, let them go together, and count how their rescans ended."""
    command = [sys.executable, "-m", "tests.benchmarks.rescan_process"]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen([*command, *ids], env=environment, cwd=settings.BASE_DIR, stdin=pipe, stdout=pipe, text=True)
        for ids in processes
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    endings = [ending for process in started for ending in json.loads(process.communicate(timeout=200)[0])]
    return Counter(endings), time.perf_counter() - began


def python(environment, code: str, *args: str) -> str:
    """What a program of its own prints."""
    command = [sys.executable, "-c", code, *args]
    done = subprocess.run(command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    return done.stdout


def test_eight_rescans_at_once(environment, record_figure, database, tmp_path):
    urls = []
    for n in range(SOURCES):  # the same content in each, so that all want to store the same manifests
        path = tmp_path / "repos" / f"r{n}.git"
        create_repository(path)
        commit(path, skills(*SKILLS), "first", time=1_767_225_600)
        urls.append(f"file://{path}")

    ids = python(environment, PREPARE, *urls).split()
    endings, took = at_once(environment, ids[:4], ids[4:])
    errors = SOURCES - endings[f"{len(SKILLS)} found"]
    record_figure(f"8 rescans of 8 sources from 2 processes, {database}", errors, "errors", 0)
    record_figure(f"8 rescans of 8 sources from 2 processes, {database}", took, "s", None)
    endings, _ = at_once(environment, ids[:4], ids[:4])
    # Of two who want the same source at once, one may be told that it is busy.
    errors = 8 - endings[f"{len(SKILLS)} found"] - endings["source_busy"]
    record_figure(f"8 rescans of 4 sources from 2 processes, {database}", errors, "errors", 0)
    left = json.loads(python(environment, LOOK))
    wrong = left["duplicates"] + abs(left["entries"] - SOURCES * len(SKILLS)) + abs(left["manifests"] - len(SKILLS))
    record_figure(f"8 rescans from 2 processes, {database}", wrong + left["leases"], "duplicates", 0)


def test_a_large_rescan_among_six_writers(environment, record_figure, database, tmp_path):
    paths = [tmp_path / "repos" / f"{name}.git" for name in ("large", "other")]
    for path in paths:
        create_repository(path)
    commit(paths[0], rivals.files_before(), "first", time=1_767_225_600)
    source, _ = python(environment, PREPARE, *(f"file://{path}" for path in paths)).split()
    at_once(environment, [source])
    commit(paths[0], rivals.files_after(), "much", time=1_767_225_700)
    with rivals.writing(environment, int(source), tmp_path) as among:
        endings, took = at_once(environment, [source])
    entries = rivals.ADDED + rivals.KNOWN - rivals.REMOVED
    what = f"rescan of {entries:,} entries among 6 writers, {database}"
    failed = 1 - endings[f"{entries} found"]
    record_figure(what, failed + len(among.errors), "errors", 0)
    record_figure(f"{what}: their writes meanwhile", among.writes, "writes", None)
    record_figure(f"{what}: slowest write", max(answer["slowest"] for answer in among.answers.values()), "s", None)
    record_figure(what, took, "s", None)
