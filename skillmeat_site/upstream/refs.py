"""The rules for names of branches and tags, as git states them, without asking git."""

from __future__ import annotations

import re

from skillmeat_site.upstream.errors import InvalidRef

MAX_REF_BYTES = 255
"""The longest name accepted, in UTF-8: git itself cannot store a longer one as a loose ref on common file systems."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def is_oid(text: str) -> bool:
    """Tell whether the text is a full object id in its one spelling: 40 lower-case hex digits."""
    return _COMMIT.fullmatch(text) is not None


def validate_ref(text: str) -> str:
    """Return the ref in its one spelling, or raise InvalidRef saying which rule it breaks.

    Accepts what ``git check-ref-format --allow-onelevel`` accepts, except names that begin with a dash (an option to
    a command line) or are longer than MAX_REF_BYTES. An upper-case commit id is lowered. Empty and ``HEAD`` both mean
    the default branch, and come back as the empty string.
    """
    if text in ("", "HEAD"):
        return ""
    problem = _problem(text)
    if problem:
        raise InvalidRef(f"the ref {problem}")
    return text.lower() if is_oid(text.lower()) else text


def _problem(text: str) -> str:
    """Name the broken rule, or return the empty string."""
    if _SURROGATE.search(text) or len(text.encode()) > MAX_REF_BYTES:
        return f"is longer than {MAX_REF_BYTES} bytes, or not text"
    if text.startswith("-"):
        return "begins with a dash"
    if _FORBIDDEN.search(text):
        return "holds a space, a control character, '..', '//', '@{' or one of ~ ^ : ? * [ \\"
    if text == "@":
        return "is '@' alone"
    if text.startswith("/") or text.endswith(("/", ".")):
        return "begins with a slash, or ends with a slash or a dot"
    if any(part.startswith(".") or part.endswith(".lock") for part in text.split("/")):
        return "has a part that begins with a dot or ends with '.lock'"
    return ""
