"""Takes secrets out of text on its way to a log, an error or a page. Pure, so that every room may use it."""

from __future__ import annotations

import re

MASK = "[redacted]"

_PATTERNS = (
    re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{8,}|github_pat_[A-Za-z0-9_]{8,}|glpat-[A-Za-z0-9_-]{8,}|smt_[A-Za-z0-9_-]{8,})"
    ),
    re.compile(r"(?i)(?<=\bbearer )[A-Za-z0-9._~+/=-]{6,}"),
    re.compile(r"(?i)(?<=\bbasic )[A-Za-z0-9+/=]{6,}"),
    re.compile(r"(?i)(?<=\btoken )[A-Za-z0-9._-]{16,}"),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
    re.compile(r"(?<=://)[^/\s:@]{16,}(?=@)"),
)


def redact(text: str, *secrets: str) -> str:
    """Replace everything that looks like a credential, and each of ``secrets``, by a mask."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(MASK, text)
    return text
