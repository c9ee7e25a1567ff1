"""A lease on a row: exclusive, with an expiry, taken and proven by conditional UPDATE (works on every database).

A lease is not a lock: its holder may be dead or slow. Who writes proves the token in the same transaction
(``Lease.fence``): 0 rows means that somebody else took over, and the transaction rolls back.
Times are the database's own, so that workers on hosts with different clocks agree.
"""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now

from skillmeat_site.core.errors import LeaseLost

LEASE_SECONDS = 30
RENEW_SECONDS = 8
"""A holder that ticks once a second renews three times before its lease could expire."""


class LeasedModel(models.Model):
    """The two columns of a lease. No service writes them but through Lease."""

    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


def is_free() -> Q:
    """Rows that nobody holds, or whose holder let the lease expire."""
    return Q(lease_until__isnull=True) | Q(lease_until__lte=Now())


class Lease:
    """A held lease. Made by ``acquire`` and ``acquire_any`` only; of the latter ``pk`` is None."""

    def __init__(self, model: type[LeasedModel], pk: Any, token: uuid.UUID) -> None:
        self._model = model
        self.pk = pk
        self.token = token
        self._renewed = time.monotonic()
        self._released = False

    @classmethod
    def acquire(cls, model: type[LeasedModel], pk: Any) -> Lease | None:
        """Take the lease of row ``pk`` if it is free or expired; None if somebody holds it or the row is gone."""
        token = uuid.uuid4()
        taken = model._default_manager.filter(is_free(), pk=pk).update(
            lease_token=token, lease_until=Now() + timedelta(seconds=LEASE_SECONDS)
        )
        return cls(model, pk, token) if taken else None

    @classmethod
    def acquire_any(cls, rows: models.QuerySet[Any]) -> Lease | None:
        """Take the lease of whichever of these rows is free, in one statement; None if none is, or a rival took it."""
        token = uuid.uuid4()
        free = rows.filter(is_free()).order_by("?").values("pk")[:1]
        taken = rows.model._default_manager.filter(is_free(), pk__in=free).update(
            lease_token=token, lease_until=Now() + timedelta(seconds=LEASE_SECONDS)
        )
        return cls(rows.model, None, token) if taken else None

    def renew_if_due(self) -> None:
        if time.monotonic() - self._renewed >= RENEW_SECONDS:
            self.renew()

    def renew(self) -> None:
        """Raises LeaseLost when another holder took over."""
        if not self._mine().update(lease_until=Now() + timedelta(seconds=LEASE_SECONDS)):
            raise LeaseLost
        self._renewed = time.monotonic()

    def fence(self) -> None:
        """Prove the lease as the first statement of a transaction; the row stays locked until its end.

        Raises LeaseLost: nothing may be written. Must be called inside ``transaction.atomic``.
        """
        if not transaction.get_connection().in_atomic_block:
            raise RuntimeError("a lease is proven inside the transaction that it protects")
        self.renew()

    def release(self) -> None:
        """Give it back. Harmless when it was lost or given back before: only the own token is released."""
        if not self._released:
            self._mine().update(lease_token=None, lease_until=None)

    def stamp_and_release(self, **columns: Any) -> None:
        """Write columns of the row and give the lease back, in one statement that also proves it. Raises LeaseLost."""
        if not self._mine().update(**columns, lease_token=None, lease_until=None):
            raise LeaseLost
        self._released = True

    def _mine(self) -> models.QuerySet[Any]:
        rows = self._model._default_manager.filter(lease_token=self.token)
        return rows if self.pk is None else rows.filter(pk=self.pk)
