"""Which admin page shows the objects that job items and plans name. An app says so in its ``admin`` package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse


class _Shown(NamedTuple):
    model: type[models.Model]
    by: str
    related: tuple[str, ...]


class Named(NamedTuple):
    """How a page tells of an object: its own words, and the URL of its page ("" if it has none, or is gone)."""

    label: str
    url: str


Ref = tuple[str, str]
"""Type and id of an object, as in ``ObjectRef``."""
_models: dict[str, _Shown] = {}


def show_objects(type_: str, model: type[models.Model], *, by: str = "pk", related: tuple[str, ...] = ()) -> None:
    """From now on, items about a ``type_`` (``ObjectRef.type``) link to the admin page of ``model``.

    ``by``: the unique column that ``ObjectRef.id`` holds. ``related``: what the row's own words need.
    """
    _models[type_] = _Shown(model, by, related)


def shown_types() -> dict[str, type[models.Model]]:
    """Every type of object that has a page, and the model whose page it is."""
    return {type_: shown.model for type_, shown in _models.items()}


def object_url(type_: str, object_id: str) -> str:
    """The page of an object, which may be gone meanwhile; "" if objects of this type have no page."""
    return object_urls([(type_, object_id)])[type_, object_id]


def object_urls(refs: Iterable[Ref]) -> dict[Ref, str]:
    """The pages of many objects: at most one statement for each type that is named by another column than its key."""
    urls: dict[Ref, str] = {}
    for type_, ids in _by_type(refs).items():
        shown = _models.get(type_)
        if shown is None:
            urls |= {(type_, pk): "" for pk in ids}
        elif shown.by == "pk":
            urls |= {(type_, pk): _url(shown.model, pk) for pk in ids}
        else:
            keys = dict(
                shown.model._default_manager.filter(**{f"{shown.by}__in": ids}).values_list(shown.by, "pk").order_by()
            )
            urls |= {(type_, pk): _url(shown.model, keys[pk]) if pk in keys else "" for pk in ids}
    return urls


def names_of(refs: Iterable[Ref]) -> dict[Ref, Named]:
    """What objects are called now, and where their pages are: one statement for each type. Gone ones are left out."""
    found: dict[Ref, Named] = {}
    for type_, ids in _by_type(refs).items():
        shown = _models.get(type_)
        if shown is None:
            continue
        rows: models.QuerySet[Any] = shown.model._default_manager.select_related(*shown.related)
        try:
            known: Mapping[Any, models.Model] = rows.in_bulk(ids, field_name=shown.by)
        except (ValueError, ValidationError):
            continue
        found |= {(type_, str(key)): Named(str(row), _url(shown.model, row.pk)) for key, row in known.items()}
    return found


def _by_type(refs: Iterable[Ref]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for type_, pk in dict.fromkeys(refs):
        groups.setdefault(type_, []).append(pk)
    return groups


def _url(model: type[models.Model], pk: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
