"""Lookups that work the same on SQLite and PostgreSQL. Registered when the core app is loaded."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Field, JSONField, Lookup


@Field.register_lookup
class Among(Lookup):
    """``column__among=[…]``: like ``__in``, for any number of values, as one parameter."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        values = [self.lhs.output_field.get_db_prep_value(value, connection) for value in self.rhs]
        if connection.vendor == "postgresql":
            return f"{left} = ANY(%s)", (*left_params, values)
        return f"{left} IN (SELECT value FROM json_each(%s))", (*left_params, json.dumps(values))  # noqa: S608


@JSONField.register_lookup
class HasWord(Lookup):
    """``column__has_word="x"``: the JSON list in the column holds this string."""

    lookup_name = "has_word"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        if connection.vendor == "postgresql":
            return f"{left} @> %s::jsonb", (*left_params, json.dumps([self.rhs]))
        return f"EXISTS (SELECT 1 FROM json_each({left}) WHERE value = %s)", (*left_params, self.rhs)  # noqa: S608
