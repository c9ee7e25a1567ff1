"""add_source and list_sources, run as a user runs them."""

from __future__ import annotations

import pytest

from marketplace.models import Source
from skillmeat_site.core.models import AuditEvent
from tests.factories.marketplace import SourceFactory
from tests.marketplace.commanding import adds_up, manage
from tests.marketplace.scanning import counters, row_counts

pytestmark = pytest.mark.django_db


def test_add_source_registers_without_asking_anybody():
    said = manage("add_source", "acme/tools", "https://github.com/acme/other", "--tag", "a", "--tag", "b", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.outcomes() == [("created", None), ("created", None)]
    assert said.json["results"][0]["url"] == "https://github.com/acme/tools"
    assert said.json["results"][0]["tags"] == ["a", "b"]
    assert adds_up(said)
    assert {event.trigger for event in AuditEvent.objects.all()} == {"command"}


def test_add_source_of_a_known_one_is_unchanged():
    manage("add_source", "acme/tools")
    said = manage("add_source", "https://github.com/ACME/tools.git", "--json")
    assert (said.code, said.outcomes()) == (0, [("unchanged", None)])
    assert Source.objects.count() == 1


def test_add_source_with_options_and_scan(repository):
    said = manage("add_source", repository.path, "--ref", "main", "--root-hint", "skills", "--scan", "--json")
    assert said.code == 0
    row = said.json["results"][0]
    assert (row["ref"], row["root_hint"]) == ("main", "skills")
    assert counters(row["scan"]) == {"new": 3}


def test_add_source_single(repository):
    row = manage("add_source", repository.url, "--single-artifact-type", "skill", "--scan", "--json").json["results"][
        0
    ]
    assert row["scan"]["artifacts_found"] == 1


def test_add_source_each_url_settles_by_itself():
    said = manage("add_source", "acme/tools", "https://evil.example/a/b", "nonsense", "--json")
    assert said.code == 1
    assert said.outcomes() == [("created", None), ("failed", "host_not_allowed"), ("failed", "invalid_url")]
    assert adds_up(said)


def test_add_source_that_cannot_be_scanned_is_kept_and_fails(tmp_path):
    said = manage("add_source", tmp_path / "repos" / "missing", "--scan", "--json")
    assert (said.code, said.outcomes()) == (1, [("failed", "upstream_not_found")])
    assert Source.objects.count() == 1


def test_add_source_dry_run_writes_nothing_and_tells_the_same():
    before = row_counts()
    words = ("add_source", "acme/tools", "nonsense", "--json")
    dry = manage(*words, "--dry-run")
    assert row_counts() == before
    real = manage(*words)
    assert (dry.code, dry.outcomes()) == (real.code, real.outcomes())


@pytest.mark.parametrize("wrong", [("--tag", "no tag"), ("--root-hint", "../x"), ("--ref", "a..b")])
def test_add_source_dry_run_refuses_what_the_run_would(wrong):
    words = ("add_source", "acme/tools", *wrong, "--json")
    dry = manage(*words, "--dry-run")
    real = manage(*words)
    assert dry.code == real.code == 1
    assert dry.outcomes() == real.outcomes()
    assert not Source.objects.exists()


def test_list_sources():
    SourceFactory(tags=["x"], scanned=True)
    SourceFactory(enabled=False)
    said = manage("list_sources", "--json")
    assert [row["health"] for row in said.json["results"]] == ["fresh", "disabled"]
    assert said.json["summary"] == {"total": 2}
    assert len(manage("list_sources", "--tag", "X", "--json").json["results"]) == 1
    assert len(manage("list_sources", "--status", "disabled", "--json").json["results"]) == 1
    assert "2 sources" in manage("list_sources").out
    assert manage("list_sources", "--status", "well").code == 2
