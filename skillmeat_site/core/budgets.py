"""The budget of upstream requests, kept in rows: what one worker learns, all workers keep to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, transaction
from django.db.models import DateTimeField, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from skillmeat_site.core.ledger import RESERVE_PERCENT, Standing, State
from skillmeat_site.core.models import UpstreamBudget
from skillmeat_site.core.slots import forget_slots, held_slot
from skillmeat_site.upstream.budget import Resource, Slot
from skillmeat_site.upstream.errors import UpstreamRateLimited, UpstreamUnreachable
from skillmeat_site.upstream.quota import Quota
from skillmeat_site.upstream.types import Tick

log = structlog.get_logger(__name__)

ANONYMOUS = "anonymous"
KEEP = timedelta(days=30)
"""A token that was not used for so long is no longer shown."""
_OF_API = (Resource.CORE, Resource.GRAPHQL)
_QUOTA, _REACH = ("limit", "remaining", "reset_at"), ("offline_until",)


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

    What ``check`` read is old when the answer comes: others were answered meanwhile. So each event writes its own
    columns and no other. That something cannot be kept is logged and stops no scan: the next answer says it again.
    """

    def __init__(self, account: Account, *, background: bool = False) -> None:
        self._account, self._background = account, background
        self._standings: dict[Resource, Standing] = {}

    def slot(self, tick: Tick) -> AbstractContextManager[Slot]:
        """Take one of the account's slots; API and git share them. Raises UpstreamRateLimited after a minute."""
        return held_slot(self._account.host, self._account.token_id, tick)

    def check(self, resource: Resource) -> None:
        """Let a request pass, after one statement. Raises UpstreamRateLimited, UpstreamUnreachable."""
        self._standings = {Resource(row.resource): row.standing for row in self._rows()}
        now = timezone.now()
        for name in (resource, Resource.SECONDARY) if resource in _OF_API else (resource,):
            until = self._standing(name).closed_until(now, background=self._background)
            if until is not None:
                raise _closed(self._account.host, name, self._standing(name), until, now)
        offline_until = self._standing(resource).offline_until
        if self._background and offline_until is not None and offline_until > now:
            raise UpstreamUnreachable(
                f"{self._account.host} could not be reached a moment ago; not tried again before "
                f"{offline_until:%H:%M:%S} UTC"
            )

    def unreachable(self, resource: Resource, error: UpstreamUnreachable) -> None:
        """Keep that no connection came about. One that broke says nothing of the host."""
        if error.offline:
            log.warning("upstream.offline", **self._named(resource), detail=error.detail)
            now = timezone.now()
            self._write(resource, self._standing(resource).after_no_connection(now), now, _REACH)

    def reached(self, resource: Resource) -> None:
        """The host is there again, if it was away; costs nothing if it was not."""
        standing = self._standing(resource)
        if standing.offline_until is not None:
            self._write(resource, standing.after_contact(), timezone.now(), _REACH)

    def told(self, quota: Quota) -> None:
        """Keep what a good answer says is left."""
        try:
            resource = Resource(quota.resource)
        except ValueError:
            return  # one of the many that nobody here uses
        now = timezone.now()
        self._tell(resource, quota)
        forgivable = [name for name in (resource, Resource.SECONDARY) if self._standing(name).is_forgivable(now)]
        self._write(resource, self._standing(resource).after_quota(quota, now), now, _QUOTA)
        for name in forgivable:
            self._forgive(name, now)

    def limited(self, resource: Resource, error: UpstreamRateLimited) -> UpstreamRateLimited:
        """Keep that the host refuses, and tell how long all wait now. Refusals for the pace double that each time."""
        now = timezone.now()
        doubling = resource is Resource.SECONDARY
        standing = self._standing(resource).after_limit(error.retry_after, now, doubling=doubling)
        log.warning("upstream.limited", **self._named(resource), until=standing.cooldown_until)
        self._standings[resource] = standing
        with self._kept(resource):
            # Of those who are refused at once, the longest wait holds, and together they are one strike.
            UpstreamBudget.objects.bulk_create([self._row(resource, Standing(), now)], ignore_conflicts=True)
            mine = Value(standing.cooldown_until, output_field=DateTimeField())
            self._rows(resource).update(
                cooldown_until=Greatest(Coalesce(F("cooldown_until"), mine), mine),  # of NULL, SQLite makes NULL
                strikes=Greatest(F("strikes"), standing.strikes),
                token_name=self._account.token_name,
                updated_at=now,
            )
            self._standings[resource] = next((row.standing for row in self._rows(resource)), standing)
        until = self._standing(resource).cooldown_until or now
        return UpstreamRateLimited(error.detail, retry_after=_seconds(until - now), reset_at=until, data=error.data)

    def _forgive(self, resource: Resource, now: datetime) -> None:
        """Count refusals anew, unless another worker was refused a moment ago."""
        with self._kept(resource):
            over = Q(cooldown_until=None) | Q(cooldown_until__lte=now)
            self._rows(resource).filter(over).update(strikes=0, cooldown_until=None)

    def _standing(self, resource: Resource) -> Standing:
        return self._standings.get(resource, Standing())

    def _named(self, resource: Resource) -> dict[str, str]:
        return {"host": self._account.host, "token": self._account.token_name, "resource": resource.value}

    def _tell(self, resource: Resource, quota: Quota) -> None:
        low = quota.remaining is not None and quota.limit and quota.remaining * 100 < quota.limit * RESERVE_PERCENT
        tell = log.warning if low else log.debug
        told = {"limit": quota.limit, "remaining": quota.remaining, "reset_in": quota.reset_in}
        tell("upstream.quota", **self._named(resource), **told)

    def _write(self, resource: Resource, standing: Standing, now: datetime, names: Sequence[str]) -> None:
        self._standings[resource] = standing
        with self._kept(resource):
            UpstreamBudget.objects.bulk_create(
                [self._row(resource, standing, now)],
                update_conflicts=True,
                unique_fields=["host", "token_id", "resource"],
                update_fields=["token_name", "updated_at", *names],
            )

    def _rows(self, *resources: Resource) -> QuerySet[UpstreamBudget]:
        rows = UpstreamBudget.objects.filter(host=self._account.host, token_id=self._account.token_id)
        return rows.filter(resource__in=resources) if resources else rows

    def _row(self, resource: Resource, standing: Standing, now: datetime) -> UpstreamBudget:
        account = self._account
        return UpstreamBudget(
            host=account.host,
            token_id=account.token_id,
            token_name=account.token_name,
            resource=resource,
            updated_at=now,
            **asdict(standing),
        )

    @contextmanager
    def _kept(self, resource: Resource) -> Iterator[None]:
        try:
            with transaction.atomic():
                yield
        except DatabaseError as error:
            log.warning("upstream.budget_not_kept", **self._named(resource), exc_info=error)


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One resource of one token at one host, for people. ``until``: when ``state`` ends, None while it is open."""

    host: str
    token_name: str
    resource: Resource
    left: int | None
    limit: int | None
    reserve: int
    state: State
    until: datetime | None


def budget_overview() -> list[BudgetLine]:
    """What hosts allow us still, by their last answers: one statement, no request. Most urgent first.

    Tokens that were refused are not in it: those ``upstream_tokens.refusals()`` tells.
    """
    now = timezone.now()
    lines = [_line(row, now) for row in UpstreamBudget.objects.all()]
    return sorted(lines, key=lambda line: (line.state is State.OPEN, line.host, line.token_name, line.resource))


def _line(row: UpstreamBudget, now: datetime) -> BudgetLine:
    standing = row.standing
    state = standing.state(now)
    ends = {
        State.WAITING: standing.closed_until(now, background=False),
        State.RESERVE_ONLY: standing.closed_until(now, background=True),
        State.OFFLINE: standing.offline_until,
    }
    left, resource = standing.left(now), Resource(row.resource)
    return BudgetLine(
        row.host, row.token_name, resource, left, standing.limit, standing.reserve, state, ends.get(state)
    )


def standings_of(account: Account) -> Mapping[Resource, Standing]:
    """What is known of an account now."""
    rows = UpstreamBudget.objects.filter(host=account.host, token_id=account.token_id)
    return {Resource(row.resource): row.standing for row in rows}


def forget_old() -> int:
    """Delete what is known of tokens that have not been used for long. Returns how many rows went."""
    before = timezone.now() - KEEP
    gone, _ = UpstreamBudget.objects.filter(updated_at__lt=before).delete()
    return gone + forget_slots(before)


def _closed(host: str, resource: Resource, standing: Standing, until: datetime, now: datetime) -> UpstreamRateLimited:
    cooling = standing.cooldown_until is not None and standing.cooldown_until > now
    used_up = standing.remaining == 0
    why = "is used up" if cooling or used_up else "is down to what is kept for people who wait"
    kind = "pace" if resource is Resource.SECONDARY else resource.value
    return UpstreamRateLimited(
        f"{host}'s limit ({kind}) {why}",
        retry_after=_seconds(until - now),
        reset_at=until,
    )


def _seconds(wait: timedelta) -> int:
    return max(1, round(wait.total_seconds()))
