"""Form fields of the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import models

MOST_LISTED = 50


class WordsField(forms.CharField):
    """A list of words, typed with commas."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        return [word.strip() for word in text.split(",") if word.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (initial or []) != self.to_python(data)


def find_by_typing(field: Any, column: models.Field[Any, Any]) -> None:
    """Let a choice among very many rows be found by what is typed; few are listed, which needs no scripts.

    ``column``: a foreign key to those rows, of a model that has a page.
    """
    if field.queryset[: MOST_LISTED + 1].count() > MOST_LISTED:
        field.widget = AutocompleteSelect(column, admin.site)
        field.widget.choices = field.choices
