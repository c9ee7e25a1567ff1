"""Fixtures of the whole suite: a real database, real git repositories, no network, no mocks of the ORM."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

from collections_app.models import Project
from marketplace.models import CatalogEntry, Source, SourceTag
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import ApiToken
from skillmeat_site.core.models.token import Scope
from skillmeat_site.upstream import process
from tests.repositories import Files, Repository, Templates

# Time limits belong in benchmarks: a busy machine is no reason to fail.
hypothesis_settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("suite")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first, in whatever order they were: a worker that comes to one last keeps all others waiting."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """On PostgreSQL ids grow through the whole run: let them begin beyond those that tests name as unknown."""
    with django_db_blocker.unblock():
        if connection.vendor != "postgresql":
            return
        with connection.cursor() as cursor:
            for model in (Source, CatalogEntry, SourceTag, Project):
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 100000)", [model._meta.db_table])


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables, made once: what starts processes of its own copies it."""
    file = tmp_path_factory.mktemp("migrated") / "db.sqlite3"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "skillmeat_site.settings",
        "DATABASE_URL": f"sqlite:///{file}",
        "SKILLMEAT_HOME": str(file.parent),
    }
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate", "--verbosity", "0"]
    subprocess.run(command, env=environment, check=True)
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.fixture(autouse=True)
def own_home(settings: Any, tmp_path: Path) -> None:
    """Nothing is shared between tests: mirrors, home and the only allowed root are the test's own folder."""
    settings.SKILLMEAT_HOME = tmp_path / "home"
    settings.SKILLMEAT_HOME.mkdir()
    settings.SKILLMEAT_MIRRORS = tmp_path / "home" / "mirrors"
    settings.SKILLMEAT_LOCAL_SOURCE_ROOTS = [tmp_path / "repos"]
    (tmp_path / "repos").mkdir()


@pytest.fixture(autouse=True)
def no_upstream_in_transaction(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test whose code starts git inside a transaction of its own (the test's wrapper does not count)."""
    if not {"db", "transactional_db", "django_db_setup"} & set(request.fixturenames):
        return
    if "transactional_db" in request.fixturenames:
        request.getfixturevalue("transactional_db")
    else:
        request.getfixturevalue("db")
    outside = len(connection.atomic_blocks)
    original = process._Running.__init__

    def guarded(self: Any, *args: Any, **kwargs: Any) -> None:
        assert len(connection.atomic_blocks) <= outside, "git was started inside a transaction"
        original(self, *args, **kwargs)

    monkeypatch.setattr(process._Running, "__init__", guarded)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(tmp_path_factory.mktemp("templates"))


@pytest.fixture
def make_repository(tmp_path: Path, templates: Templates) -> Callable[..., Repository]:
    def make(name: str = "toolbox", files: Files | None = None) -> Repository:
        return templates.copy(tmp_path / "repos" / f"{name}.git", files)

    return make


def skill(name: str, description: str = "Does things", body: str = "Steps.") -> str:
    return f"---\nname: {name}\ndescription: {description}\n---\n\n{body}\n"


def skills(*names: str) -> dict[str, str | None]:
    """A repository's files: one skill per name, below ``skills/``."""
    return {f"skills/{name}/SKILL.md": skill(name) for name in names}


@pytest.fixture
def repository(make_repository: Callable[..., Repository]) -> Repository:
    """A repository with three skills, a command and an agent."""
    return make_repository(
        files={
            **skills("alpha", "beta", "gamma"),
            ".claude/commands/deploy.md": "---\ndescription: Deploys\n---\n\nDeploy $ARGUMENTS\n",
            ".claude/agents/tester.md": "---\nname: tester\ndescription: Tests\n---\n\nTest.\n",
        }
    )


@pytest.fixture
def source(db: None, repository: Repository) -> Source:
    """The repository above, registered and not scanned."""
    return create_source(url=repository.url, actor=COMMAND_LINE)


@pytest.fixture
def admin_user(db: None) -> Any:
    return get_user_model().objects.create_superuser("root", password="root")


@pytest.fixture
def client_for(db: None) -> Callable[..., APIClient]:
    """An API client with a bearer token: ``client_for(user, "write")``."""

    def make(user: Any, scope: str = "write") -> APIClient:
        _, secret = ApiToken.issue(user, scope=Scope(scope))
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return client

    return make


@pytest.fixture
def api(admin_user: Any, client_for: Callable[..., APIClient]) -> Iterator[APIClient]:
    """A client that may do everything."""
    return client_for(admin_user, "admin")
