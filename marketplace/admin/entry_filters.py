"""Filters of the entry list."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from marketplace.admin.badges import BASIS, PRESENCE, STATUS, TYPE
from marketplace.models import CatalogEntry, Source
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.filters import DefaultedFilter, PickedFilter, WordFilter

BANDS = {"high": (80, 100), "medium": (50, 79), "low": (0, 49)}


class ShowFilter(DefaultedFilter):
    """What is usually in the way is hidden, unless another filter asks for it."""

    title = _("show")
    parameter_name = "show"
    options = {
        "visible": _("Usual: neither removed, excluded nor duplicate"),
        "all": _("All"),
        "duplicates": _("Duplicates"),
    }
    yields_to = ("status", "presence")

    def queryset(self, request: HttpRequest, queryset: QuerySet[CatalogEntry]) -> QuerySet[CatalogEntry]:
        chosen = self.chosen()
        if chosen == "duplicates":
            return queryset.filter(duplicate_of__isnull=False)
        return queryset if chosen == "all" else queryset & CatalogEntry.objects.visible()


class TypeFilter(WordFilter):
    title = _("type")
    parameter_name = "type"
    words = TYPE


class StatusFilter(WordFilter):
    title = _("status")
    parameter_name = "status"
    words = STATUS


class UpdateFilter(WordFilter):
    title = _("update")
    parameter_name = "update_available"
    words = {"yes": (_("available"), Tone.WARNING)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[CatalogEntry]) -> QuerySet[CatalogEntry]:
        return queryset & CatalogEntry.objects.update_available() if self.value() == "yes" else queryset


class PresenceFilter(WordFilter):
    title = _("presence")
    parameter_name = "presence"
    words = PRESENCE


class BasisFilter(WordFilter):
    title = _("basis")
    parameter_name = "basis"
    words = BASIS


class ConfidenceFilter(WordFilter):
    title = _("confidence")
    parameter_name = "confidence"
    words = {
        "high": (_("80 and more"), Tone.GOOD),
        "medium": (_("50 to 79"), Tone.WARNING),
        "low": (_("below 50"), Tone.BAD),
    }

    def queryset(self, request: HttpRequest, queryset: QuerySet[CatalogEntry]) -> QuerySet[CatalogEntry]:
        band = BANDS.get(self.value() or "")
        return queryset if band is None else queryset.filter(confidence__range=band)


class SourceFilter(PickedFilter):
    title = _("source")
    parameter_name = "source"
    related = Source
