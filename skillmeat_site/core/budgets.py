"""The budget of upstream requests, kept in rows: what one worker learns, all workers keep to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone

from skillmeat_site.core.ledger import RESERVE_PERCENT, Standing
from skillmeat_site.core.models import UpstreamBudget
from skillmeat_site.upstream.budget import Resource
from skillmeat_site.upstream.errors import UpstreamRateLimited
from skillmeat_site.upstream.quota import Quota

log = structlog.get_logger(__name__)

ANONYMOUS = "anonymous"
KEEP = timedelta(days=30)
"""A token that was not used for so long is no longer shown."""
_OF_API = (Resource.CORE, Resource.GRAPHQL)
_STANDING = ("limit", "remaining", "reset_at", "cooldown_until", "strikes")


@dataclass(frozen=True, slots=True)
class Account:
    """Whose budget: a token at a host. ``token_id`` tells two tokens apart and betrays neither."""

    host: str
    token_name: str = ANONYMOUS
    token_id: str = ""

    @classmethod
    def of(cls, host: str, token: str, name: str) -> Account:
        """The account of a token that people call by this name (a setting's, say); empty: anonymous."""
        if not token:
            return cls(host)
        return cls(host, name, token_id(token))


def token_id(token: str) -> str:
    """Tells tokens apart in rows and answers. Of a token, which nobody can guess, its hash betrays nothing."""
    return hashlib.sha256(token.encode()).hexdigest()[:12]


class RowBudget:
    """A ``Budget`` of one account. ``background``: for work that nobody waits for, which leaves the reserve alone.

    That something cannot be kept is logged and stops no scan: the next answer says it again.
    """

    def __init__(self, account: Account, *, background: bool = False) -> None:
        self._account, self._background = account, background
        self._standings: dict[Resource, Standing] = {}

    def check(self, resource: Resource) -> None:
        """Let a request pass, after one statement. Raises UpstreamRateLimited."""
        rows = list(UpstreamBudget.objects.filter(host=self._account.host, token_id=self._account.token_id))
        self._standings = {Resource(row.resource): row.standing for row in rows}
        now = timezone.now()
        for name in (resource, Resource.SECONDARY) if resource in _OF_API else (resource,):
            until = self._standing(name).closed_until(now, background=self._background)
            if until is not None:
                raise _closed(self._account.host, name, self._standing(name), until, now)

    def told(self, quota: Quota) -> None:
        """Keep what a good answer says is left."""
        try:
            resource = Resource(quota.resource)
        except ValueError:
            return  # one of the many that nobody here uses
        now = timezone.now()
        self._tell(resource, quota)
        self._write(resource, self._standing(resource).after_quota(quota, now), now)
        pace = self._standing(Resource.SECONDARY)
        if pace.strikes and (pace.cooldown_until is None or pace.cooldown_until <= now):
            self._write(Resource.SECONDARY, Standing(), now)

    def limited(self, resource: Resource, error: UpstreamRateLimited) -> None:
        """Keep that the host refuses. Refusals for the pace double the pause each time."""
        now = timezone.now()
        doubling = resource is Resource.SECONDARY
        standing = self._standing(resource).after_limit(error.retry_after, now, doubling=doubling)
        log.warning("upstream.limited", **self._named(resource), until=standing.cooldown_until)
        self._write(resource, standing, now)

    def _standing(self, resource: Resource) -> Standing:
        return self._standings.get(resource, Standing())

    def _named(self, resource: Resource) -> dict[str, str]:
        return {"host": self._account.host, "token": self._account.token_name, "resource": resource.value}

    def _tell(self, resource: Resource, quota: Quota) -> None:
        low = quota.remaining is not None and quota.limit and quota.remaining * 100 < quota.limit * RESERVE_PERCENT
        tell = log.warning if low else log.debug
        told = {"limit": quota.limit, "remaining": quota.remaining, "reset_in": quota.reset_in}
        tell("upstream.quota", **self._named(resource), **told)

    def _write(self, resource: Resource, standing: Standing, now: datetime) -> None:
        self._standings[resource] = standing
        columns: dict[str, Any] = {**{name: getattr(standing, name) for name in _STANDING}, "updated_at": now}
        account = self._account
        row = UpstreamBudget(
            host=account.host, token_id=account.token_id, token_name=account.token_name, resource=resource, **columns
        )
        try:
            with transaction.atomic():
                UpstreamBudget.objects.bulk_create(
                    [row],
                    update_conflicts=True,
                    unique_fields=["host", "token_id", "resource"],
                    update_fields=["token_name", *columns],
                )
        except DatabaseError as error:
            log.warning("upstream.budget_not_kept", **self._named(resource), exc_info=error)


def standings_of(account: Account) -> Mapping[Resource, Standing]:
    """What is known of an account now."""
    rows = UpstreamBudget.objects.filter(host=account.host, token_id=account.token_id)
    return {Resource(row.resource): row.standing for row in rows}


def forget_old() -> int:
    """Delete what is known of tokens that have not been used for long. Returns how many rows went."""
    gone, _ = UpstreamBudget.objects.filter(updated_at__lt=timezone.now() - KEEP).delete()
    return gone


def _closed(host: str, resource: Resource, standing: Standing, until: datetime, now: datetime) -> UpstreamRateLimited:
    cooling = standing.cooldown_until is not None and standing.cooldown_until > now
    used_up = standing.remaining == 0
    why = "is used up" if cooling or used_up else "is down to what is kept for people who wait"
    kind = "pace" if resource is Resource.SECONDARY else resource.value
    return UpstreamRateLimited(
        f"{host}'s limit ({kind}) {why}",
        retry_after=max(1, round((until - now).total_seconds())),
        reset_at=until,
    )
