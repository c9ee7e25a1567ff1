"""What a repository says of an artifact, in the words of a collection's record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketplace.domain.text import clean_text

SAID = ("author", "license", "version")
MAX_SAID = 300


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
