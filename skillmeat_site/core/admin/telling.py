"""Messages on a page that is asked for several times over while it is made."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest


def tell_once(request: HttpRequest, text: Any, level: int = messages.WARNING) -> None:
    """A message that stands there once, however often the list's query is built."""
    told = request.__dict__.setdefault("_skillmeat_told", set())
    if text not in told:
        told.add(text)
        messages.add_message(request, level, text)
