"""What a repository says of an artifact, in the words of a collection's record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from skillmeat_site.core.documents.text import clean_text

SAID = ("author", "license", "version")
TITLE_KEYS = ("title", "displayName", "display_name", "name")
MAX_SAID = 300
MAX_DESCRIPTION: Final = 4_000
_MAX_TAGS = 50
_MAX_TAG = 100


def said_of(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return author, licence and version, each where it is said and a text: in the head, or in ``metadata`` below it.

    A plugin's manifest may give its author as ``{"name": …}``.
    """
    head = metadata.get("frontmatter")
    stated = head if isinstance(head, Mapping) else metadata
    nested = stated.get("metadata")
    below: Mapping[str, Any] = nested if isinstance(nested, Mapping) else {}
    texts = {name: _text(stated.get(name)) or _text(below.get(name)) for name in SAID}
    return {name: text for name, text in texts.items() if text}


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("name")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(clean_text(str(value)).split())[:MAX_SAID]


def first_text(data: Mapping[str, Any], *keys: str) -> str:
    """Return the first of ``keys`` that holds text, stripped, else ""."""
    for key in keys:
        value = data.get(key)
        if isinstance(value, str) and value.strip():
            return clean_text(value).strip()
    return ""


def tags_of(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tags a document gives itself, each once, in order: a list or a comma-separated line."""
    tags: dict[str, None] = {}
    for key in ("tags", "keywords"):
        value = data.get(key)
        parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
        for part in parts:
            tag = str(part).strip() if isinstance(part, str | int) else ""
            if tag and len(tag) <= _MAX_TAG:
                tags.setdefault(tag)
    return tuple(tags)[:_MAX_TAGS]
