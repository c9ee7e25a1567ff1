"""List filters that ask the database nothing to draw themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest

from skillmeat_site.core.admin.badges import Words, choices
from skillmeat_site.core.admin.display import Text
from skillmeat_site.core.text import printable


class WordFilter(admin.SimpleListFilter):
    """Filters by one value out of a fixed vocabulary. ``field`` is the column, if ``queryset`` is not overridden."""

    words: ClassVar[Words] = {}
    field: ClassVar[str] = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
        return choices(self.words)

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        return queryset.filter(**{self.field or str(self.parameter_name): value})


class DefaultedFilter(admin.SimpleListFilter):
    """Has no "All": without a choice the first option holds, which shows the useful part of the list.

    Another filter named in ``yields_to`` asks for rows by itself: the option ``everything`` holds then.
    """

    options: ClassVar[Mapping[str, Text]] = {}
    everything: ClassVar[str] = "all"
    yields_to: ClassVar[tuple[str, ...]] = ()

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self._yields = any(name in request.GET for name in self.yields_to)
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
        return list(self.options.items())

    def chosen(self) -> str:
        value = self.value()
        if value is not None and value in self.options:
            return value
        return self.everything if self._yields else next(iter(self.options))

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for value, text in self.options.items():
            yield {
                "selected": value == self.chosen(),
                "query_string": changelist.get_query_string({str(self.parameter_name): value}),
                "display": text,
            }


class PickedFilter(admin.SimpleListFilter):
    """Narrows to the row that a link named, and says which. Unlike Django's own it does not list all there are."""

    related: ClassVar[type[models.Model]]
    field: ClassVar[str] = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        value = self.value()
        if value is None:
            return []
        try:
            row = self.related._default_manager.filter(pk=value).first()
        except (ValueError, ValidationError):
            row = None
        return [(value, printable(str(row if row is not None else value)))]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        try:
            return queryset.filter(**{self.field or str(self.parameter_name): value})
        except (ValueError, ValidationError):
            return queryset.none()
