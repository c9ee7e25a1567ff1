"""List filters that ask the database nothing to draw themselves, and answer a wrong value with a message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from skillmeat_site.core.admin.badges import Words, choices
from skillmeat_site.core.admin.display import Text
from skillmeat_site.core.admin.telling import tell_once
from skillmeat_site.core.text import printable

SHOWN_OF_A_VALUE = 60


class _Filter(admin.SimpleListFilter):
    facet: ClassVar[str] = ""
    """The column whose values are this filter's options; "" where there is none, or counting it would be dear."""
    indexed: ClassVar[bool] = False
    """Whether counting one option of a long list reads an index alone."""

    def value(self) -> str | None:
        """None where nothing was chosen, as by an empty field of a form."""
        return super().value() or None

    def has_output(self) -> bool:
        """Also where it has nothing to offer, but was given a value: Django would not ask it then, and list all."""
        return bool(self.lookup_choices) or self.value() is not None

    def option_of(self, value: Any) -> str:
        """The option that a value of the column ``facet`` belongs to."""
        return str(value)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        counts = getattr(changelist, "facets", {}).get(self.parameter_name, {})
        for choice, key in zip(super().choices(changelist), [None, *dict(self.lookup_choices)], strict=True):
            yield {**choice, "count": counts.get(key, "")}

    def refuse(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """For a value that means nothing: no row is it. All rows would be what nobody asked for, and a selection
        across pages would hit them."""
        value = printable(str(self.value()))[:SHOWN_OF_A_VALUE]
        text = _("There is no %(title)s %(value)s: nothing is listed.")
        tell_once(request, text % {"title": self.title, "value": f"“{value}”"})
        return queryset.none()


class WordFilter(_Filter):
    """Filters by one value out of a fixed vocabulary. ``field`` is the column, if ``narrow`` is not overridden."""

    words: ClassVar[Words] = {}
    field: ClassVar[str] = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
        return choices(self.words)

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value not in dict(self.lookup_choices):
            return self.refuse(request, queryset)
        return self.narrow(queryset, value)

    def narrow(self, queryset: Any, value: str) -> models.QuerySet[Any]:
        """The rows of this option, which is one of those offered."""
        rows: models.QuerySet[Any] = queryset.filter(**{self.field or str(self.parameter_name): value})
        return rows


class DefaultedFilter(_Filter):
    """Has no "All": without a choice the first option holds, which shows the useful part of the list.

    Another filter named in ``yields_to`` asks for rows by itself: the option ``everything`` holds then.
    """

    options: ClassVar[Mapping[str, Text]] = {}
    everything: ClassVar[str] = "all"
    yields_to: ClassVar[tuple[str, ...]] = ()

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self._yields = any(request.GET.get(name) for name in self.yields_to)
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
        return list(self.options.items())

    def chosen(self) -> str:
        value = self.value()
        if value is not None and value in self.options:
            return value
        return self.everything if self._yields else next(iter(self.options))

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        value = self.value()
        if value is not None and value not in self.options:
            return self.refuse(request, queryset)
        return self.narrow(queryset, self.chosen())

    def narrow(self, queryset: Any, chosen: str) -> models.QuerySet[Any]:
        raise NotImplementedError

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for value, text in self.options.items():
            yield {
                "selected": value == self.chosen(),
                "query_string": changelist.get_query_string({str(self.parameter_name): value}),
                "display": text,
            }

    def default_chip(self) -> list[tuple[str, dict[str, str | None]]]:
        """What is hidden by default is told like any filter, and can be taken away like one."""
        name, value = str(self.parameter_name), self.value()
        if value is not None and value not in self.options:
            return [(printable(value)[:SHOWN_OF_A_VALUE], {name: None})]
        if self.chosen() == self.everything:
            return []
        return [(str(self.options[self.chosen()]), {name: self.everything})]


class PickedFilter(_Filter):
    """Narrows to one row of another list, found by typing a part of its name. The rows there are are never listed.

    ``related``: the model, whose admin says what it is searched by. ``path``: the foreign key, if it is not called as
    the parameter is.
    """

    template = "admin/skillmeat/picked_filter.html"
    related: ClassVar[type[models.Model]]
    field: ClassVar[str] = ""

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self._column = model._meta.get_field(self.field or str(self.parameter_name))
        self._site = model_admin.admin_site
        self._request = request

    def has_output(self) -> bool:
        """It also says which row was picked; who may not pick any has nothing to open."""
        return self._may_pick or self.value() is not None

    @property
    def _may_pick(self) -> bool:
        return bool(self._site.get_model_admin(self.related).has_view_permission(self._request))

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [] if self.value() is None else [(str(self.value()), self._name)]

    @cached_property
    def picked(self) -> models.Model | None:
        try:
            return self.related._default_manager.filter(pk=self.value()).first()
        except (ValueError, OverflowError, ValidationError):
            return None

    @property
    def _name(self) -> str:
        return printable(str(self.picked if self.picked is not None else self.value()))

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if self.value() is None:
            return queryset
        if self.picked is None:
            return self.refuse(request, queryset)
        return queryset.filter(**{self._column.name: self.picked.pk})

    def widget(self) -> str:
        """A field that finds by what is typed; the admin's own, over its autocomplete view. "" for who may not."""
        if not self._may_pick:
            return ""
        widget = AutocompleteSelect(self._column, self._site, attrs={"class": "sm-pick", "aria-label": self.title})
        field = _Named(self.related._default_manager.all(), required=False, widget=widget)
        name = str(self.parameter_name)
        return field.widget.render(name, self.picked.pk if self.picked else None, {"id": f"id_pick_{name}"})

    @staticmethod
    def media() -> forms.Media:
        return AutocompleteSelect(None, admin.site).media


class _Named(forms.ModelChoiceField):
    def label_from_instance(self, obj: models.Model) -> str:
        return printable(str(obj))
