"""Filters of the entry list."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from marketplace.admin.badges import BASIS, PRESENCE, STATUS, TYPE
from marketplace.models import CatalogEntry, Source
from marketplace.querysets import EntryQuerySet
from skillmeat_site.core.admin.display import Tone
from skillmeat_site.core.admin.filters import DefaultedFilter, PickedFilter, WordFilter

BANDS = {"high": (80, 100), "medium": (50, 79), "low": (0, 49)}


class ShowFilter(DefaultedFilter):
    """What is usually in the way is hidden, unless another filter asks for it."""

    title = _("show")
    parameter_name = "show"
    options = {
        "visible": _("without removed, excluded, duplicates"),
        "all": _("everything"),
        "duplicates": _("duplicates alone"),
    }
    yields_to = ("status", "presence")

    def narrow(self, queryset: EntryQuerySet, chosen: str) -> QuerySet[CatalogEntry]:
        if chosen == "duplicates":
            return queryset.filter(duplicate_of__isnull=False)
        return queryset if chosen == "all" else queryset.visible()


class TypeFilter(WordFilter):
    title = _("type")
    parameter_name = facet = "type"
    indexed = True
    words = TYPE


class StatusFilter(WordFilter):
    title = _("status")
    parameter_name = facet = "status"
    words = STATUS

    def narrow(self, queryset: EntryQuerySet, value: str) -> QuerySet[CatalogEntry]:
        return queryset.in_status(value)


class UpdateFilter(WordFilter):
    title = _("update")
    parameter_name = "update_available"
    words = {"yes": (_("available"), Tone.WARNING)}

    def narrow(self, queryset: EntryQuerySet, value: str) -> QuerySet[CatalogEntry]:
        return queryset.update_available()


class PresenceFilter(WordFilter):
    title = _("presence")
    parameter_name = facet = "presence"
    words = PRESENCE


class BasisFilter(WordFilter):
    title = _("basis")
    parameter_name = facet = "basis"
    words = BASIS


class ConfidenceFilter(WordFilter):
    title = _("confidence")
    parameter_name = facet = "confidence"
    words = {
        "high": (_("80 and more"), Tone.GOOD),
        "medium": (_("50 to 79"), Tone.WARNING),
        "low": (_("below 50"), Tone.BAD),
    }

    def narrow(self, queryset: EntryQuerySet, value: str) -> QuerySet[CatalogEntry]:
        return queryset.filter(confidence__range=BANDS[value])

    def option_of(self, value: int) -> str:
        return next(band for band, (low, high) in BANDS.items() if low <= value <= high)


class SourceFilter(PickedFilter):
    title = _("source")
    parameter_name = "source"
    related = Source
