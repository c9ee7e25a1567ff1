"""All collections in a few counts, each of which a list can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from collections_app.domain.advice import CollectionFacts
from collections_app.domain.artifact_state import ArtifactState
from collections_app.models import Artifact, Collection


@dataclass(frozen=True, slots=True)
class CollectionTally:
    """Every artifact is in exactly one of ``states``. ``broken``: collections with a problem."""

    collections: int
    broken: int
    states: Mapping[ArtifactState, int]

    @property
    def artifacts(self) -> int:
        return sum(self.states.values())

    @property
    def facts(self) -> CollectionFacts:
        states = self.states
        return CollectionFacts(self.broken, states[ArtifactState.MISSING], states[ArtifactState.CONFLICT])


def tally_collections(user: Any) -> CollectionTally:
    """Two statements."""
    counted = Collection.objects.for_user(user).aggregate(
        n=Count("pk"), broken=Count("pk", filter=~Q(problem_code=""))
    )
    artifacts: Any = Artifact.objects.for_user(user).with_state()
    states = dict(artifacts.order_by().values_list("state").annotate(n=Count("*")))
    return CollectionTally(counted["n"], counted["broken"], {one: states.get(one.value, 0) for one in ArtifactState})
