"""Folder → type, a row each: without scripts some empty rows stand ready, with them rows come and go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from marketplace.admin.badges import TYPE
from marketplace.domain.types import ArtifactType
from marketplace.services.sources import MAX_MAPPED, clean_folder
from skillmeat_site.core.errors import InvalidParameter
from skillmeat_site.core.text import printable

EMPTY_ROWS = 3
ROOT = "."
TYPES = [(type_.value, TYPE[type_][0]) for type_ in ArtifactType]


class MapRow(NamedTuple):
    """As it was typed. ``problem``: what is wrong with it."""

    folder: str = ""
    type: str = ""
    problem: str = ""


class MapRows(forms.Widget):
    """Two inputs a row, under one name each. ``folders``: offered while typing; ``folders_url`` has more of them."""

    folders: Sequence[str] = ()
    folders_url = ""

    def __init__(self, attrs: Any = None) -> None:
        super().__init__(attrs)
        self.problems: dict[int, str] = {}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[MapRow] | None:
        """The rows as typed, the empty ones too; None where the form did not have them at all."""
        folders, types = data.getlist(f"{name}-folder"), data.getlist(f"{name}-type")
        if not folders and not types:
            return None
        longest = max(len(folders), len(types))
        padded = ([*values, *[""] * (longest - len(values))] for values in (folders, types))
        return [MapRow(folder, type_) for folder, type_ in zip(*padded, strict=True)]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-folder" not in data and f"{name}-type" not in data

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0"

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        given = _rows_of(value)
        rows = [row._replace(problem=self.problems.get(place, "")) for place, row in enumerate(given)]
        filled = [row for row in rows if row.folder or row.type or row.problem]
        context = {
            "name": name,
            "id": (attrs or {}).get("id", f"id_{name}"),
            "rows": [*filled, *[MapRow()] * EMPTY_ROWS],
            "types": TYPES,
            "folders": [printable(folder) for folder in self.folders],
            "folders_url": self.folders_url,
        }
        return SafeString(render_to_string("admin/skillmeat/manual_map.html", context))


class MapField(forms.Field):
    """``{"folder": "type"}``. What is wrong with a row is said at that row. Cleans to None where it was left out."""

    widget = MapRows

    def clean(self, value: Any) -> dict[str, str] | None:
        if value is None:
            return None
        mapping: dict[str, str] = {}
        problems: dict[int, str] = {}
        for place, row in enumerate(_rows_of(value)):
            if not (row.folder.strip() or row.type):
                continue
            problem, folder = _problem(row), ""
            if not problem:
                folder = clean_folder(row.folder) or ROOT
                problem = _("This folder has a row already.") if folder in mapping else ""
            if problem:
                problems[place] = problem
            else:
                mapping[folder] = row.type
        self.widget.problems = problems
        if len(mapping) > MAX_MAPPED:
            raise ValidationError(_("At most %(n)d folders can be mapped.") % {"n": MAX_MAPPED})
        if problems:
            raise ValidationError(_("Correct the rows below."), code="invalid_rows")
        return mapping

    def has_changed(self, initial: Any, data: Any) -> bool:
        if data is None:
            return False
        typed = {row.folder.strip(): row.type for row in _rows_of(data) if row.folder.strip() or row.type}
        return typed != dict(initial or {})


def _problem(row: MapRow) -> str:
    if not row.folder.strip():
        return _("Which folder? “.” is the root.")
    if not row.type:
        return _("What is in it? Choose a type, or clear the folder.")
    if row.type not in dict(TYPES):
        return _("There is no type “%(type)s”.") % {"type": printable(row.type[:50])}
    try:
        clean_folder(row.folder)
    except InvalidParameter:
        return _("It has to be a folder inside the repository, without “..” and not absolute.")
    return ""


def _rows_of(value: Any) -> list[MapRow]:
    if isinstance(value, Mapping):
        return [MapRow(folder, type_) for folder, type_ in value.items()]
    return list(value or ())
