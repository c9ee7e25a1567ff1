"""Transactions that PostgreSQL may break off: of two that wait for each other it ends one, to be run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog
from django.db import OperationalError, connection, transaction

T = TypeVar("T")

TRIES = 3
_TO_BE_REPEATED = ("40P01", "40001")
"""deadlock_detected and serialization_failure: PostgreSQL's manual says of both to run the transaction again."""

log = structlog.get_logger(__name__)


def repeatably(write: Callable[[], T]) -> T:
    """Run ``write`` in one transaction, again from its beginning where the database gave it up for another's sake.

    ``write`` must change nothing but the database. At most three tries, then the OperationalError. Inside another
    transaction there is one try: only the outermost can be run again.
    """
    tries = 1 if connection.in_atomic_block else TRIES
    for left in reversed(range(tries)):
        try:
            with transaction.atomic():
                return write()
        except OperationalError as error:
            if not left or getattr(error.__cause__, "sqlstate", None) not in _TO_BE_REPEATED:
                raise
            log.info("transaction.repeated", sqlstate=error.__cause__.sqlstate)  # type: ignore[union-attr]
    raise AssertionError("unreachable: the last try returns or raises")
