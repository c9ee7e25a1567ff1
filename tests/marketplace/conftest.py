"""Sources with something in them, for the tests of the marketplace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from marketplace.models import Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from tests.conftest import Repository, skills
from tests.core.conftest import worker  # noqa: F401 - a fixture
from tests.fakes.github import GitHub, serve_github
from tests.marketplace.machines import Machine, machine_at
from tests.marketplace.scanning import scan
from tests.repositories import Templates


@pytest.fixture
def registered(db: None, make_repository: Callable[..., Repository]) -> Callable[..., tuple[Repository, Source]]:
    """``registered(files)``: a repository and its source, scanned once."""

    def make(files: dict[str, str | None], name: str = "toolbox", **fields: Any) -> tuple[Repository, Source]:
        repository = make_repository(name, files)
        source = create_source(url=repository.url, actor=COMMAND_LINE, **fields)
        scan(source)
        return repository, source

    return make


@pytest.fixture
def hub(settings: Any, tmp_path: Path) -> Iterator[GitHub]:
    """A loopback GitHub that the settings name as theirs, without a token."""
    (tmp_path / "github").mkdir()
    with serve_github(tmp_path / "github") as running:
        settings.SKILLMEAT_GITHUB_URL = running.url
        settings.SKILLMEAT_GITHUB_API_URL = running.api_url
        settings.SKILLMEAT_GITHUB_GRAPHQL_URL = running.graphql_url
        settings.SKILLMEAT_ALLOWED_HOSTS = [running.url, running.codeload_host]
        yield running


@pytest.fixture
def on_github(hub: GitHub, templates: Templates) -> Callable[..., Repository]:
    """``on_github(files, "owner/name")``: a repository there."""

    def make(files: dict[str, str | None], name: str = "acme/tools") -> Repository:
        return templates.copy(hub.root / f"{name}.git", files)

    return make


@pytest.fixture(scope="session")
def machine_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machine")


@pytest.fixture
def machine(hub: GitHub, on_github: Callable[..., Repository], tmp_path: Path, machine_template: Path) -> Machine:
    """Another installation, with a token, whose GitHub has ``acme/tools``."""
    on_github(skills("alpha", "beta"))
    return machine_at(tmp_path / "machine", hub, machine_template)
