"""Two ways to page: limit and offset with a count, and keyset cursors for what grows without bound.

A keyset page costs the same wherever it is: it starts at a value in an index, not after N skipped rows.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Q
from rest_framework.pagination import BasePagination, LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from skillmeat_site.core.errors import FieldProblem, InvalidParameter

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_OFFSET = 10**9

_LIMIT: dict[str, Any] = {
    "name": "limit",
    "in": "query",
    "required": False,
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
}


def whole_number(request: Request, name: str, default: int, *, minimum: int, maximum: int) -> int:
    """A query parameter as a number. Raises InvalidParameter for anything that is not one within the bounds."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and minimum <= int(text) <= maximum):
        detail = f"{name} must be a whole number between {minimum} and {maximum}"
        raise InvalidParameter(detail, errors=(FieldProblem(name, "invalid", detail),))
    return int(text)


class LimitOffset(LimitOffsetPagination):
    """``{count, next, previous, results}``; a limit outside 1–500 or an offset that is no number is 400."""

    default_limit = DEFAULT_LIMIT
    max_limit = MAX_LIMIT

    def get_limit(self, request: Request) -> int:
        return whole_number(request, "limit", DEFAULT_LIMIT, minimum=1, maximum=MAX_LIMIT)

    def get_offset(self, request: Request) -> int:
        return whole_number(request, "offset", 0, minimum=0, maximum=MAX_OFFSET)

    query_params = ("limit", "offset")

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        offset = {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}
        return [_LIMIT, {"name": "offset", "in": "query", "required": False, "schema": offset}]


class KeysetCursor(BasePagination):
    """``{next, previous, results}``: URLs with a cursor, no count. Follows the queryset's own total order.

    The order's columns must not be null, and its last one must be unique. ``offset`` is 400: there is none.
    """

    query_params = ("limit", "cursor", "offset")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        if "offset" in request.query_params:
            raise InvalidParameter("This list is paged by cursor: follow `next`, there is no offset.")
        self.request = request
        limit = whole_number(request, "limit", DEFAULT_LIMIT, minimum=1, maximum=MAX_LIMIT)
        columns = [str(name) for name in queryset.query.order_by or queryset.model._meta.ordering]
        self.columns = [(name.lstrip("-"), name.startswith("-")) for name in columns]
        backwards, values = self._decode(request.query_params.get("cursor"))
        if backwards:
            queryset = queryset.order_by(*[name if down else f"-{name}" for name, down in self.columns])
        try:
            rest = queryset.filter(self._beyond(values, backwards)) if values else queryset
            rows = list(rest[: limit + 1])
        except (ValueError, TypeError, DjangoValidationError, OverflowError):
            raise InvalidParameter("The cursor is not one of this list.") from None
        more, rows = len(rows) > limit, rows[:limit]
        if backwards:
            rows.reverse()
        self.next_row = rows[-1] if rows and (more or backwards) else None
        self.previous_row = rows[0] if rows and ((values and not backwards) or (backwards and more)) else None
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self._link(self.next_row), "previous": self._link(self.previous_row, backwards=True)}
        return Response({**links, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "nullable": True, "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [_LIMIT, {"name": "cursor", "in": "query", "required": False, "schema": {"type": "string"}}]

    def _beyond(self, values: list[Any], backwards: bool) -> Q:
        """Rows after the cursor: ``(a, b) > (x, y)`` spelled out, with ``a >= x`` in front for the index."""
        condition = Q()
        equal: dict[str, Any] = {}
        for (name, down), value in zip(self.columns, values, strict=True):
            step = "lt" if down != backwards else "gt"
            condition |= Q(**equal, **{f"{name}__{step}": value})
            equal[name] = value
        first, down = self.columns[0]
        return Q(**{f"{first}__{'lte' if down != backwards else 'gte'}": values[0]}) & condition

    def _decode(self, cursor: str | None) -> tuple[bool, list[Any]]:
        if cursor is None:
            return False, []
        try:
            backwards, values = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        except (binascii.Error, ValueError, TypeError, RecursionError):
            raise InvalidParameter("The cursor is not one of this list.") from None
        scalar = isinstance(values, list) and all(isinstance(v, str | int) and "\0" not in str(v) for v in values)
        if not (isinstance(backwards, bool) and scalar and len(values) == len(self.columns)):
            raise InvalidParameter("The cursor is not one of this list.")
        return backwards, values

    def _link(self, row: Any, backwards: bool = False) -> str | None:
        if row is None:
            return None
        values = [getattr(row, name) for name, _ in self.columns]
        values = [value if isinstance(value, int) else str(value) for value in values]
        cursor = base64.urlsafe_b64encode(json.dumps([backwards, values]).encode()).decode()
        url = remove_query_param(self.request.build_absolute_uri(), "offset")
        return str(replace_query_param(url, "cursor", cursor))
