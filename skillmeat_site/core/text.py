"""Strings from outside, made fit for a database and a page."""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Without U+0000 and lone surrogates: PostgreSQL refuses both."""
    if text.isascii() and "\0" not in text:  # most texts, at a fifth of the time
        return text
    return _UNSTORABLE.sub("", text)


def printable(text: str) -> str:
    """For people: control, bidirectional and other invisible characters shown as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
