"""A disk that is really full, below the mirrors and below the database: ``disk_full``, nothing lost, done when there
is room again. (A killed worker and a locked database: ``tests/marketplace/test_processes.py``, ``tests/e2e``.)

The disk is a small tmpfs in a mount namespace of the process's own, so that nothing else sees it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from skillmeat_site.upstream.sample import commit, create_repository
from tests.conftest import skills

NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
MOUNTS = (
    shutil.which("unshare") and not subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode
)
pytestmark = pytest.mark.skipif(not MOUNTS, reason="no user namespaces: a small disk cannot be mounted")

DISK = "4m"
PRELUDE = """
import io, json, os, shutil
from pathlib import Path
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from marketplace.models import Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs.failures import as_domain_error
from skillmeat_site.upstream.sample import commit
from tests.conftest import skill, skills
from tests.marketplace.scanning import WRITING, Interfering, counters, dump, scan

def fill(leave=0):
    # In large steps first, then in single bytes: to the last one.
    with open(DISK / "ballast", "ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
        if leave:
            file.truncate(max(0, file.tell() - leave))

def empty():
    (DISK / "ballast").unlink()

def answer(report=None, **options):
    try:
        return {"counters": counters(scan(Source.objects.get(), report=report, **options))}
    except Exception as error:
        known = as_domain_error(error)
        return {"error": known.code if known else repr(error), "says": known.detail if known else ""}

def manage(*words):
    out = io.StringIO()
    try:
        call_command(*words, stdout=out)
    except SystemExit:
        pass
    row = json.loads(out.getvalue())["results"][0]
    return {"error": row["code"], "says": row["detail"]}

def state():
    source = Source.objects.with_health().get()
    return {"code": source.last_error_code, "detail": source.last_error_detail, "health": source.health,
            "leased": source.lease_token is not None, "head": source.head_commit, "counts": source.counts}

def tell(**what):
    print(json.dumps(what))

def begin():
    shutil.copy(MIGRATED, settings.DATABASES["default"]["NAME"])
    create_source(url=f"file://{REPOSITORY}", actor=COMMAND_LINE)

CHANGE = {"skills/a/SKILL.md": skill("a", "new"), "skills/b/SKILL.md": None}
"""


class Machine:
    """A home with a database and a repository; processes that see a small disk at ``disk``."""

    def __init__(self, folder: Path, migrated: Path) -> None:
        self.folder, self.migrated = folder, migrated
        self.disk = folder / "disk"
        self.disk.mkdir()
        self.repository = folder / "repos" / "tools.git"
        create_repository(self.repository)
        commit(self.repository, skills("a", "b"), "first", time=1_767_225_600)

    def run(self, code: str, *, home: Path, database: Path) -> list[dict]:
        """The JSON lines that the code prints, run with the small disk mounted and ``HOME`` prepared on it."""
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "skillmeat_site.settings",
            "SECRET_KEY": "x" * 60,
            "SKILLMEAT_LOG_LEVEL": "CRITICAL",
            "DATABASE_URL": f"sqlite:///{database}",
            "SKILLMEAT_HOME": str(home),
            "SKILLMEAT_LOCAL_SOURCE_ROOTS": str(self.folder / "repos"),
        }
        mount = f'mount -t tmpfs -o size={DISK} tmpfs "$1" && exec "$2" -c "$3"'
        places = "\n".join(
            f"{name} = Path({str(path)!r})"
            for name, path in (("DISK", self.disk), ("REPOSITORY", self.repository), ("MIGRATED", self.migrated))
        )
        program = f"{PRELUDE}\n{places}\n{code}"
        command = [*NAMESPACE, "sh", "-c", mount, "sh", str(self.disk), sys.executable, program]
        done = subprocess.run(
            command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def machine(tmp_path, migrated) -> Machine:
    return Machine(tmp_path, migrated)


FOUND = {"counters": {"new": 2}}


def test_no_room_for_the_mirror(machine):
    """The failure is on the source, and the mirror takes up where it was."""
    first, failed, after, again, last = machine.run(
        """
begin()
tell(**answer())
big = {f"skills/big-{n}/SKILL.md": os.urandom(100_000).hex() for n in range(30)}
commit(REPOSITORY, big, "too much", time=1_767_225_650)
before = dump()
fill(leave=200_000)
tell(**answer())
assert dump() == before
tell(**state())
empty()
commit(REPOSITORY, {**dict.fromkeys(big), **CHANGE, **skills("c")}, "less", time=1_767_225_700)
tell(**answer())
tell(**state())
""",
        home=machine.disk,
        database=machine.folder / "db.sqlite3",
    )
    assert first == FOUND
    assert failed["error"] == "disk_full"
    assert "SKILLMEAT_MIRROR_MAX_BYTES" in failed["says"]
    kept = (after["code"], after["health"], after["leased"], after["counts"])
    assert kept == ("disk_full", "failing", False, {"skill": 2})
    assert again == {"counters": {"new": 1, "updated": 1, "removed": 1}}
    assert (last["code"], last["health"], last["counts"]) == ("", "fresh", {"skill": 2})


def test_no_room_at_all_for_the_mirror(machine):
    """Not even a lock file or an empty mirror can be made."""
    failed, after, again = machine.run(
        """
begin()
fill()
tell(**answer())
tell(**state())
empty()
tell(**answer())
""",
        home=machine.disk,
        database=machine.folder / "db.sqlite3",
    )
    assert failed["error"] == "disk_full"
    assert (after["code"], after["leased"]) == ("disk_full", False)
    assert again == FOUND


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("fill(); tell(**answer())", id="before the scan"),
        pytest.param("tell(**answer(Interfering(WRITING, fill)))", id="before writing"),
    ],
)
def test_no_room_for_the_database(machine, moment):
    """The failure cannot be written either; the lease runs out by itself, and nothing is half written."""
    first, failed, command, after, again = machine.run(
        f"""
begin()
tell(**answer())
many = {{f"skills/new-{{n}}/SKILL.md": skill(f"new-{{n}}", "d" * 3000) for n in range(100)}}
commit(REPOSITORY, many | CHANGE, "second", time=1_767_225_700)
before = dump()
connection.close()
{moment}
tell(**manage("rescan", "--all", "--json"))
connection.close()
empty()
assert dump() == before
assert connection.cursor().execute("PRAGMA integrity_check").fetchone() == ("ok",)
tell(**state())
Source.objects.update(lease_until=None)
tell(**answer())
""",
        home=machine.folder / "elsewhere",
        database=machine.disk / "db.sqlite3",
    )
    assert first == FOUND
    for told in (failed, command):
        assert told["error"] == "disk_full"
        assert "make room" in told["says"]
    assert (after["code"], after["counts"]) == ("", {"skill": 2})
    assert again == {"counters": {"new": 100, "updated": 1, "removed": 1}}
