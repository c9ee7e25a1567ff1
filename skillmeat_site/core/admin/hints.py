"""Errors that say what to do now: the hint of a code, as pages show it."""

from __future__ import annotations

import re

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from skillmeat_site.core.errors import REGISTRY, hint_of

_QUOTED = re.compile(r"`([^`]+)`")


def hint_for(code: str, detail: str = "") -> SafeString:
    """What to do about a code, with ``code`` around what is typed; "" for one that is not known.

    Some errors end their ``detail`` with their advice: who shows it is not told twice.
    """
    text = hint_of(code)
    advice = getattr(REGISTRY.get(code), "advice", "")
    if not text or (advice and detail.rstrip(". ").endswith(advice)):
        return SafeString("")
    parts = _QUOTED.split(text)  # words and quoted words in turn
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if place % 2 else part,) for place, part in enumerate(parts))
    )


def hint(code: str, detail: str = "") -> SafeString:
    """``hint_for`` as a line of its own below the error; "" where there is none."""
    text = hint_for(code, detail)
    return format_html('<span class="sm-hint">{}</span>', text) if text else text
