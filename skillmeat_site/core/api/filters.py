"""Filters that refuse what they do not know: a misspelt filter must not mean "everything"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import django_filters
from django import forms
from django.db.models import BigIntegerField, Q, QuerySet
from django.http import QueryDict
from django_filters.filters import FilterMethod
from django_filters.rest_framework import DjangoFilterBackend
from django_filters.utils import translate_validation
from drf_spectacular.drainage import set_override
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from skillmeat_site.core.errors import FieldProblem, InvalidParameter, UnknownField, json_pointer
from skillmeat_site.core.text import storable

MAX_WORDS = 50


def refuse_unknown(given: Iterable[str], known: Iterable[str], what: str, *, below: str = "") -> None:
    """Raises UnknownField for the names that are not known, with the nearest known ones.

    ``below``: where in the body the names of fields and filters stand, as a JSON pointer.
    """
    names = sorted(known)
    problems = []
    for name in given:
        if name in names:
            continue
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names) or 'none'}"
        pointer = below + json_pointer(name) if below or what == "field" else name
        problems.append(FieldProblem(pointer, "unknown_field", hint))
    if problems:
        first = problems[0]
        name = first.pointer.removeprefix(below).lstrip("/")
        raise UnknownField(f"Unknown {what} {name!r}; {first.detail}", errors=tuple(problems))


def one_of(name: str, value: str, known: Iterable[str]) -> str:
    """``value`` if it is known. Raises InvalidParameter with the nearest known one."""
    names = list(known)
    if value in names:
        return value
    near = difflib.get_close_matches(value, names, 1)
    detail = f"{value!r} is not one of {', '.join(names)}" + (f"; did you mean {near[0]!r}?" if near else "")
    raise InvalidParameter(f"{name}: {detail}", errors=(FieldProblem(name, "invalid_choice", detail),))


def words_in(queryset: QuerySet[Any], text: str, *columns: str) -> QuerySet[Any]:
    """Rows in which every word of ``text`` occurs in one of the columns, without regard to case.

    Raises InvalidParameter for more words than a database takes conditions.
    """
    words = dict.fromkeys(text.lower().split())
    if len(words) > MAX_WORDS or storable(text) != text:
        detail = f"must be at most {MAX_WORDS} words of text"
        raise InvalidParameter(f"q: {detail}", errors=(FieldProblem("q", "invalid", detail),))
    for word in words:
        matches = Q()
        for column in columns:
            matches |= Q(**{f"{column}__icontains": word})
        queryset = queryset.filter(matches)
    return queryset


def switch(request: Request, name: str) -> bool:
    """A query parameter that is true or false, and false without it. Raises InvalidParameter."""
    value = request.query_params.get(name, "false").lower()
    if value not in ("true", "false", "1", "0"):
        detail = f"{value!r} is neither true nor false"
        raise InvalidParameter(f"{name}: {detail}", errors=(FieldProblem(name, "invalid", detail),))
    return value in ("true", "1")


class _Checked(FilterMethod):
    """A filter set's own method, called with known words alone: django-filter puts it in place of ``filter``."""

    def __call__(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return super().__call__(qs, ",".join(self.f.chosen(value)))


class ChoiceList(django_filters.CharFilter):
    """One or several of known words, comma separated or repeated; an unknown one is refused."""

    def __init__(self, *args: Any, words: Iterable[str], **kwargs: Any) -> None:
        self.words = list(words)
        super().__init__(*args, **kwargs)
        set_override(self, "field", {"type": "array", "items": {"type": "string", "enum": self.words}})
        if self.method is not None:
            self.filter = _Checked(self)  # type: ignore[method-assign]  # as django-filter does it

    def chosen(self, value: str) -> list[str]:
        """The words of a value. Raises InvalidParameter for one that is not known."""
        return [one_of(self.field_name or "", word.strip(), self.words) for word in value.split(",") if word.strip()]

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        chosen = self.chosen(value)
        return qs.filter(**{f"{self.field_name}__in": chosen}) if chosen else qs


class WholeNumberFilter(django_filters.NumberFilter):
    """An id or a count. 1.5 is refused; a database would take it for 1. What is larger than any is nobody's."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        bounds = {"minimum": self.extra.get("min_value"), "maximum": self.extra.get("max_value")}
        told = {name: value for name, value in bounds.items() if value is not None}
        set_override(self, "field", {"type": "integer", **told})

    def filter(self, qs: QuerySet[Any], value: int | None) -> QuerySet[Any]:
        if value is not None and abs(value) > BigIntegerField.MAX_BIGINT:
            return qs.none()
        return super().filter(qs, value)


class FilterSet(django_filters.FilterSet):
    """Base of every filter set: ``ordering`` may name only what the set declares, and ends in the primary key."""

    orderings: tuple[str, ...] = ("id",)

    @classmethod
    def known_orderings(cls) -> list[str]:
        return [*cls.orderings, *(f"-{name}" for name in cls.orderings)]

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        self._refuse_maybe()
        queryset = super().filter_queryset(queryset)
        wanted = self.data.get("ordering")
        if not wanted:
            return queryset
        columns = [one_of("ordering", word, self.known_orderings()) for word in wanted.split(",")]
        if not any(column.lstrip("-") == "id" for column in columns):
            columns.append("-id" if columns[0].startswith("-") else "id")
        return queryset.order_by(*columns)

    def _refuse_maybe(self) -> None:
        """A yes-or-no filter reads any other word as "not asked"."""
        for name, filter_ in self.filters.items():
            if isinstance(filter_, django_filters.BooleanFilter) and name in self.data:
                one_of(name, str(self.data[name]).lower(), ("true", "false", "1", "0"))


def join_repeated(data: QueryDict) -> dict[str, str]:
    """``?type=skill&type=agent`` means the same as ``?type=skill,agent``."""
    return {name: ",".join(data.getlist(name)) for name in data}


class StrictFilterBackend(DjangoFilterBackend):
    def get_filterset_kwargs(self, request: Request, queryset: QuerySet[Any], view: Any) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_filterset_kwargs(request, queryset, view)
        return {**kwargs, "data": join_repeated(request.query_params)}

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise translate_validation(filterset.errors)
        return filterset.qs


def known_filters(filterset_class: Any) -> set[str]:
    """The names a filter set takes."""
    return set(filterset_class.base_filters)


def select(filterset_class: type[FilterSet], queryset: QuerySet[Any], chosen: dict[str, Any]) -> QuerySet[Any]:
    """Apply a list's filters given as a JSON object, as bulk actions take them. Refuses unknown names and values."""
    refuse_unknown(chosen, known_filters(filterset_class), "filter", below="/filter")

    def below(name: str) -> str:
        return "/filter" + json_pointer(name)

    text = {
        name: ",".join(str(word) for word in value) if isinstance(value, list) else _as_text(value)
        for name, value in chosen.items()
    }
    for name, value in text.items():
        if value != storable(value):
            detail = "holds characters that no text has"
            raise InvalidParameter(f"{name}: {detail}", errors=(FieldProblem(below(name), "invalid", detail),))
    filterset = filterset_class(text, queryset=queryset)
    if not filterset.is_valid():
        raise ValidationError({"filter": translate_validation(filterset.errors).detail})
    try:
        return filterset.qs
    except InvalidParameter as error:  # told as of a query parameter, which has its bare name
        places = tuple(replace(one, pointer=below(one.pointer)) for one in error.errors)
        raise type(error)(error.detail, errors=places) from None


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
