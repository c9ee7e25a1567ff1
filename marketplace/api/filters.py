"""Filters of the lists; bulk actions take the same ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django.db.models import QuerySet

from marketplace.domain.types import ArtifactType, Basis
from marketplace.models import CatalogEntry, Source
from marketplace.models.source import TrustLevel
from marketplace.querysets import EntryQuerySet, EntryStatus, SourceHealth
from skillmeat_site.core.api.filters import ChoiceList, FilterSet, WholeNumberFilter, one_of, words_in

INCLUDES = ("removed", "excluded", "duplicate")
SEARCH_HELP = (
    "Words, each found at the beginning of a word of name, namespace, title, description, path or tags, without "
    "regard to case and accents; all of them have to be found. Punctuation only separates: `node.js` finds `nodejs`, "
    "too, and a text without words finds nothing. The first 16 words count. The best come first (name, title, tags, "
    "the rest), unless `ordering` is given."
)


class SourceFilter(FilterSet):
    orderings = ("url", "name", "owner", "created_at", "id")

    q = django_filters.CharFilter(method="search")
    tag = django_filters.CharFilter(field_name="tags", lookup_expr="has_word")
    enabled = django_filters.BooleanFilter()
    health = ChoiceList(words=[health.value for health in SourceHealth], field_name="health")
    host = django_filters.CharFilter()
    owner = django_filters.CharFilter(lookup_expr="iexact")
    trust_level = ChoiceList(words=[level.value for level in TrustLevel], field_name="trust_level")

    class Meta:
        model = Source
        fields: list[str] = []

    def search(self, queryset: QuerySet[Source], name: str, value: str) -> QuerySet[Source]:
        return words_in(queryset, value, "url", "name", "owner")


class EntryFilter(FilterSet):
    """Removed, excluded and repeated entries are hidden unless ``status`` or ``include`` asks for them."""

    orderings = ("name", "confidence", "type", "id")

    q = django_filters.CharFilter(method="search", help_text=SEARCH_HELP)
    type = ChoiceList(words=[type_.value for type_ in ArtifactType], field_name="type")
    status = ChoiceList(words=[status.value for status in EntryStatus], method="in_status")
    basis = ChoiceList(words=[basis.value for basis in Basis], field_name="basis")
    include = ChoiceList(words=INCLUDES, method="keep")
    source = WholeNumberFilter(field_name="source_id")
    plugin = WholeNumberFilter(field_name="plugin_id")
    tag = django_filters.CharFilter(field_name="tags", lookup_expr="has_word")
    update_available = django_filters.BooleanFilter(method="has_update")
    confidence_min = WholeNumberFilter(field_name="confidence", lookup_expr="gte", min_value=0, max_value=100)

    class Meta:
        model = CatalogEntry
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        statuses = [status.value for status in EntryStatus]
        shown = set(self._words("include", INCLUDES)) | set(self._words("status", statuses))
        queryset = super().filter_queryset(queryset)
        if not isinstance(queryset, EntryQuerySet):
            raise TypeError("entries are filtered by their own queryset")
        # A status tells which of the hidden kinds is meant; a repeated entry has one of any kind.
        return queryset.visible(**{kind: kind in shown for kind in INCLUDES})

    def search(self, queryset: EntryQuerySet, name: str, value: str) -> EntryQuerySet:
        return queryset.matching(value) if self.data.get("ordering") else queryset.search(value)

    def in_status(self, queryset: EntryQuerySet, name: str, value: str) -> EntryQuerySet:
        return queryset.in_status(*value.split(","))

    def has_update(self, queryset: EntryQuerySet, name: str, value: bool) -> EntryQuerySet:
        return queryset.update_available(value)

    def keep(self, queryset: EntryQuerySet, name: str, value: str) -> EntryQuerySet:
        return queryset  # what it keeps is decided in filter_queryset

    def _words(self, name: str, known: Iterable[str]) -> list[str]:
        text = str(self.data.get(name) or "")
        return [one_of(name, word.strip(), known) for word in text.split(",") if word.strip()]
