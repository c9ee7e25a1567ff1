"""Edits of single objects: dry runs, ETag and If-Match. The tag is the moment of the last write, whoever wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models, transaction
from rest_framework.request import Request

from skillmeat_site.core.errors import PreconditionFailed


@contextmanager
def edit(*, dry_run: bool = False) -> Iterator[None]:
    """The transaction of an edit. A dry run's is rolled back at its end: it answers what the edit would."""
    with transaction.atomic():
        yield
        if dry_run:
            transaction.set_rollback(True)


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
