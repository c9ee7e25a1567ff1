"""Processes of an installation of its own (database file, home), whose GitHub is the loopback one of the test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.fakes.github import GitHub
from tests.marketplace.sweeping import TOKEN

BEGIN = """
import json, os, signal, sys
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from marketplace.jobs import bulk_refresh_auto_tags, bulk_rescan, rescan
from marketplace.models import Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import control, reaper, runner
from skillmeat_site.core.models import Job, JobItem
from tests.marketplace.scanning import scan

def tell(**told):
    print(json.dumps(told))

def ids():
    return list(Source.objects.order_by("pk").values_list("pk", flat=True))

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def items(job):
    told = {}
    for outcome in JobItem.objects.filter(job=job).values_list("outcome", flat=True):
        told[outcome] = told.get(outcome, 0) + 1
    return told
"""

COPIES = """
first = create_source(url="{url}/acme/tools", actor=COMMAND_LINE)
scan(first)
columns = [field.attname for field in Source._meta.concrete_fields if not field.primary_key]
copies = []
for number, repository_id in {numbers}:
    url = f"{url}/acme/r{{number}}"
    copies.append(Source(**{{**{{name: getattr(first, name) for name in columns}}, "url": url, "url_key": url,
                             "name": f"r{{number}}", "repository_id": repository_id}}))
Source.objects.bulk_create(copies)
"""


class Machine:
    """One installation."""

    def __init__(self, folder: Path, hub: GitHub) -> None:
        self.folder, self.hub = folder, hub

    def environment(self) -> dict[str, str]:
        hub = self.hub
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "skillmeat_site.settings",
            "SECRET_KEY": "x" * 60,
            "SKILLMEAT_LOG_LEVEL": "CRITICAL",
            "DATABASE_URL": f"sqlite:///{self.folder / 'db.sqlite3'}",
            "SKILLMEAT_HOME": str(self.folder),
            "SKILLMEAT_GITHUB_URL": hub.url,
            "SKILLMEAT_GITHUB_API_URL": hub.api_url,
            "SKILLMEAT_GITHUB_GRAPHQL_URL": hub.graphql_url,
            "SKILLMEAT_ALLOWED_HOSTS": f"{hub.url},{hub.codeload_host}",
            "SKILLMEAT_UPSTREAM_PER_SECOND": "0",
            "GITHUB_TOKEN": TOKEN,
        }

    def start(self, code: str, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", BEGIN + code]
        pipe = subprocess.PIPE
        environment = {**self.environment(), **environment}
        return subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, stdout=pipe, text=True)

    def run(self, code: str, *, killed: bool = False) -> Any:
        """The JSON document that the code prints."""
        return answer_of(self.start(code), killed=killed)

    def many(self, count: int) -> None:
        """So many sources of the same content: one was really scanned, the others are its copies."""
        original = self.hub.repository("acme/tools")
        assert original is not None
        numbers = [(number, self.hub.add(f"acme/r{number}", original.path).id) for number in range(1, count)]
        self.run(COPIES.format(url=self.hub.url, numbers=numbers))


def answer_of(process: subprocess.Popen[str], *, killed: bool = False) -> Any:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == (-signal.SIGKILL if killed else 0)
    return json.loads(out) if out else {}


def machine_at(folder: Path, hub: GitHub, template: Path) -> Machine:
    """A new installation; ``template`` keeps a database that was migrated once."""
    machine, migrated = Machine(folder, hub), template / "migrated.sqlite3"
    folder.mkdir(parents=True)
    if not migrated.exists():
        machine.run('call_command("migrate", verbosity=0)\nconnection.cursor().execute("PRAGMA journal_mode=DELETE")')
        shutil.copy(folder / "db.sqlite3", migrated)
    else:
        shutil.copy(migrated, folder / "db.sqlite3")
    return machine


def asked_of(queries: list[str]) -> list[str]:
    """The names of the repositories that these GraphQL queries asked about, in order."""
    found: list[str] = []
    for body in queries:
        variables: Mapping[str, str] = json.loads(body)["variables"]
        found += [variables[name] for name in variables if name.startswith("n")]
    return found
