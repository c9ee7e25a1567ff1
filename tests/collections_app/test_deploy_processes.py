"""Deploying in processes of its own, on a database file: what a kill and a rival leave behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.slow

RIVAL = """
import json, sys
import django
django.setup()
from collections_app.models import Artifact, Project
from collections_app.errors import ProjectBusy
from tests.collections_app.deploying import deploy, outcomes
print("ready", flush=True)
sys.stdin.readline()
project, artifacts = Project.objects.get(), Artifact.objects.order_by("pk")
while True:
    try:
        print(json.dumps(outcomes(deploy(project, *artifacts))))
        break
    except ProjectBusy:
        print(json.dumps("busy"), flush=True)
"""
PREPARE = """
import django
django.setup()
from django.conf import settings
from tests.factories.deployments import put_artifact, put_project
from tests.collections_app.deploying import hook
put_project(settings.SKILLMEAT_PROJECT_ROOTS[0])
for number in range(10):
    put_artifact("skill", f"s{number}", {"SKILL.md": "x"})
    put_artifact("hook", f"h{number}", hook(f"h{number}.sh"))
"""
LOOK = """
import json
import django
django.setup()
from collections_app.models import Project
from tests.collections_app.deploying import agreed, settings_of
project = Project.objects.get()
print(json.dumps([agreed(project), project.deployments.count(), len(settings_of(project)["hooks"]["PreToolUse"])]))
"""


@pytest.fixture
def place(tmp_path: Path, migrated: Path) -> Path:
    for name in ("home", "projects"):
        (tmp_path / "live" / name).mkdir(parents=True)
    shutil.copy(migrated, tmp_path / "live" / "db.sqlite3")
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    live = folder / "live"
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "skillmeat_site.settings",
        "SECRET_KEY": "x" * 60,
        "SKILLMEAT_LOG_LEVEL": "CRITICAL",
        "DATABASE_URL": f"sqlite:///{live / 'db.sqlite3'}",
        "SKILLMEAT_HOME": str(live / "home"),
        "SKILLMEAT_PROJECT_ROOTS": str(live / "projects"),
    }


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=settings.BASE_DIR, env=environment(folder), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("verb", ["deploy", "undeploy"])
def test_killed_at_any_step_everything_is_old_or_new(place, verb):
    """Faults 31 and 36: files, record and rows were three steps, written one after the other and in place."""
    ends = json.loads(run(place, "-m", "tests.collections_app.deploy_killed", verb))
    assert len(ends) > 20
    assert {end["end"] for end in ends} == {"old", "new"}
    assert [end for end in ends if end["left"]] == []
    told = [end["end"] for end in ends]
    assert told == sorted(told, reverse=True), "once new, always new"


def test_two_processes_that_deploy_the_same(place):
    """Fault 34: of two writers one lost what the other had written."""
    run(place, "-c", PREPARE)
    rivals = [
        subprocess.Popen(
            [sys.executable, "-c", RIVAL], cwd=settings.BASE_DIR, env=environment(place), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for rival in rivals:
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        rival.stdin.write("go\n")
        rival.stdin.flush()
    told = []
    for rival in rivals:
        output, errors = rival.communicate()
        assert rival.returncode == 0, errors
        told.append(json.loads(output.splitlines()[-1]))
    assert sorted({outcome for rows in told for outcome, _ in rows}) == ["created", "unchanged"]
    assert json.loads(run(place, "-c", LOOK)) == [True, 20, 10]
