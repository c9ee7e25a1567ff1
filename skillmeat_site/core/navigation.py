"""Where an admin page stands in the navigation: grouped by what people do, not by which app has the table.

The core knows no domain: an app says in its ``admin/navigation.py`` which section its models belong to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Model

if TYPE_CHECKING:
    from skillmeat_site.core.admin.display import Text


@dataclass(frozen=True, slots=True)
class Section:
    """A group of the navigation. ``icon``: a symbol of static/core/icons.svg. Models in the order they are shown."""

    slug: str
    title: Text
    order: int
    icon: str
    models: tuple[type[Model], ...]


OTHER = "other"
"""The slug of what no section names."""
_sections: dict[str, Section] = {}


def section(slug: str, title: Text, *models: type[Model], order: int, icon: str = "") -> None:
    """Declare a section. Lower ``order`` is shown first."""
    if slug in _sections or slug == OTHER:
        raise TypeError(f"section {slug!r} is declared twice")
    taken = {model for known in _sections.values() for model in known.models}
    if taken & set(models):
        raise TypeError(f"a model of section {slug!r} stands in another one")
    _sections[slug] = Section(slug, title, order, icon or slug, models)


def sections() -> Sequence[Section]:
    return sorted(_sections.values(), key=lambda one: one.order)
