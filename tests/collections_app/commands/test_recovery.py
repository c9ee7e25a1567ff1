"""Killed in the middle: the next command, whatever it is, finishes or undoes what was begun. Real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.collections_app.filled import tree_of

ROOT = Path(__file__).resolve().parents[3]
FILLED = """
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
from tests.collections_app.filled import SOME, write
call_command("create_collection", "default")
write(settings.SKILLMEAT_HOME / "collections" / "default", SOME)
call_command("refresh_collection_cache")
"""
KILLED = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from collections_app.store import checkpoints
def at(name):
    if name == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)
checkpoints.reached = at
call_command("remove_artifact", "skill:alpha")
"""


@pytest.fixture
def run(tmp_path, migrated):
    shutil.copy(migrated, tmp_path / "skillmeat.sqlite3")
    environment = {**os.environ, "SKILLMEAT_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "skillmeat_site.settings"}
    environment.pop("DATABASE_URL", None)

    def call(*words, code=0):
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    return call


@pytest.mark.slow
@pytest.mark.parametrize("step", ["begun", "swapped:0", "applied"])
def test_the_next_command_settles_it(run, tmp_path, step):
    run("-c", FILLED)
    folder = tmp_path / "collections" / "default"
    was = tree_of(folder)
    run("-c", KILLED, step, code=-signal.SIGKILL)
    assert list((tmp_path / "journal").iterdir())
    listed = json.loads(run("manage.py", "list_artifacts", "--json"))
    assert not list((tmp_path / "journal").iterdir())
    assert tree_of(folder) == was
    assert not (folder / ".skillmeat").exists()
    assert listed["summary"]["total"] == 3
