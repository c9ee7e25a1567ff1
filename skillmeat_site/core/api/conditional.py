"""ETag and If-Match for editable objects. The tag is the moment of the last write, so any write changes it."""

from __future__ import annotations

from typing import Any

from django.db import models
from rest_framework.request import Request

from skillmeat_site.core.errors import PreconditionFailed


def etag(row: Any) -> str:
    """A strong tag of one row. The row's model has ``updated_at``."""
    return f'"{row.pk}-{int(row.updated_at.timestamp() * 1_000_000):x}"'


def check_match(request: Request, row: models.Model) -> None:
    """Raises PreconditionFailed if the request names a state that is not the row's.

    Call it inside the transaction that writes, on a row read there with its lock.
    """
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    if etag(row) not in [tag.strip() for tag in wanted.split(",")]:
        raise PreconditionFailed("The object was changed after you read it: read it again.")
