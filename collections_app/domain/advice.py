"""What collections need most, told from a few counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skillmeat_site.core.advice import Advice, Urgency


class Need(StrEnum):
    """What there may be to do, and what its rows are."""

    REPAIR = "repair"  # collections whose files cannot be understood
    MISSING = "missing"  # artifacts without files
    CONFLICT = "conflict"  # artifacts edited here and changed upstream


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """Counts of collections and of artifacts."""

    broken: int = 0
    missing: int = 0
    conflicts: int = 0


def collection_needs(facts: CollectionFacts) -> list[Advice]:
    """What is worth doing; nothing where all is well."""
    found = [
        Advice(Need.REPAIR, Urgency.STOPPED, facts.broken),
        Advice(Need.MISSING, Urgency.BROKEN, facts.missing),
        Advice(Need.CONFLICT, Urgency.DECISION, facts.conflicts),
    ]
    return [one for one in found if one.rows]
