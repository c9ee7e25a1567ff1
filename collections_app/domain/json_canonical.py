"""One spelling for equal JSON, and the id of it: what tells whether a merged key is still what we wrote.

Two values are equal when a JSON library in any language would say so: order of keys, white space, escapes and the
spelling of numbers (``1.0``, ``1``, ``10e-1``) count for nothing; the size of a number is never rounded.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping

from collections_app.domain.json_text import Fragment, NodeKind

_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,18}))?")
_PLAIN_DIGITS = 40


def canonical(value: Fragment) -> str:
    """JSON with sorted keys, no white space, and one spelling for each string and number."""
    if value.kind is NodeKind.OBJECT:
        return canonical_object({key: canonical(member) for key, member in value.members()})
    if value.kind is NodeKind.ARRAY:
        return canonical_array(canonical(item) for item in value.items())
    if value.kind is NodeKind.NUMBER:
        return _number(value.raw)
    text = value.string()
    return value.raw if text is None else canonical_string(text)


def canonical_object(members: Mapping[str, str]) -> str:
    """The object of members that are canonical already."""
    return "{" + ",".join(f"{canonical_string(key)}:{members[key]}" for key in sorted(members)) + "}"


def canonical_array(items: Iterable[str]) -> str:
    return "[" + ",".join(items) + "]"


def canonical_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def canonical_oid(text: str) -> str:
    """git's blob id of the text in UTF-8. A lone surrogate, which UTF-8 has no bytes for, stays an escape."""
    data = text.encode("utf-8", "backslashreplace")
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _number(raw: str) -> str:
    found = _NUMBER.fullmatch(raw)
    if not found:  # an exponent of more than 18 digits: nobody can say what it equals, so it is its own spelling
        return raw
    sign, whole, fraction, power = found.groups(default="")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return "0"
    exponent = int(power or "0") - len(fraction) + len(digits) - len(digits.rstrip("0"))
    digits = digits.rstrip("0")
    if exponent >= 0 and len(digits) + exponent <= _PLAIN_DIGITS:
        return sign + digits + "0" * exponent
    return f"{sign}{digits}e{exponent}"
