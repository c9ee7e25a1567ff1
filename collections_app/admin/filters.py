"""Filters of the lists."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
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
    parameter_name = facet = "type"
    words = KIND


class OriginFilter(WordFilter):
    title = _("origin")
    parameter_name = facet = "origin"
    words = ORIGIN


class StateFilter(WordFilter):
    title = _("state")
    parameter_name = facet = "state"
    words = STATE

    def narrow(self, queryset: ArtifactQuerySet, value: str) -> QuerySet[Artifact]:
        return queryset.in_state(value)


class UpdateFilter(WordFilter):
    """Of artifacts, and of the collections that hold one."""

    title = _("update")
    parameter_name = "update_available"
    words = {"yes": (_("available"), Tone.INFO)}

    def narrow(self, queryset: Any, value: str) -> QuerySet[Any]:
        rows: ArtifactQuerySet | CollectionQuerySet = queryset.update_available()
        return rows


class _YesNo(WordFilter):
    """Whether the text column ``facet`` is filled."""

    words = {"yes": (_("Yes"), Tone.INFO), "no": (_("No"), Tone.QUIET)}

    def narrow(self, queryset: QuerySet[Artifact], value: str) -> QuerySet[Artifact]:
        empty = {self.facet: ""}
        return queryset.exclude(**empty) if value == "yes" else queryset.filter(**empty)

    def option_of(self, value: str) -> str:
        return "yes" if value else "no"


class PinnedFilter(_YesNo):
    title = _("pinned")
    parameter_name = "pinned"
    facet = "pin"


class ProblemFilter(_YesNo):
    title = _("problem")
    parameter_name = "problem"
    facet = "problem_code"
