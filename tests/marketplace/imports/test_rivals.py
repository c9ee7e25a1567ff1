"""Two processes that import the same entries at once, on one database file and one disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib

import pytest
from django.conf import settings

from skillmeat_site.upstream.sample import commit, create_repository
from tests.conftest import skills

BEGIN = """
import json, os, signal, sys
import django
django.setup()
from django.core.management import call_command
from collections_app.models import Artifact
from collections_app.store import checkpoints
from marketplace.jobs import import_source
from marketplace.models import EntryImport, Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.jobs import runner
from tests.marketplace.scanning import scan

def bring(strategy):
    source = Source.objects.get()
    params = {"source_id": source.pk, "ids": list(source.entries.values_list("pk", flat=True)), "strategy": strategy}
    try:
        result = runner.run_inline(import_source, params, COMMAND_LINE).unwrap().to_json()
        print(json.dumps([entry["outcome"] for entry in result["entries"]]))
    except DomainError as error:
        print(json.dumps(error.code))
"""


def start(folder, code, **more):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "skillmeat_site.settings",
        "SECRET_KEY": "x" * 60,
        "SKILLMEAT_LOG_LEVEL": "CRITICAL",
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "SKILLMEAT_HOME": str(folder),
        "SKILLMEAT_LOCAL_SOURCE_ROOTS": str(folder / "repos"),
    }
    command = [sys.executable, "-c", BEGIN + code]
    return subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True, **more)


def run(folder, code, *, expect=0):
    process = start(folder, code)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == expect
    return json.loads(out) if out else None


@pytest.mark.slow
def test_two_at_once_and_one_that_is_killed(tmp_path, migrated):
    folder = tmp_path / "place"
    names = [f"s{n}" for n in range(8)]
    create_repository(folder / "repos" / "tools.git")
    shutil.copy(migrated, folder / "db.sqlite3")
    commit(folder / "repos" / "tools.git", skills(*names), "first", time=1_767_225_600)
    url = f"file://{folder / 'repos' / 'tools.git'}"
    run(
        folder,
        f"""
scan(create_source(url="{url}", actor=COMMAND_LINE))
""",
    )
    ready = "print('ready', flush=True); sys.stdin.readline(); bring('rename')"
    rivals = [start(folder, ready, stdin=subprocess.PIPE) for _ in range(2)]
    for rival in rivals:
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        rival.stdin.write("go\n")
        rival.stdin.flush()
    answers = [json.loads(rival.communicate(timeout=120)[0]) for rival in rivals]
    done = [answer for answer in answers if answer != "collection_busy"]
    assert done
    assert all(answer == ["created"] * len(names) for answer in done)
    place = folder / "collections" / "default"
    on_disk = sorted(path.name for path in (place / "skills").iterdir())
    assert len(on_disk) == len(names) * len(done)
    assert run(folder, "print(json.dumps(sorted(Artifact.objects.values_list('name', flat=True))))") == on_disk
    written = tomllib.loads((place / "collection.toml").read_text())
    assert sorted(record["name"] for record in written["artifacts"]) == on_disk

    kill = "checkpoints.reached = lambda name: name == 'swapped:3' and os.kill(os.getpid(), signal.SIGKILL)\n"
    run(folder, kill + "bring('overwrite')", expect=-signal.SIGKILL)
    assert list((folder / "journal").iterdir())
    free = "from collections_app.models import Collection; Collection.objects.update(lease_until=None)\n"
    assert run(folder, free + "bring('overwrite')") == ["updated"] * len(names)
    assert not list((folder / "journal").iterdir())
    assert not (place / ".skillmeat").exists()
    assert sorted(path.name for path in (place / "skills").iterdir()) == on_disk
    assert run(folder, "print(EntryImport.objects.count())") == len(on_disk)
