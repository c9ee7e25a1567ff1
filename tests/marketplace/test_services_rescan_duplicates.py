"""The same content twice: within a source one entry stands for all, across sources it is only counted."""

from __future__ import annotations

import pytest

from marketplace.models import CatalogEntry
from marketplace.services.entries import set_excluded
from marketplace.services.sources import update_source
from skillmeat_site.core.actor import COMMAND_LINE
from tests.conftest import skill, skills
from tests.marketplace.scanning import counters, dump, entry, scan

pytestmark = pytest.mark.django_db

PDF = skill("pdf")


def winner(source, path: str) -> str | None:
    best = entry(source, path).duplicate_of
    return best.path if best else None


def test_the_shorter_path_wins_among_equals(registered):
    _, source = registered({"skills/pdf/SKILL.md": PDF, "skills/copy-of-pdf/SKILL.md": PDF} | skills("other"))
    assert source.counters["duplicates_within_source"] == 1
    assert winner(source, "skills/copy-of-pdf") == "skills/pdf"
    assert winner(source, "skills/pdf") is None
    assert entry(source, "skills/copy-of-pdf").status == "new", "a duplicate is no exclusion"


def test_the_surer_one_wins_whatever_its_path(registered):
    _, source = registered({".claude/skills/pdf/SKILL.md": PDF, "a/pdf/SKILL.md": PDF})
    sure, unsure = entry(source, ".claude/skills/pdf"), entry(source, "a/pdf")
    assert sure.confidence > unsure.confidence
    assert unsure.duplicate_of == sure


def test_the_one_mapped_by_hand_wins_over_equals(registered):
    files = {"x/skills/pdf/SKILL.md": PDF, "mapped/by/hand/SKILL.md": PDF}
    _, source = registered(files, manual_map={"mapped/by/hand": "skill"})
    assert entry(source, "mapped/by/hand").manual
    assert winner(source, "x/skills/pdf") == "mapped/by/hand"


def test_other_types_and_other_names_of_equal_bytes(registered):
    """The reference system merges an agent with a command, and never files of other names."""
    text = "---\nname: x\ndescription: X\n---\nX\n"
    files = {".claude/agents/x.md": text, ".claude/commands/x.md": text, ".claude/commands/y.md": text}
    _, source = registered(files)
    assert winner(source, ".claude/agents/x.md") is None
    assert winner(source, ".claude/commands/y.md") == ".claude/commands/x.md"
    assert source.counters["duplicates_within_source"] == 1


def test_when_the_winner_vanishes_the_loser_stands_alone(registered):
    repository, source = registered({"skills/pdf/SKILL.md": PDF, "skills/pdf-copy/SKILL.md": PDF})
    loser = entry(source, "skills/pdf-copy").pk
    repository.commit({"skills/pdf/SKILL.md": None})
    assert counters(scan(source)) == {"unchanged": 1, "removed": 1}
    alone = entry(source, "skills/pdf-copy")
    assert (alone.pk, alone.duplicate_of) == (loser, None)
    assert list(CatalogEntry.objects.visible()) == [alone]


def test_when_the_winner_changes_the_loser_stands_alone(registered):
    repository, source = registered({"skills/pdf/SKILL.md": PDF, "skills/pdf-copy/SKILL.md": PDF})
    repository.commit({"skills/pdf/SKILL.md": skill("pdf", "Reads more")})
    assert counters(scan(source)) == {"unchanged": 1, "updated": 1}
    assert winner(source, "skills/pdf-copy") is None


def test_a_better_one_that_comes_later_takes_over(registered):
    repository, source = registered({"skills/pdf-copy/SKILL.md": PDF, "skills/pdf-copy-2/SKILL.md": PDF})
    repository.commit({"skills/pdf/SKILL.md": PDF})
    assert counters(scan(source)) == {"new": 1, "unchanged": 2, "within": 2}
    assert winner(source, "skills/pdf-copy") == winner(source, "skills/pdf-copy-2") == "skills/pdf"
    assert winner(source, "skills/pdf") is None


def test_a_repeated_scan_counts_the_same(registered):
    _, source = registered({"skills/pdf/SKILL.md": PDF, "skills/pdf-copy/SKILL.md": PDF})
    before = dump()
    assert counters(scan(source, force=True)) == {"unchanged": 2, "within": 1}
    assert dump() == before


def test_an_entry_whose_link_changes_has_another_etag(registered):
    """An entry's ETag is its last write: a link is a write like any other."""
    repository, source = registered({"skills/pdf/SKILL.md": PDF, "skills/pdf-copy/SKILL.md": PDF})
    before = entry(source, "skills/pdf-copy").updated_at
    repository.commit({"skills/pdf/SKILL.md": None})
    scan(source)
    assert entry(source, "skills/pdf-copy").updated_at > before


# ---- across sources


@pytest.fixture
def two(registered):
    """Two sources that share one skill; the second has it twice."""
    _, first = registered(skills("shared", "mine"), name="first")
    _, second = registered(
        {"skills/shared/SKILL.md": skill("shared"), "copies/skills/shared/SKILL.md": skill("shared")} | skills("own"),
        name="second",
    )
    return first, second


def test_counted_by_the_source_with_the_higher_id_only(two):
    first, second = two
    assert counters(scan(second, force=True)) == {"unchanged": 3, "within": 1, "cross": 1}
    assert counters(scan(first, force=True)) == {"unchanged": 2}
    assert not CatalogEntry.objects.filter(duplicate_of__isnull=False).exclude(source=second).exists()


def test_derived_never_stored(two):
    _, second = two
    elsewhere = CatalogEntry.objects.also_in_another_source()
    assert {e.source_id for e in elsewhere} == {second.pk}
    assert winner(second, "skills/shared") is None


def test_a_disabled_source_does_not_count(two):
    first, second = two
    update_source(first, actor=COMMAND_LINE, changes={"enabled": False})
    assert counters(scan(second, force=True)) == {"unchanged": 3, "within": 1}


def test_what_is_removed_elsewhere_does_not_count(two):
    first, second = two
    first.entries.update(presence="removed", removed_at=first.last_scanned_at)
    assert counters(scan(second, force=True)) == {"unchanged": 3, "within": 1}


def test_an_exclusion_elsewhere_does_not_uncount(two):
    """The user does not want it there; the content is there all the same."""
    first, second = two
    ids = list(first.entries.values_list("pk", flat=True))
    set_excluded(ids, excluded=True, actor=COMMAND_LINE)
    assert counters(scan(second, force=True)) == {"unchanged": 3, "within": 1, "cross": 1}
