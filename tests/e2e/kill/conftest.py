"""An installation with a project root, and programs that run in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, Site


class Worlds:
    """Starts Python in an installation: with its settings, its database, its environment."""

    def __init__(self, site: Site) -> None:
        self.site = site
        projects = site.home.parent / "projects"
        projects.mkdir(exist_ok=True)
        site.repositories.mkdir(exist_ok=True)
        site.environment |= {
            "DJANGO_SETTINGS_MODULE": "skillmeat_site.settings",
            "SKILLMEAT_PROJECT_ROOTS": str(projects),
            "SKILLMEAT_LOG_LEVEL": "CRITICAL",
        }
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT, env=self.site.environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True,
        )  # fmt: skip
        self._started.append(process)
        return process

    def run(self, *arguments: str) -> Any:
        """The JSON document that it prints."""
        process = self.start(*arguments)
        out, errors = process.communicate()
        assert process.returncode == 0, out + errors
        return json.loads(out)

    def stop(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def worlds(any_site: Site) -> Iterator[Worlds]:
    worlds = Worlds(any_site)
    yield worlds
    worlds.stop()
