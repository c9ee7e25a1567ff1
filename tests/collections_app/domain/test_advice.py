"""What collections need most."""

from __future__ import annotations

from collections_app.domain.advice import CollectionFacts, Need, collection_needs
from skillmeat_site.core.advice import Advice, Urgency


def test_nothing_where_all_is_well():
    assert collection_needs(CollectionFacts()) == []


def test_each_need_with_its_rows():
    assert collection_needs(CollectionFacts(broken=1, missing=2, conflicts=3)) == [
        Advice(Need.REPAIR, Urgency.STOPPED, 1),
        Advice(Need.MISSING, Urgency.BROKEN, 2),
        Advice(Need.CONFLICT, Urgency.DECISION, 3),
    ]
