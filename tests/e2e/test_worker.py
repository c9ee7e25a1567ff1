"""A real cluster on a file database: work is delivered, and survives the death of the whole cluster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import skill, skills
from tests.e2e.conftest import add_sources

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def rescan_async(site, source):
    return site.manage("rescan", str(source), "--async")["results"][0]["id"]


def finished(site, job):
    return lambda: site.job(job)["status"] not in ("queued", "running")


def ago(**past):
    """A moment as both databases read it, in UTC."""
    return f"{datetime.now(UTC) - timedelta(**past):%Y-%m-%d %H:%M:%S}"


def test_a_command_queues_and_the_worker_scans(any_site, repository):
    """And the same message, delivered twice more, runs nothing again."""
    site = any_site
    [source] = add_sources(site, [repository.url])
    job = rescan_async(site, source)
    assert site.job(job)["status"] == "queued"
    message = site.sql("SELECT key, payload FROM django_q_ormq")[0]
    for _ in range(2):
        site.sql("INSERT INTO django_q_ormq (key, payload, lock) VALUES (?, ?, ?)", *message, ago(hours=1))
    site.start_cluster()
    site.wait_for(finished(site, job), "the worker runs the job")
    site.wait_for(lambda: not site.sql("SELECT 1 FROM django_q_ormq"), "all three messages are taken and done")
    assert site.job(job)["attempt"] == 1
    assert len(site.entries()) == 5
    assert site.sql("SELECT count(*) FROM marketplace_scanrun") == [(1,)]
    shown = site.manage("jobs", job)["results"][0]
    assert (shown["status"], shown["result"]["new_count"], shown["items"][0]["outcome"]) == ("succeeded", 5, "updated")


def test_a_cluster_killed_in_the_middle_leaves_the_catalog_and_its_job_is_done_again(any_site, repository):
    site = any_site
    [source] = add_sources(site, [repository.url])
    site.manage("rescan", str(source))
    before = site.entries()
    run = site.sql("SELECT head_commit, tree_oid, counts, last_success_at FROM marketplace_source")
    repository.commit(
        {**skills("delta"), "skills/alpha/SKILL.md": skill("alpha", "Changed"), "skills/beta/SKILL.md": None}
    )

    with site.slow_git() as reached:
        job = rescan_async(site, source)
        site.start_cluster()
        site.wait_for(reached.exists, "the scan lists the tree")
        site.kill_cluster()

    dead = site.job(job)
    assert (dead["status"], dead["attempt"]) == ("running", 1)
    assert dead["lease_token"] is not None
    assert site.entries() == before
    assert site.sql("SELECT head_commit, tree_oid, counts, last_success_at FROM marketplace_source") == run

    assert site.manage("reap_jobs")["summary"]["requeued"] == 0  # its heart has stopped only a moment ago
    site.sql("UPDATE core_job SET heartbeat_at = ?", ago(minutes=10))
    site.sql("UPDATE marketplace_source SET lease_until = ?", ago(minutes=1))
    assert site.manage("reap_jobs")["summary"] == {"requeued": 1, "failed": 0, "resent": 0, "closed": 0}
    assert site.job(job)["status"] == "queued"

    site.start_cluster()
    site.wait_for(finished(site, job), "the second attempt ends")
    assert (site.job(job)["status"], site.job(job)["attempt"]) == ("succeeded", 2)
    present = {path: (oid, presence) for _, _, path, oid, presence in site.entries()}
    was = {path: oid for _, _, path, oid, _ in before}
    assert {path: presence for path, (_, presence) in present.items()} == {
        **dict.fromkeys(was, "present"),
        "skills/delta": "present",
        "skills/beta": "removed",
    }
    changed = {path for path in was if present[path][0] != was[path]}
    assert changed == {"skills/alpha"}
    result = site.manage("jobs", job)["results"][0]["result"]
    counters = {name: result[f"{name}_count"] for name in ("new", "updated", "removed", "unchanged")}
    assert counters == {"new": 1, "updated": 1, "removed": 1, "unchanged": 3}
