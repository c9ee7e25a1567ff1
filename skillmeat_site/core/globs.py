"""Globs over names, as an expression that both databases understand. Pure Python."""

from __future__ import annotations

import re

from skillmeat_site.core.errors import InvalidParameter

_GLOB = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


def glob_expression(pattern: str) -> str:
    """The regular expression of a glob, anchored at both ends. Raises InvalidParameter for one that means nothing."""
    expression = "^" + "".join(_part(part) for part in _GLOB.findall(pattern)) + "$"
    try:
        re.compile(expression)
    except re.error:
        raise InvalidParameter(f"{pattern!r} is no glob: * ? [abc] [!abc] [a-z]") from None
    return expression


def _part(part: str) -> str:
    if part[0] == "*":
        return ".*"
    if part == "?":
        return "."
    if len(part) == 1:
        return re.escape(part)
    negated = part[1] == "!"
    inner = re.sub(r"([\\\[\]^])", r"\\\1", part[2 if negated else 1 : -1])
    return f"[{'^' if negated else ''}{inner}]"
