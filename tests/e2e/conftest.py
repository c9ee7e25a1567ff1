"""Real processes on a database of their own: ``manage.py`` commands, and a ``manage.py qcluster`` to kill."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90
"""Seconds after which something that should have happened has not."""
_OURS = ("SKILLMEAT_", "DATABASE_URL", "REDIS_URL", "DJANGO_", "GITHUB_TOKEN", "SECRET_KEY", "COV_")
POSTGRES = "postgres://postgres@127.0.0.1:5432"


class Site:
    """An installation: its home, its database, its environment, its running cluster."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.home = folder / "site"
        self.home.mkdir()
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.repositories = folder / "repos"
        self.database_url = database_url
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        self.environment = {
            **environment,
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "SKILLMEAT_HOME": str(self.home),
            "SKILLMEAT_LOCAL_SOURCE_ROOTS": str(self.repositories),
            "SKILLMEAT_LOG_LEVEL": "WARNING",
            "SKILLMEAT_WORKERS": "1",
            **({"DATABASE_URL": database_url} if database_url else {}),
        }
        self._clusters: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """A command on its way, in a session of its own."""
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *command],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def manage(self, *command: str, expect: int = 0) -> Any:
        """The JSON document of a command that has ended as expected."""
        return self.answer(self.start(*command, "--json"), expect=expect)

    def answer(self, process: subprocess.Popen[bytes], *, expect: int = 0) -> Any:
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == expect, f"{process.args}: {out.decode()}\n{err.decode()}"
        return json.loads(out)

    def migrate(self) -> None:
        process = self.start("migrate", "--verbosity", "0")
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, out + err

    def start_cluster(self) -> None:
        with open(self.home / "cluster.log", "ab") as log:
            self._clusters.append(
                subprocess.Popen(
                    [sys.executable, str(ROOT / "manage.py"), "qcluster"],
                    cwd=ROOT,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def kill_cluster(self) -> None:
        """SIGKILL for the whole session at once: the machine lost its power, for these processes."""
        cluster = self._clusters.pop()
        os.killpg(cluster.pid, signal.SIGKILL)
        cluster.wait(timeout=PATIENCE)

    def stop(self) -> None:
        """SIGTERM to the main process only: its children must not see it. What does not end is killed."""
        while self._clusters:
            cluster = self._clusters.pop()
            cluster.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                cluster.wait(timeout=15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(cluster.pid, signal.SIGKILL)
            cluster.wait(timeout=PATIENCE)

    def sql(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        """One statement from outside, on the database as it is. ``?`` stands for a parameter."""
        if self.database_url:
            with psycopg.connect(self.database_url, autocommit=True, options="-c TimeZone=UTC") as connection:
                cursor = connection.execute(statement.replace("?", "%s"), params)
                return cursor.fetchall() if cursor.description else []
        with contextlib.closing(sqlite3.connect(self.home / "skillmeat.sqlite3", timeout=20)) as database, database:
            return database.execute(statement, params).fetchall()

    def entries(self) -> list[tuple[Any, ...]]:
        """The catalog, as far as a scan decides it."""
        return self.sql(
            "SELECT source_id, type, path, content_oid, presence FROM marketplace_catalogentry ORDER BY id"
        )

    def job(self, job_id: str) -> dict[str, Any]:
        columns = ("status", "attempt", "error_code", "lease_token", "done", "total")
        key = str(uuid.UUID(job_id)) if self.database_url else uuid.UUID(job_id).hex
        row = self.sql(f"SELECT {', '.join(columns)} FROM core_job WHERE id = ?", key)[0]
        return dict(zip(columns, row, strict=True))

    def wait_for(self, what: Callable[[], Any], why: str) -> Any:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if value := what():
                return value
            time.sleep(0.1)
        log = self.home / "cluster.log"
        pytest.fail(f"waited in vain: {why}\n{log.read_text()[-4000:] if log.exists() else ''}")

    @contextlib.contextmanager
    def slow_git(self) -> Iterator[Path]:
        """Within the block git, when it lists a tree, waits; the path given is there once it does."""
        real = shutil.which("git", path=os.environ["PATH"])
        gate, reached = self.bin / "gate", self.bin / "gate.reached"
        reached.unlink(missing_ok=True)
        gate.touch()
        wrapper = self.bin / "git"
        wrapper.write_text(
            "#!/bin/sh\n"
            'case " $* " in *" ls-tree "*)\n'
            f'  : > "{reached}"\n'
            f'  while [ -e "{gate}" ]; do sleep 0.1; done;;\n'
            "esac\n"
            f'exec "{real}" "$@"\n'
        )
        wrapper.chmod(0o755)
        try:
            yield reached
        finally:
            gate.unlink()


@pytest.fixture
def site(tmp_path: Path, migrated: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    shutil.copy(migrated, site.home / "skillmeat.sqlite3")
    yield site
    site.stop()


def on_postgres() -> bool:
    """Whether the suite was told to run on PostgreSQL."""
    return os.environ.get("DATABASE_URL", "").startswith("postgres")


def _answers(url: str) -> bool:
    try:
        psycopg.connect(f"{url}/postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@contextlib.contextmanager
def _postgres_database(template: str = "template0") -> Iterator[str]:
    """A database of its own, dropped at the end; its URL."""
    name = f"e2e_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def migrated_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with all tables, made once: each test gets a copy."""
    with _postgres_database() as url:
        Site(tmp_path_factory.mktemp("migrated"), url).migrate()
        yield url.rpartition("/")[2]


@pytest.fixture
def postgres_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Only where PostgreSQL answers on 127.0.0.1."""
    if not _answers(POSTGRES):
        pytest.skip("PostgreSQL does not answer on 127.0.0.1:5432")
    with _postgres_database(template=request.getfixturevalue("migrated_postgres")) as url:
        site = Site(tmp_path, url)
        yield site
        site.stop()


@pytest.fixture
def any_site(request: pytest.FixtureRequest) -> Site:
    """On the kind of database that the suite runs on."""
    site: Site = request.getfixturevalue("postgres_site" if on_postgres() else "site")
    return site


def add_sources(site: Site, urls: Sequence[str]) -> list[int]:
    return [row["id"] for row in site.manage("add_source", *urls)["results"]]
