"""rescan: which sources it takes, what it tells, how it exits."""

from __future__ import annotations

import shutil

import pytest
from django.utils import timezone

from marketplace.models import CatalogEntry, Source
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.models import Job
from tests.conftest import skill, skills
from tests.factories.marketplace import SourceFactory
from tests.marketplace.commanding import adds_up, manage
from tests.marketplace.scanning import counters, dump, row_counts

pytestmark = pytest.mark.django_db


@pytest.fixture
def good(registered):
    return registered(skills("a"), name="good")


@pytest.fixture
def bad(registered):
    repository, source = registered(skills("b"), name="bad")
    shutil.rmtree(repository.path)
    return source


def spellings(source: Source) -> list[str]:
    path = source.url.removeprefix("file://")
    return [str(source.pk), source.url, path, f"{source.owner}/{source.name}", f"{source.owner}/{source.name}".upper()]


def test_rescan_names_a_source_in_any_spelling(good):
    _repository, source = good
    for word in spellings(source):
        said = manage("rescan", word, "--json")
        assert (said.code, said.outcomes()) == (0, [("unchanged", None)]), word
        assert said.json["results"][0]["source_id"] == source.pk
    assert Job.objects.filter(trigger="command", status="succeeded").count() == 5


def test_rescan_all_spellings_of_one_are_one(good):
    _, source = good
    assert len(manage("rescan", *spellings(source), "--json").json["results"]) == 1


def test_rescan_tells_of_a_change(good):
    repository, source = good
    repository.commit({"skills/a/SKILL.md": skill("a", "new")} | skills("fresh"))
    said = manage("rescan", source.pk)
    assert (said.code, said.err) == (0, "")
    assert "1 new, 1 updated" in said.out
    assert "same commit as before" in manage("rescan", source.pk).out


def test_rescan_several_where_one_fails(good, bad):
    _, source = good
    said = manage("rescan", bad.pk, source.pk, "987654321", "nobody/nothing", "--json")
    assert said.code == 1
    assert said.outcomes() == [
        ("failed", "not_found"),
        ("failed", "not_found"),
        ("failed", "upstream_not_found"),
        ("unchanged", None),
    ]
    assert adds_up(said)
    people = manage("rescan", bad.pk, source.pk, "987654321")
    assert "upstream_not_found" in people.err
    assert "not_found" in people.err
    assert "upstream_not_found" not in people.out


def test_rescan_one_that_fails(bad):
    said = manage("rescan", bad.pk, "--json")
    assert (said.code, said.outcomes()) == (1, [("failed", "upstream_not_found")])
    assert said.json["results"][0]["detail"]
    assert CatalogEntry.objects.present().count() == 1


def test_rescan_a_busy_one(good):
    _, source = good
    Lease.acquire(Source, source.pk)
    said = manage("rescan", source.pk, "--force", "--json")
    assert (said.code, said.outcomes()) == (1, [("failed", "source_busy")])


@pytest.mark.parametrize("words", [(), ("--all", "1"), ("--stale",), ("--stale", "soon"), ("--what",)])
def test_rescan_usage(words):
    assert manage("rescan", *words).code == 2


def test_rescan_all_leaves_out_disabled_ones_and_tells_of_those_that_back_off(good, bad):
    _, source = good
    SourceFactory(enabled=False)
    assert manage("rescan", bad.pk).code == 1
    said = manage("rescan", "--all", "--json")
    assert said.code == 0
    assert [(row.get("source_id"), row["outcome"], row["code"]) for row in said.json["results"]] == [
        (bad.pk, "skipped", "backing_off"),
        (source.pk, "unchanged", None),
    ]
    assert manage("rescan", bad.pk, "--json").outcomes() == [("failed", "upstream_not_found")], "by id it is tried"


def test_rescan_by_tag_and_age(good, registered):
    _, source = good
    _, other = registered(skills("c"), name="other", tags=["x"])
    ids = lambda *words: [row["source_id"] for row in manage("rescan", *words, "--json").json["results"]]  # noqa: E731
    assert ids("--tag", "X") == [other.pk]
    assert ids("--stale", "1") == []
    Source.objects.filter(pk=source.pk).update(last_scanned_at=timezone.now() - timezone.timedelta(hours=2))
    assert ids("--stale", "1") == [source.pk]
    assert ids("--stale", "1", "--tag", "x") == []


def test_rescan_force_looks_again(good):
    _, source = good
    assert manage("rescan", source.pk, "--json").json["results"][0]["short_circuit"] == "commit"
    assert manage("rescan", source.pk, "--force", "--json").json["results"][0]["short_circuit"] is None


NAMES = [f"s{n:02}" for n in range(12)]


@pytest.fixture
def emptied(registered):
    repository, source = registered(skills(*NAMES), name="emptied")
    repository.commit({f"skills/{name}/SKILL.md": None for name in NAMES})
    return source


@pytest.mark.parametrize("several", [False, True])
def test_held_removals_exit_1_until_allowed(emptied, good, several):
    words = [emptied.pk, good[1].pk] if several else [emptied.pk]
    said = manage("rescan", *words, "--json")
    assert (said.code, said.outcomes()[0]) == (1, ("unchanged", "removals_held"))
    allowed = manage("rescan", *words, "--allow-removals", "--json")
    assert (allowed.code, allowed.json["results"][0]["removed_count"]) == (0, 12)


def test_add_source_scan_tells_held_removals_too(emptied):
    assert manage("add_source", emptied.url, "--scan").code == 1


def test_rescan_dry_run(good, bad):
    repository, source = good
    repository.commit(skills("fresh"))
    before = dump(), row_counts()
    said = manage("rescan", source.pk, "--dry-run", "--json")
    assert counters(said.json["results"][0]) == {"new": 1, "unchanged": 1}
    assert said.json["results"][0]["dry_run"]
    both = manage("rescan", source.pk, bad.pk, "--dry-run", "--json")
    assert (both.code, both.outcomes()) == (1, [("updated", None), ("failed", "upstream_not_found")])
    assert manage("rescan", bad.pk, "--dry-run").code == 1
    assert (dump(), row_counts()) == before


def test_rescan_async_queues_jobs(good, bad):
    _, source = good
    said = manage("rescan", source.pk, "--async", "--json")
    (job,) = said.json["results"]
    assert (said.code, job["status"], job["kind"], job["trigger"]) == (0, "queued", "marketplace.rescan", "command")
    assert manage("rescan", source.pk, "--async", "--json").json["results"][0]["id"] == job["id"], "it joins"
    many = manage("rescan", source.pk, bad.pk, "--async", "--json")
    assert many.json["results"][0]["kind"] == "marketplace.bulk_rescan"
    assert "queued" in manage("rescan", source.pk, "--async").out
    unknown = manage("rescan", "987654321", "--async", "--json")
    assert (unknown.code, unknown.outcomes()) == (1, [("failed", "not_found")])


def test_rescan_async_and_dry_run_queues_nothing(good):
    _, source = good
    before = row_counts()
    said = manage("rescan", source.pk, "--async", "--dry-run", "--json")
    assert row_counts() == before
    assert said.json["results"][0]["dry_run"]
