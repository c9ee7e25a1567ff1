"""Takes secrets out of text on its way to a log, an error or a page. Pure, so that every room may use it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

MASK = "***"

_TOKENS = re.compile(
    r"\b(?:gh[opsur]_[A-Za-z0-9_]{6,}|smt_[A-Za-z0-9_-]{6,}|github_pat_[A-Za-z0-9_]{6,}|glpat-[A-Za-z0-9_-]{6,})"
)
# A digit, a capital or padding is asked for, so that "basic understanding" stays as it is.
_HEADERS = re.compile(r"\b((?i:bearer|basic|token)\s+)(?=\S*[0-9A-Z=])[A-Za-z0-9._~+/=-]{8,}")
_AUTHORIZATION = re.compile(r"(?im)\b((?:proxy-)?authorization\s*[:=]\s*)[^\r\n]+")
# The last @ before the path ends the userinfo: a password may itself hold an @.
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/?#'\"<>]*@")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text with every secret replaced by ``***``.

    Finds GitHub and GitLab tokens by their prefix, the values of authorization headers, and user names and passwords
    in URLs; and each of ``secrets`` as it is and as git sends it (Basic, in base64).
    """
    for secret in filter(None, secrets):
        text = text.replace(basic_credentials(secret), MASK).replace(secret, MASK)
    text = _USERINFO.sub(rf"\1{MASK}@", text)
    text = _AUTHORIZATION.sub(rf"\1{MASK}", text)
    text = _HEADERS.sub(rf"\1{MASK}", text)
    return _TOKENS.sub(MASK, text)


def basic_credentials(token: str) -> str:
    """Spell a token the way a Basic authorization header carries it."""
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()
