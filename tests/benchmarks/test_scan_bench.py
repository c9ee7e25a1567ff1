"""What a scan costs: the first of 10,000 entries, of a current source, and after one change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection

from marketplace.domain.scan_plan import plan_scan
from marketplace.domain.types import ArtifactType, Basis, Detected
from marketplace.jobs import rescan
from marketplace.models import CatalogEntry
from marketplace.services.catalog_writer import known_entries
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from skillmeat_site.upstream.sample import commit, create_repository
from tests.conftest import skill, skills
from tests.fakes.git_http import serve
from tests.marketplace.scanning import counters

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True)]

ENTRIES = 10_000
NAMES = [f"skill-{n:05}" for n in range(ENTRIES)]


def run(source) -> dict:
    """A rescan as every face starts it: a job, run here."""
    params = {"source_id": source.pk, "force": False, "allow_removals": False}
    return runner.run_inline(rescan, params, COMMAND_LINE).unwrap().to_json()


@pytest.fixture
def source(make_repository):
    return create_source(url=make_repository("large", skills(*NAMES)).url, actor=COMMAND_LINE)


def test_a_large_source(source, make_repository, measured, record_figure, database, tmp_path):
    with measured() as first:
        assert counters(run(source)) == {"new": ENTRIES}
    statements = 400 if connection.vendor == "sqlite" else 60
    record_figure(f"first scan of 10,000 entries, own time, {database}", first.own_seconds, "s", 4)
    record_figure(f"first scan of 10,000 entries, own processor time, {database}", first.cpu_seconds, "s", None)
    record_figure(f"first scan of 10,000 entries, git's time, {database}", first.git_seconds, "s", None)
    record_figure(f"first scan of 10,000 entries, {database}", len(first.statements), "statements", statements)

    with measured() as current:
        assert counters(run(source)) == {"unchanged": ENTRIES}
    record_figure(f"current source of 10,000 entries, {database}", len(current.statements), "statements", 15)
    record_figure(f"current source of 10,000 entries, {database}", current.git_calls, "git calls", 1)
    record_figure(f"current source of 10,000 entries, own time, {database}", current.own_seconds, "s", None)

    path = tmp_path / "repos" / "large.git"
    commit(path, {"skills/skill-05000/SKILL.md": skill("skill-05000", "changed")}, "one", time=1_800_000_000)
    with measured() as one:
        assert counters(run(source)) == {"updated": 1, "unchanged": ENTRIES - 1}
    record_figure(f"one changed among 10,000, {database}", len(one.statements), "statements", 40)
    record_figure("one changed among 10,000", one.blobs, "blobs read", 1)
    record_figure(f"one changed among 10,000, own time, {database}", one.own_seconds, "s", None)

    moved = {f"skills/{name}/SKILL.md": None for name in NAMES}
    moved |= {f"moved/skills/{name}/SKILL.md": skill(name) for name in NAMES if name != "skill-05000"}
    commit(path, moved, "everything", time=1_800_000_060)
    with measured() as all_moved:
        assert counters(run(source)) == {"updated": ENTRIES - 1, "removed": 1}
    record_figure(f"10,000 moved entries, own time, {database}", all_moved.own_seconds, "s", None)
    record_figure(f"10,000 moved entries, {database}", len(all_moved.statements), "statements", None)
    assert CatalogEntry.objects.exclude(moved_from="").count() == ENTRIES - 1


def test_requests_of_a_current_source(measured, record_figure, settings, tmp_path):
    path = tmp_path / "served" / "acme" / "tools.git"
    create_repository(path)
    commit(path, skills("a", "b"), "first", time=1_767_225_600)
    with serve(tmp_path / "served") as server:
        settings.SKILLMEAT_ALLOWED_HOSTS = [server.url]
        source = create_source(url=f"{server.url}/acme/tools", actor=COMMAND_LINE)
        record_figure("first scan over http", server.count(lambda: run(source)), "requests", 5)
        record_figure("current source over http", server.count(lambda: run(source)), "requests", 1)
        commit(path, {"skills/a/SKILL.md": skill("a", "changed")}, "second", time=1_767_225_700)
        record_figure("one changed over http", server.count(lambda: run(source)), "requests", 5)


def test_the_plan_is_linear(source, measured, record_figure):
    """Plans of the sort that is easily quadratic: everything moved, everything byte-identical."""

    def seconds(count: int, content: str) -> float:
        one = Detected(ArtifactType.SKILL, "x", "x/SKILL.md", "x", "", 90, Basis.LAYOUT)
        before = [replace(one, path=f"a/{n}", content_oid=content or str(n)) for n in range(count)]
        after = [replace(artifact, path=f"b{artifact.path}") for artifact in before]
        CatalogEntry.objects.all().delete()
        rows = plan_scan([], before, complete=True)
        CatalogEntry.objects.bulk_create(
            [
                CatalogEntry(source=source, key=key, type="skill", path=a.path, name=a.name, content_oid=a.content_oid,
                             commit="", confidence=90, basis="layout", fingerprint="")
                for key, a in rows.found.items()
            ],
            batch_size=1000,
        )  # fmt: skip
        known = known_entries(source)
        costs = []
        for _ in range(3):
            with measured() as cost:
                assert len(plan_scan(known, after, complete=True).moved) == count
            costs.append(cost.cpu_seconds)
        return min(costs)

    for label, content in (("distinct", ""), ("identical", "same")):
        small, large = seconds(1_000, content), seconds(10_000, content)
        record_figure(f"plan of 10,000 moves, {label} contents", large, "s", 1)
        record_figure(f"plan of 10,000 moves against 1,000, {label} contents", large / small, "times", 20)
