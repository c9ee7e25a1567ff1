"""Which admin page shows the objects that job items name. An app says so in its ``admin`` package."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

_models: dict[str, tuple[type[models.Model], str]] = {}


def show_objects(type_: str, model: type[models.Model], *, by: str = "pk") -> None:
    """From now on, items about a ``type_`` (``ObjectRef.type``) link to the admin page of ``model``.

    ``by``: the unique column that ``ObjectRef.id`` holds.
    """
    _models[type_] = (model, by)


def object_url(type_: str, object_id: str) -> str:
    """The page of an object, which may be gone meanwhile; "" if objects of this type have no page."""
    model, by = _models.get(type_, (None, ""))
    if model is None:
        return ""
    if by != "pk":
        key = model._default_manager.filter(**{by: object_id}).values_list("pk", flat=True).first()
        if key is None:
            return ""
        object_id = str(key)
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[object_id])
