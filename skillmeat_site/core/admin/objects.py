"""Which admin page shows the objects that job items name. An app says so in its ``admin`` package."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

_models: dict[str, type[models.Model]] = {}


def show_objects(type_: str, model: type[models.Model]) -> None:
    """From now on, items about a ``type_`` (``ObjectRef.type``) link to the admin page of ``model``."""
    _models[type_] = model


def object_url(type_: str, object_id: str) -> str:
    """The page of an object, which may be gone meanwhile; "" if objects of this type have no page."""
    model = _models.get(type_)
    if model is None:
        return ""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[object_id])
