"""Start hooks: run by every command, by the web server, by each worker; and none keeps a start from happening."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from skillmeat_site.core import startup
from skillmeat_site.core.jobs.queue import post_spawn

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ran(monkeypatch):
    """The names of the hooks that ran; one of them fails."""
    names = []

    def broken():
        names.append("broken")
        raise RuntimeError("the database is away")

    monkeypatch.setattr(startup, "_hooks", {"a.broken": broken, "b.well": lambda: names.append("well")})
    return names


def test_one_that_fails_stops_neither_the_others_nor_the_start(ran):
    startup.run_start_hooks()
    assert ran == ["broken", "well"]


def test_a_hook_has_one_name(ran):
    with pytest.raises(TypeError):
        startup.at_start("b.well")(lambda: None)


@pytest.mark.django_db
def test_a_command_runs_them_first(ran, capsys):
    call_command("list_sources")
    assert ran == ["broken", "well"]


def test_a_worker_runs_them_when_it_comes_up(ran):
    post_spawn.send(sender="django_q", proc_name="Worker")
    assert ran == ["broken", "well"]


@pytest.mark.parametrize("module", ["wsgi", "asgi"])
def test_a_web_server_runs_them_once(tmp_path, module):
    """What a dead process left is settled before the first request: here, an unreadable journal is told."""
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / f"{'0' * 32}.json").write_text("{")
    environment = {**os.environ, "SKILLMEAT_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "skillmeat_site.settings"}
    environment["SKILLMEAT_LOG_LEVEL"] = "INFO"
    environment.pop("DATABASE_URL", None)
    started = subprocess.run(
        [sys.executable, "-c", f"import skillmeat_site.{module}"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert started.stderr.count("disk.recovered") == 1
    assert "invalid" in started.stderr
