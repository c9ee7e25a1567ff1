"""What sources and entries need most, told from a few counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skillmeat_site.core.advice import Advice, Urgency


class Need(StrEnum):
    """What there may be to do, and what its rows are."""

    ADD_SOURCE = "add_source"
    SCAN_FIRST = "scan_first"  # sources that were never scanned
    FIX_SOURCES = "fix_sources"  # sources that fail or cannot be reached
    ALLOW_REMOVALS = "allow_removals"  # sources whose removals are held
    SCAN_STALE = "scan_stale"  # sources
    DECIDE_TAGS = "decide_tags"  # tags
    IMPORT_FIRST = "import_first"  # entries, of which nothing was imported yet
    TAKE_UPDATES = "take_updates"  # entries whose import is older


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Counts of sources, and of the tags they suggest that wait for a decision.

    Disabled sources are in ``total`` alone; those whose removals are held are not in ``failing``.
    """

    total: int = 0
    never_scanned: int = 0
    failing: int = 0
    held: int = 0
    stale: int = 0
    waiting_tags: int = 0


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """Counts of entries."""

    importable: int = 0
    imported: int = 0
    updates: int = 0


def source_needs(facts: SourceFacts) -> list[Advice]:
    """What is worth doing about sources; nothing where all is well."""
    if not facts.total:
        return [Advice(Need.ADD_SOURCE, Urgency.BEGINNING)]
    return _there(
        Advice(Need.FIX_SOURCES, Urgency.BROKEN, facts.failing),
        Advice(Need.SCAN_FIRST, Urgency.BEGINNING, facts.never_scanned),
        Advice(Need.ALLOW_REMOVALS, Urgency.DECISION, facts.held),
        Advice(Need.SCAN_STALE, Urgency.BEHIND, facts.stale),
        Advice(Need.DECIDE_TAGS, Urgency.TIDY, facts.waiting_tags),
    )


def entry_needs(facts: EntryFacts) -> list[Advice]:
    """What is worth doing about entries; nothing where all is well."""
    return _there(
        Advice(Need.IMPORT_FIRST, Urgency.BEGINNING, 0 if facts.imported else facts.importable),
        Advice(Need.TAKE_UPDATES, Urgency.BEHIND, facts.updates),
    )


def _there(*needs: Advice) -> list[Advice]:
    return [one for one in needs if one.rows]
