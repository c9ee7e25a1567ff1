"""list_entries and exclude_entries; hostile names in what a command prints."""

from __future__ import annotations

import pytest

from marketplace.models import CatalogEntry
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from tests.conftest import skill
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory
from tests.marketplace.commanding import manage
from tests.marketplace.scanning import dump, row_counts

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalog(db):
    source = SourceFactory()
    alpha = CatalogEntryFactory(source=source, name="alpha")
    CatalogEntryFactory(source=source, name="alp[h]a-2", type="command")
    CatalogEntryFactory(source=source, name="gone", removed=True)
    CatalogEntryFactory(source=source, name="unwanted", excluded=True)
    CatalogEntryFactory(source=source, name="copy", duplicate_of=alpha)
    CatalogEntryFactory(name="other", changed_since_first_seen=True)
    return source


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), "alpha alp[h]a-2 other"),
        (("-t", "skill"), "alpha other"),
        (("--type", "skill", "--artifact-type", "command"), "alpha alp[h]a-2 other"),
        (("-n", "alp*"), "alpha alp[h]a-2"),
        (("-n", "al?ha"), "alpha"),
        (("-n", "alpha"), "alpha"),
        (("-n", "a.*"), ""),
        (("-n", "*a*[!z]*a*"), "alpha alp[h]a-2"),
        (("-n", "al[p-q]*a"), "alpha"),
        (("-n", "alp[[]h]*"), "alp[h]a-2"),
        (("-n", "al[]p]ha"), "alpha"),
        (("-n", "al[^]ha"), ""),
        (("-n", "alp[ha"), ""),
        (("-n", "*[\\d]*"), ""),
        (("--status", "updated"), "other"),
        (("--status", "removed"), "gone"),
        (("--status", "excluded", "--status", "updated"), "unwanted other"),
        (("--include", "duplicate"), "alpha copy alp[h]a-2 other"),
        (("--include", "removed", "--include", "excluded"), "alpha gone unwanted alp[h]a-2 other"),
    ],
)
def test_list_entries(catalog, words, names):
    said = manage("list_entries", *words, "--json")
    assert sorted(row["name"] for row in said.json["results"]) == sorted(names.split())
    assert said.json["summary"] == {"total": len(names.split())}
    assert f"{len(names.split())} entries" in manage("list_entries", *words).out


def test_list_entries_of_a_source(catalog):
    for word in (catalog.pk, catalog.url, f"{catalog.owner}/{catalog.name}"):
        assert manage("list_entries", "--source", word, "--json").json["summary"] == {"total": 2}
    said = manage("list_entries", "--source", "987654321", "--json")
    assert (said.code, said.outcomes()) == (1, [("failed", "not_found")])
    assert manage("list_entries", "-t", "workflow").code == 2
    assert manage("list_entries", "-n", "[z-a]", "--json").outcomes() == [("failed", "invalid_parameter")]


def test_exclude_and_restore_by_id_and_by_filter(catalog):
    alpha = CatalogEntry.objects.get(name="alpha")
    said = manage("exclude_entries", alpha.pk, 987654321, "--reason", "why", "--json")
    assert (said.code, said.outcomes()) == (1, [("updated", None), ("failed", "not_found")])
    alpha.refresh_from_db()
    assert alpha.excluded_reason == "why"
    said = manage("exclude_entries", "--source", catalog.pk, "--restore", "--json")
    assert said.code == 0
    assert sorted(said.outcomes()) == [("unchanged", None), ("updated", None), ("updated", None)]
    assert not CatalogEntry.objects.filter(excluded_at__isnull=False).exists()
    assert manage("exclude_entries", "-n", "nobody*", "--json").json["results"] == []


def test_exclude_entries_dry_run(catalog):
    before = dump(), row_counts()
    said = manage("exclude_entries", "-t", "skill", "--dry-run", "--json")
    assert said.outcomes() == [("updated", None)] * 2
    assert (dump(), row_counts()) == before


@pytest.mark.parametrize("words", [(), ("1", "-t", "skill"), ("one",), ("--reason", "x")])
def test_exclude_entries_usage(catalog, words):
    assert manage("exclude_entries", *words).code == 2


def test_exclude_entries_with_too_long_a_reason(catalog):
    said = manage("exclude_entries", "-t", "skill", "--reason", "x" * 501, "--json")
    assert (said.code, said.outcomes()) == (1, [("failed", "invalid_parameter")])


HOSTILE = "x\u202egnp\x1b[31m"


def test_hostile_names_are_printed_as_escapes(make_repository, tmp_path):
    """No name from upstream moves the cursor, changes a colour or turns the line around."""
    files = {
        f"skills/{HOSTILE}/SKILL.md": skill("a"),
        f".claude/commands/{HOSTILE}.md": "---\ndescription: x\n---\nx\n",
    }
    repository = make_repository(f"r\u202e{'y'}", files)
    said = [
        manage("add_source", repository.url, "--scan"),
        manage("list_sources"),
        manage("rescan", "--all", "--force"),
        manage("list_entries"),
        manage("exclude_entries", "-t", "command"),
        manage("detect", repository.path),
        manage("demo", repository.url),
        manage("rescan", "--all", "--async"),
    ]
    for one in said:
        assert one.code == 0, one
        assert "\u202e" not in one.out + one.err
        assert "\x1b" not in one.out + one.err
        assert "\\u202e" in one.out
    assert HOSTILE in "".join(row["path"] for row in manage("list_entries", "--json").json["results"])


def test_json_is_ascii_whatever_the_names(make_repository):
    source = create_source(
        url=make_repository("r", {f"skills/{HOSTILE}/SKILL.md": skill("ä")}).url, actor=COMMAND_LINE
    )
    assert manage("rescan", source.pk, "--json").out.isascii()
    assert manage("list_entries", "--json").out.isascii()
