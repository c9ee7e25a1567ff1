"""The demo tells the whole story, can be told again, and fails honestly."""

from __future__ import annotations

import pytest

from marketplace.models import CatalogEntry, Source
from tests.marketplace.commanding import manage

pytestmark = pytest.mark.django_db


def test_demo_tells_the_whole_story_and_can_be_told_again(settings):
    home = settings.SKILLMEAT_HOME
    projects = home.with_name(f"{home.name}-projects")
    settings.SKILLMEAT_LOCAL_SOURCE_ROOTS = [home / "sample"]
    settings.SKILLMEAT_PROJECT_ROOTS = [projects]
    for _ in range(2):
        said = manage("demo", "--json")
        assert said.code == 0
        (
            first, second, taken, deployed, third, again, back, check, noted, foreseen, synced, undone,
        ) = said.json["results"]  # fmt: skip
        found = first["artifacts_found"]
        assert first["new_count"] == found > 10
        assert (second["unchanged_count"], second["short_circuit"]) == (found, "commit")
        assert taken["success_count"] == len(taken["entries"]) == 10
        assert deployed["summary"]["created"] == deployed["summary"]["total"] == 9
        # A skill whose script has changed and a command; a skill moved, one came, an agent went.
        assert (third["updated_count"], third["new_count"], third["removed_count"]) == (3, 1, 1)
        assert [move["to"] for move in third["moved"]] == ["skills/office/spreadsheet"]
        assert (again["outcome"], again["deployments_restored"], again["local_changes"]) == ("updated", 1, False)
        assert "skills/pdf" in back["changed"]
        assert (check["updates_available"], check["errors"]) == (2, 1)
        assert [row["changes"] for row in noted["details"] if row["changes"]] == [["description"]]
        assert (foreseen["dry_run"], synced["dry_run"]) == (True, False)
        assert foreseen["refreshed_count"] == synced["refreshed_count"] == 3
        assert "skills/pdf" in undone["changed"]
        types = set(CatalogEntry.objects.values_list("type", flat=True))
        assert types == {"marketplace", "plugin", "skill", "command", "agent", "hook", "mcp"}
        filled = "skills/pdf/scripts/fill.py"
        assert (projects / "scratch/.claude" / filled).read_text() == "print('filled, and checked')\n"
        assert (home / "collections/demo" / filled).read_text() == "print('filled')\n"
    assert Source.objects.count() == 1
    people = manage("demo")
    assert people.code == 0
    for step in (
        "1. Registered",
        "2. First scan",
        "4. Imported",
        "5. Deployed",
        "8. Re-imported",
        "9. Gone back",
        "Done.",
    ):
        assert step in people.out


def test_demo_of_a_repository(repository):
    said = manage("demo", repository.url, "--json")
    assert (said.code, len(said.json["results"])) == (0, 3)
    assert "SKILLMEAT_PROJECT_ROOTS" in manage("demo", repository.url).out


def test_demo_that_fails(tmp_path):
    said = manage("demo", tmp_path / "repos" / "missing", "--json")
    assert (said.code, said.outcomes()) == (1, [("failed", "upstream_not_found")])
    people = manage("demo", tmp_path / "repos" / "missing")
    assert people.code == 1
    assert "upstream_not_found" in people.err
