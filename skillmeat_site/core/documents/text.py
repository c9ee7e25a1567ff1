"""Strings and canonical bytes: what may be stored, and what a value inside another file is identified by."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MAX_NAME = 200


def clean_text(text: str) -> str:
    """Return ``text`` without U+0000 and lone surrogates, which PostgreSQL and UTF-8 refuse."""
    return _UNSTORABLE.sub("", text)


def cut_text(text: str, limit: int) -> tuple[str, bool]:
    """Return at most ``limit`` characters of ``text``, and whether something was left out."""
    return (text[:limit], True) if len(text) > limit else (text, False)


def usable_name(value: object) -> str:
    """Return a declared name fit to name a file, on one line; "" where ``value`` is none.

    A separator or a dot name would let a repository choose where its artifact is written.
    """
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    name = " ".join(clean_text(str(value)).split())
    if not name or len(name) > _MAX_NAME or name.strip(".") == "" or _CONTROL.search(name):
        return ""
    return "" if "/" in name or "\\" in name else name


def canonical_json(value: Any) -> bytes:
    """Return the one spelling of a JSON value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def blob_oid(data: bytes) -> str:
    """Return the id git gives a file with these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
