"""Two processes at once, on the databases and with the options of production."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conftest import skills
from tests.e2e.conftest import add_sources

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_eight_rescans_from_two_processes(any_site, make_repository):
    site = any_site
    names = [f"repo{n}" for n in range(8)]
    repositories = [make_repository(name, skills(*(f"{name}-{n}" for n in range(20)))) for name in names]
    ids = add_sources(site, [repository.url for repository in repositories])
    halves = (ids[:4], ids[4:])
    processes = [site.start("rescan", *map(str, half), "--json") for half in halves]
    for process in processes:
        summary = site.answer(process)["summary"]
        assert (summary["updated"], summary["total"]) == (4, 4)
    assert Counter(entry[0] for entry in site.entries()) == dict.fromkeys(ids, 20)
    assert len({entry[2] for entry in site.entries()}) == 160
    assert site.sql("SELECT status, count(*) FROM core_job GROUP BY status") == [("succeeded", 10)]
    assert site.sql("SELECT count(*) FROM marketplace_scanrun WHERE outcome = 'failed'") == [(0,)]


def test_two_processes_at_one_source(any_site, repository):
    """One scans, the other is told that it is busy; the catalog is the one of a single scan."""
    site = any_site
    [source] = add_sources(site, [repository.url])
    with site.slow_git() as reached:
        first = site.start("rescan", str(source), "--json")
        site.wait_for(reached.exists, "the first process holds the source")
        refused = site.manage("rescan", str(source), expect=1)
        assert [row["code"] for row in refused["results"]] == ["source_busy"]
        assert site.entries() == []
    done = site.answer(first)["results"][0]
    assert (done["outcome"], done["new_count"]) == ("updated", 5)
    assert len(site.entries()) == 5
    assert site.sql("SELECT count(*) FROM core_job") == [(1,)]


def test_two_processes_at_the_same_four_sources(any_site, make_repository):
    site = any_site
    """Whoever comes second at a source is told so, or finds it current: nothing is written twice."""
    site = any_site
    ids = add_sources(site, [make_repository(f"repo{n}", skills(f"a{n}", f"b{n}")).url for n in range(4)])
    processes = [site.start("rescan", *map(str, order), "--json") for order in (ids, ids[::-1])]
    for process in processes:
        out, err = process.communicate(timeout=90)
        assert process.returncode in (0, 1), (out, err)
        assert b"locked" not in out + err
    assert len(site.entries()) == 8
    codes = {code for (code,) in site.sql("SELECT DISTINCT code FROM core_jobitem")}
    assert codes <= {"", "source_busy"}
    assert site.sql("SELECT count(*) FROM core_job WHERE status IN ('queued', 'running')") == [(0,)]
