"""Filters of the lists."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from collections_app.admin.badges import KIND, ORIGIN, STATE
from collections_app.models import Artifact, Collection
from collections_app.querysets import ArtifactQuerySet, CollectionQuerySet
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.filters import PickedFilter, WordFilter


class CollectionFilter(PickedFilter):
    title = _("collection")
    parameter_name = "collection"
    related = Collection


class TypeFilter(WordFilter):
    title = _("type")
    parameter_name = "type"
    words = KIND


class OriginFilter(WordFilter):
    title = _("origin")
    parameter_name = "origin"
    words = ORIGIN


class StateFilter(WordFilter):
    title = _("state")
    parameter_name = "state"
    words = STATE

    def queryset(self, request: HttpRequest, queryset: QuerySet[Artifact]) -> QuerySet[Artifact]:
        value = self.value()
        if value is None or not isinstance(queryset, ArtifactQuerySet):
            return queryset
        return queryset.in_state(value)


class UpdateFilter(WordFilter):
    """Of artifacts, and of the collections that hold one."""

    title = _("update")
    parameter_name = "update_available"
    words = {"yes": (_("available"), Tone.INFO)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "yes" or not isinstance(queryset, ArtifactQuerySet | CollectionQuerySet):
            return queryset
        return queryset.update_available()


class _YesNo(admin.SimpleListFilter):
    """Whether a text column is filled."""

    column: str

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("yes", _("Yes")), ("no", _("No"))]  # type: ignore[list-item]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Artifact]) -> QuerySet[Artifact]:
        empty = {self.column: ""}
        if self.value() == "yes":
            return queryset.exclude(**empty)
        return queryset.filter(**empty) if self.value() == "no" else queryset


class PinnedFilter(_YesNo):
    title = _("pinned")
    parameter_name = "pinned"
    column = "pin"


class ProblemFilter(_YesNo):
    title = _("problem")
    parameter_name = "problem"
    column = "problem_code"
