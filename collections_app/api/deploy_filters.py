"""Filters of deployments, projects, and of the artifacts that are to be deployed."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from collections_app.domain.artifact_state import ArtifactState
from collections_app.domain.deploy_targets import Profile
from collections_app.domain.drift import DriftState
from collections_app.domain.types import ArtifactKind
from collections_app.models import Artifact, Deployment, Project
from collections_app.querysets import ArtifactQuerySet, DeploymentQuerySet
from collections_app.services.drift import states_of
from skillmeat_site.core.api.filters import ChoiceList, FilterSet, WholeNumberFilter, one_of

KINDS = [kind.value for kind in ArtifactKind]
STATES = [state.value for state in DriftState]


class DeploymentFilter(FilterSet):
    """``state`` looks at the disk of every deployment that the other filters leave."""

    orderings = ("deployed_at", "name", "type", "id")

    project = WholeNumberFilter(field_name="project_id")
    collection = django_filters.CharFilter(method="in_collection")
    artifact = django_filters.UUIDFilter(field_name="artifact_id")
    profile = ChoiceList(words=[profile.value for profile in Profile], field_name="profile")
    type = ChoiceList(words=KINDS, field_name="type")
    state = ChoiceList(words=STATES, method="keep")

    class Meta:
        model = Deployment
        fields: list[str] = []

    def in_collection(self, queryset: DeploymentQuerySet, name: str, value: str) -> QuerySet[Deployment]:
        gone = Q(artifact__isnull=True, ownership__collection=value)
        return queryset.filter(Q(artifact__collection__slug=value) | gone)

    def keep(self, queryset: DeploymentQuerySet, name: str, value: str) -> DeploymentQuerySet:
        return queryset  # applied last, to what is left

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        queryset = super().filter_queryset(queryset)
        words = str(self.data.get("state") or "").split(",")
        wanted = {one_of("state", word.strip(), STATES) for word in words if word.strip()}
        if not wanted:
            return queryset
        states = states_of(queryset)
        return queryset.filter(pk__among=[pk.hex for pk, state in states.items() if state.value in wanted])


class ProjectFilter(FilterSet):
    orderings = ("name", "path", "created_at", "id")

    q = django_filters.CharFilter(method="search")

    class Meta:
        model = Project
        fields: list[str] = []

    def search(self, queryset: QuerySet[Project], name: str, value: str) -> QuerySet[Project]:
        return queryset.filter(Q(name__icontains=value) | Q(path__icontains=value))


class DeployableFilter(FilterSet):
    """Which artifacts a bulk deployment is about."""

    collection = django_filters.CharFilter(field_name="collection__slug")
    type = ChoiceList(words=KINDS, field_name="type")
    name = django_filters.CharFilter()
    tag = django_filters.CharFilter(field_name="tags", lookup_expr="has_word")
    state = ChoiceList(words=[state.value for state in ArtifactState], method="in_state")

    class Meta:
        model = Artifact
        fields: list[str] = []

    def in_state(self, queryset: ArtifactQuerySet, name: str, value: str) -> ArtifactQuerySet:
        known = [state.value for state in ArtifactState]
        return queryset.in_state(*(one_of("state", word.strip(), known) for word in value.split(",")))
