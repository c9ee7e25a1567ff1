"""Counts of a vocabulary as figures of the overview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models

from skillmeat_site.core.admin.badges import Words
from skillmeat_site.core.admin.display import changelist_url
from skillmeat_site.core.overview import Figure


def word_figures(
    model: type[models.Model], parameter: str, words: Words, counts: Mapping[Any, int], **more: str
) -> list[Figure]:
    """One figure for each word, in their order: its count, and the list of ``model`` that filters by it.

    ``more``: what else stands in the list's query.
    """
    return [
        Figure(text, counts.get(value, 0), changelist_url(model, **{parameter: value}, **more), tone)
        for value, (text, tone) in words.items()
    ]
