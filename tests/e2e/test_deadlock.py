"""PostgreSQL breaks off one of two transactions that wait for each other. A scan is then run again."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from skillmeat_site.upstream.sample import commit
from tests.conftest import skill
from tests.e2e.conftest import Site, add_sources

pytestmark = pytest.mark.slow

ROW = "SELECT id FROM marketplace_catalogentry WHERE name = %s FOR UPDATE"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
REWRITTEN = "SELECT count(*) FROM marketplace_catalogentry WHERE description = 'Does other things'"


@pytest.fixture
def rival(postgres_site: Site) -> Iterator[psycopg.Connection]:
    """A transaction that looks for no deadlock: it is the scan that finds itself in one, and is broken off."""
    database = postgres_site.database_url.rpartition("/")[2]
    postgres_site.sql(f"ALTER DATABASE {database} SET deadlock_timeout = '3s'")
    with psycopg.connect(postgres_site.database_url) as connection:
        connection.execute("SET deadlock_timeout = '5min'")
        connection.commit()
        yield connection
        connection.rollback()


def test_a_scan_that_the_database_gave_up_is_run_again(postgres_site, make_repository, rival):
    site = postgres_site
    repository = make_repository(files={f"skills/{name}/SKILL.md": skill(name) for name in ("first", "second")})
    [source] = add_sources(site, [repository.url])
    site.manage("rescan", str(source))
    changed = {f"skills/{name}/SKILL.md": skill(name, "Does other things") for name in ("first", "second")}
    commit(repository.path, changed, "much", time=repository.time + 60)
    site.environment["SKILLMEAT_LOG_LEVEL"] = "INFO"

    rival.execute(ROW, ["second"])
    scan = site.start("rescan", str(source), "--json")
    site.wait_for(lambda: site.sql(WAITING) != [(0,)], "the scan holds the first row and waits for the second")
    rival.execute(ROW, ["first"])
    rival.commit()

    out, log = scan.communicate(timeout=60)
    assert scan.returncode == 0, out
    assert b"transaction.repeated" in log
    assert b'"updated_count": 2' in out
    assert site.sql("SELECT count(*) FROM marketplace_scanrun") == [(2,)]
    assert site.sql(REWRITTEN) == [(2,)]
