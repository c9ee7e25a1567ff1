"""A scan of ten thousand entries while six other processes write: nobody is told that the database is locked."""

from __future__ import annotations

import json

import pytest

from skillmeat_site.upstream.sample import commit
from tests import rivals
from tests.e2e.conftest import Site, add_sources

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LEAST = 3
"""Writes that each writer must get through while one scan runs: nobody waits for its end. How many depends on the
machine; the benchmark prints it."""


def decisions(site: Site) -> dict[str, str]:
    """Id → reason, of every entry that is excluded."""
    statement = "SELECT id, excluded_reason FROM marketplace_catalogentry WHERE excluded_at IS NOT NULL"
    return {str(pk): reason for pk, reason in site.sql(statement)}


def test_a_large_scan_among_six_writers(any_site, make_repository):
    site = any_site
    repository = make_repository(files=rivals.files_before())
    other = make_repository("other")
    source, _ = add_sources(site, [repository.url, other.url])
    assert site.manage("rescan", str(source))["results"][0]["new_count"] == rivals.KNOWN
    commit(repository.path, rivals.files_after(), "much", time=repository.time + 60)

    site.environment["DJANGO_SETTINGS_MODULE"] = "skillmeat_site.settings"
    with rivals.writing(site.environment, source, site.home) as among:
        scanned = site.manage("rescan", str(source))["results"][0]

    assert among.errors == []
    assert {name: scanned[name] for name in rivals.COUNTERS} == rivals.COUNTERS
    writes = {kind: answer["writes"] for kind, answer in among.answers.items()}
    assert min(writes.values()) >= LEAST, writes
    assert site.sql("SELECT presence, count(*) FROM marketplace_catalogentry GROUP BY presence ORDER BY presence") == [
        ("present", 10_000),
        ("removed", rivals.REMOVED),
    ]
    _check_what_was_decided(site, source, among)


def _check_what_was_decided(site: Site, source: int, among: rivals.Rivals) -> None:
    """The last word of each writer stands, whatever the scan wrote to the same rows meanwhile."""
    decided = {kind: answer["decided"] for kind, answer in among.answers.items()}
    wanted = decided["exclude"] | decided["exclude_in_bulk"]
    assert decisions(site) == {pk: reason for pk, reason in wanted.items() if reason}
    [(tags, interval)] = site.sql("SELECT tags, scan_interval FROM marketplace_source WHERE id = ?", source)
    told = decided["patch"]["source"]
    assert (json.loads(tags) if isinstance(tags, str) else tags, interval) == (told["tags"], told["scan_interval"])
    cancelled = "SELECT count(*) FROM core_job WHERE status = 'cancelled'"
    assert site.sql(cancelled) == [(decided["enqueue"]["cancelled"],)]
    assert site.sql("SELECT count(*) FROM core_apitoken") == [(decided["tokens"]["tokens"],)]
    assert site.sql("SELECT count(*) FROM marketplace_source") == [(2,)]
    assert site.sql("SELECT count(*) FROM core_job WHERE status IN ('queued', 'running', 'failed')") == [(0,)]
