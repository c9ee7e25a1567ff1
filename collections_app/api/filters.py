"""Filters of the lists."""

from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet

from collections_app.domain.artifact_state import ArtifactState
from collections_app.domain.types import ArtifactKind
from collections_app.models import Artifact, Collection, Snapshot
from collections_app.querysets import ArtifactQuerySet, CollectionQuerySet
from skillmeat_site.core.api.filters import ChoiceList, FilterSet, words_in
from skillmeat_site.core.globs import glob_expression

TYPES = [kind.value for kind in ArtifactKind]
STATES = [state.value for state in ArtifactState]


class CollectionFilter(FilterSet):
    orderings = ("slug", "name", "created_at", "updated_at", "id")

    q = django_filters.CharFilter(method="search")
    problem = django_filters.BooleanFilter(method="troubled")
    update_available = django_filters.BooleanFilter(method="has_update")

    class Meta:
        model = Collection
        fields: list[str] = []

    def search(self, queryset: QuerySet[Collection], name: str, value: str) -> QuerySet[Collection]:
        return words_in(queryset, value, "slug", "name")

    def has_update(self, queryset: CollectionQuerySet, name: str, value: bool) -> CollectionQuerySet:
        return queryset.update_available(value)

    def troubled(self, queryset: QuerySet[Collection], name: str, value: bool) -> QuerySet[Collection]:
        return queryset.exclude(problem_code="") if value else queryset.filter(problem_code="")


class ArtifactFilter(FilterSet):
    orderings = ("name", "type", "created_at", "updated_at", "id")

    q = django_filters.CharFilter(method="search")
    type = ChoiceList(words=TYPES, field_name="type")
    name = django_filters.CharFilter(method="like", label="A glob over the whole name.")
    state = ChoiceList(words=STATES, method="in_state")
    pinned = django_filters.BooleanFilter(method="is_pinned")
    tag = django_filters.CharFilter(field_name="tags", lookup_expr="has_word")
    origin = django_filters.CharFilter()
    update_available = django_filters.BooleanFilter(method="has_update", label="Pinned ones have none.")

    class Meta:
        model = Artifact
        fields: list[str] = []

    def search(self, queryset: QuerySet[Artifact], name: str, value: str) -> QuerySet[Artifact]:
        return words_in(queryset, value, "name", "title", "description")

    def like(self, queryset: QuerySet[Artifact], name: str, value: str) -> QuerySet[Artifact]:
        return queryset.filter(name__regex=glob_expression(value))

    def in_state(self, queryset: ArtifactQuerySet, name: str, value: str) -> ArtifactQuerySet:
        return queryset.in_state(*value.split(","))

    def has_update(self, queryset: ArtifactQuerySet, name: str, value: bool) -> ArtifactQuerySet:
        return queryset.update_available(value)

    def is_pinned(self, queryset: QuerySet[Artifact], name: str, value: bool) -> QuerySet[Artifact]:
        return queryset.exclude(pin="") if value else queryset.filter(Q(pin=""))


class SnapshotFilter(FilterSet):
    orderings = ("created_at", "id")

    reason = django_filters.CharFilter()

    class Meta:
        model = Snapshot
        fields: list[str] = []
