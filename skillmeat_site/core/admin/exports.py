"""Rows of a list as a file: its columns as the page shows them, but whole, with exact times, and the row's id.

Written while it is read: the file of a million rows takes no more memory than that of a hundred.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from html import unescape
from html.parser import HTMLParser
from itertools import islice
from typing import Any

from django.contrib.admin.utils import lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.functional import Promise

from skillmeat_site.core.admin.display import EMPTY, in_full
from skillmeat_site.core.text import printable

AT_ONCE = 500
"""Rows that are read and written together."""
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Signs at which a spreadsheet begins to work, the wide ones of East Asian keyboards too."""
_BREAKS = ("\t", "\r", "\n")
_SIDE = "action_checkbox"


class Kind(StrEnum):
    CSV = "csv"
    JSON = "json"


def export(
    model_admin: Any, request: HttpRequest, queryset: models.QuerySet[Any], kind: Kind
) -> StreamingHttpResponse:
    """The rows of a list's query, in its order, as a file to keep. The caller has seen to permissions."""
    columns = [name for name in model_admin.get_list_display(request) if name != _SIDE]
    rows = _records(model_admin, queryset, columns)
    names = ["id", *map(_key, columns)]
    parts = _csv(names, rows) if kind is Kind.CSV else _json(names, rows)
    answer = StreamingHttpResponse(parts, content_type=f"{_TYPES[kind]}; charset=utf-8")
    stem = f"{model_admin.opts.model_name}-{timezone.now():%Y-%m-%d}"
    answer["Content-Disposition"] = f'attachment; filename="{stem}.{kind.value}"'
    return answer


_TYPES = {Kind.CSV: "text/csv", Kind.JSON: "application/json"}


def _key(column: Any) -> str:
    name = column if isinstance(column, str) else getattr(column, "__name__", "column")
    return str(name).removeprefix("shown_").strip("_")


def _records(model_admin: Any, queryset: models.QuerySet[Any], columns: Sequence[Any]) -> Iterator[list[Any]]:
    found = iter(queryset.iterator(chunk_size=AT_ONCE))
    while rows := list(islice(found, AT_ONCE)):
        with in_full():
            model_admin.prepare_rows(rows)
            # Not yielded from inside: whoever writes the answer is no part of this.
            records = [[_plain(row.pk), *(_value(model_admin, row, name) for name in columns)] for row in rows]
        yield from records


def _value(model_admin: Any, row: models.Model, column: Any) -> Any:
    try:
        field, _attribute, value = lookup_field(column, row, model_admin)
    except ObjectDoesNotExist:
        return None
    if field is not None and field.choices:
        value = getattr(row, f"get_{field.name}_display")()
    return _plain(value)


def _plain(value: Any) -> Any:
    """What JSON can hold: numbers and truths as they are, times by the calendar, pages' markup as its text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | dict):
        return value
    text = str(value)
    if isinstance(value, str) and hasattr(value, "__html__"):
        text = _Text.of(text) if "<" in text else unescape(text)
    elif not isinstance(value, Promise):
        text = printable(text)
    return None if text == EMPTY else text


class _Text(HTMLParser):
    """The text of markup that ``core.admin.display`` made. Words of different elements stay apart."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []

    @classmethod
    def of(cls, markup: str) -> str:
        parser = cls()
        parser.feed(markup)
        parser.close()
        return " ".join("".join(parser._parts).split())

    def handle_data(self, data: str) -> None:
        self._parts.append(data)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._parts.append(" ")


class _Line:
    """Where ``csv`` writes to: keeps the last line."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def _csv(names: Sequence[str], rows: Iterator[list[Any]]) -> Iterator[str]:
    line = _Line()
    writer = csv.writer(line)
    write: Callable[[Sequence[Any]], str] = lambda cells: writer.writerow(cells) or line.text  # noqa: E731
    yield write(names)
    for row in rows:
        yield write([cell(value) for value in row])


def cell(value: Any) -> Any:
    """A spreadsheet takes a text that begins like a formula for one, and runs it: it gets a quote in front."""
    if value is None:
        return ""
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and (value.startswith(_BREAKS) or value.lstrip().startswith(_FORMULA)):
        return f"'{value}"
    return value


def _json(names: Sequence[str], rows: Iterator[list[Any]]) -> Iterator[str]:
    yield "["
    for place, row in enumerate(rows):
        text = json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)
        yield f"{',' if place else ''}\n{text}"
    yield "\n]\n"
