"""What sources and entries need most."""

from __future__ import annotations

import pytest

from marketplace.domain.advice import EntryFacts, Need, SourceFacts, entry_needs, source_needs
from skillmeat_site.core.advice import Advice, Urgency


@pytest.mark.parametrize(
    ("facts", "needs"),
    [
        (SourceFacts(), [Advice(Need.ADD_SOURCE, Urgency.BEGINNING)]),
        (SourceFacts(total=3), []),
        (SourceFacts(total=3, never_scanned=2), [Advice(Need.SCAN_FIRST, Urgency.BEGINNING, 2)]),
        (SourceFacts(total=3, failing=1), [Advice(Need.FIX_SOURCES, Urgency.BROKEN, 1)]),
        (SourceFacts(total=3, held=1), [Advice(Need.ALLOW_REMOVALS, Urgency.DECISION, 1)]),
        (SourceFacts(total=3, stale=3), [Advice(Need.SCAN_STALE, Urgency.BEHIND, 3)]),
        (SourceFacts(total=3, waiting_tags=7), [Advice(Need.DECIDE_TAGS, Urgency.TIDY, 7)]),
    ],
)
def test_sources(facts, needs):
    assert source_needs(facts) == needs


def test_several_needs_of_sources():
    facts = SourceFacts(total=9, never_scanned=1, failing=2, held=3, stale=4, waiting_tags=5)
    assert {one.kind: one.rows for one in source_needs(facts)} == {
        Need.FIX_SOURCES: 2,
        Need.SCAN_FIRST: 1,
        Need.ALLOW_REMOVALS: 3,
        Need.SCAN_STALE: 4,
        Need.DECIDE_TAGS: 5,
    }


@pytest.mark.parametrize(
    ("facts", "needs"),
    [
        (EntryFacts(), []),
        (EntryFacts(importable=5), [Advice(Need.IMPORT_FIRST, Urgency.BEGINNING, 5)]),
        (EntryFacts(importable=5, imported=1), []),
        (EntryFacts(importable=5, imported=2, updates=1), [Advice(Need.TAKE_UPDATES, Urgency.BEHIND, 1)]),
    ],
)
def test_entries(facts, needs):
    assert entry_needs(facts) == needs
