"""What projects need most, told from a few counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skillmeat_site.core.advice import Advice, Urgency


class Need(StrEnum):
    """What there may be to do, and what its rows are."""

    UNREADABLE = "unreadable"  # projects
    DRIFT = "drift"  # deployments edited in their project, gone from it, or both edited and outdated
    OUTDATED = "outdated"  # deployments older than their collection
    READ = "read"  # projects whose reading no longer holds


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """Counts of projects and of their deployments, as last read."""

    unreadable: int = 0
    drifted: int = 0
    outdated: int = 0
    stale: int = 0


def project_needs(facts: ProjectFacts) -> list[Advice]:
    """What is worth doing; nothing where all is well."""
    found = [
        Advice(Need.UNREADABLE, Urgency.BROKEN, facts.unreadable),
        Advice(Need.DRIFT, Urgency.DECISION, facts.drifted),
        Advice(Need.OUTDATED, Urgency.BEHIND, facts.outdated),
        Advice(Need.READ, Urgency.TIDY, facts.stale),
    ]
    return [one for one in found if one.rows]
