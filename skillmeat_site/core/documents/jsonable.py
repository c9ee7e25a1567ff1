"""Turning what a YAML or JSON reader hands out into values that any JSON column takes."""

from __future__ import annotations

import math
from typing import Any

from skillmeat_site.core.documents.text import clean_text, cut_text

MAX_DEPTH = 32
MAX_STRING = 65_536

CLEANED = "text_cleaned"
CUT = "value_cut"

NOTES = {
    CLEANED: "U+0000 and lone surrogates were removed",
    CUT: f"strings over {MAX_STRING:,} characters or nesting over {MAX_DEPTH} levels were cut",
}


def to_jsonable(value: Any, notes: set[str], depth: int = 0) -> Any:
    """Return ``value`` as None, bool, int, finite float, str, list or dict with string keys, at most MAX_DEPTH deep.

    What had to be changed is added to ``notes`` (keys of NOTES). Anything of another type becomes its text.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _text(value, notes)
    if isinstance(value, dict | list) and depth >= MAX_DEPTH:
        notes.add(CUT)
        return None
    if isinstance(value, dict):
        return {_text(str(key), notes): to_jsonable(item, notes, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [to_jsonable(item, notes, depth + 1) for item in value]
    if isinstance(value, float) and math.isfinite(value):
        return value
    return _text(str(value), notes)


def _text(text: str, notes: set[str]) -> str:
    cleaned = clean_text(text)
    if cleaned != text:
        notes.add(CLEANED)
    kept, was_cut = cut_text(cleaned, MAX_STRING)
    if was_cut:
        notes.add(CUT)
    return kept
