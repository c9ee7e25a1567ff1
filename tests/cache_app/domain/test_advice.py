"""What projects need most."""

from __future__ import annotations

from cache_app.domain.advice import Need, ProjectFacts, project_needs
from skillmeat_site.core.advice import Advice, Urgency


def test_nothing_where_all_is_well():
    assert project_needs(ProjectFacts()) == []


def test_each_need_with_its_rows():
    assert project_needs(ProjectFacts(unreadable=1, drifted=2, outdated=3, stale=4)) == [
        Advice(Need.UNREADABLE, Urgency.BROKEN, 1),
        Advice(Need.DRIFT, Urgency.DECISION, 2),
        Advice(Need.OUTDATED, Urgency.BEHIND, 3),
        Advice(Need.READ, Urgency.TIDY, 4),
    ]
