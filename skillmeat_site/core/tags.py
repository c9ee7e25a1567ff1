"""Tags as people set them: one spelling for sources and artifacts. Pure Python."""

from __future__ import annotations

import re
from collections.abc import Iterable

from skillmeat_site.core.errors import FieldProblem, InvalidParameter

MAX_TAGS = 20
_TAG = re.compile(r"[a-z0-9][a-z0-9._+-]{0,49}")


def clean_tags(tags: Iterable[str], *, field: str = "tags") -> list[str]:
    """The tags trimmed, in lower case, each once. Raises InvalidParameter naming ``field``."""
    cleaned = list(dict.fromkeys(str(tag).strip().lower() for tag in tags))
    if len(cleaned) > MAX_TAGS or not all(_TAG.fullmatch(tag) for tag in cleaned):
        detail = f"must be at most {MAX_TAGS} words of letters, digits and . _ + - (50 characters)"
        raise InvalidParameter(f"{field}: {detail}", errors=(FieldProblem(f"/{field}", "invalid", detail),))
    return cleaned
