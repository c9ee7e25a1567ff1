"""What ``manage.py doctor`` looks at. An app adds its own checks in its ``doctor.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from skillmeat_site.core.jobs import queue
from skillmeat_site.core.models import Job, UpstreamBudget
from skillmeat_site.core.results import JobStatus


class Health(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of the doctor. ``hint`` tells what to do where the status is not ok."""

    name: str
    status: Health
    detail: str
    hint: str = ""

    def to_json(self) -> dict[str, str]:
        return asdict(self)


Check = Callable[[], Finding | Sequence[Finding]]
"""A check has one finding, or several where one look answers several questions."""

_checks: list[Check] = []
_network_checks: list[Check] = []


def diagnosis(check: Check) -> Check:
    """Declare a check that stays on this machine and its database."""
    _checks.append(check)
    return check


def network_diagnosis(check: Check) -> Check:
    """Declare a check that asks other hosts. It has to bound its own time."""
    _network_checks.append(check)
    return check


def examine(*, offline: bool = False) -> list[Finding]:
    """Run all checks, those that ask other hosts last and, ``offline``, not at all.

    One that breaks is a finding, not the end of the examination.
    """
    findings: list[Finding] = []
    for check in _checks if offline else [*_checks, *_network_checks]:
        try:
            found = check()
        except Exception as error:  # noqa: BLE001 - whatever a check meets is what the doctor reports
            found = Finding(getattr(check, "__name__", ""), Health.ERROR, f"{type(error).__name__}: {error}")
        findings.extend([found] if isinstance(found, Finding) else found)
    return findings


SKEW_WARNING = timedelta(seconds=30)
SKEW_ERROR = timedelta(minutes=5)


def clock_finding(name: str, whose: str, skew: timedelta) -> Finding:
    """What it means that another clock is so far ahead of ours (behind, where negative)."""
    apart = abs(skew)
    if apart <= SKEW_WARNING:
        return Finding(name, Health.OK, f"agrees with {whose}")
    direction = "behind" if skew > timedelta(0) else "ahead of"
    detail = f"this machine's clock is {round(apart.total_seconds())} s {direction} {whose}"
    hint = "Set the clock, by NTP: leases, the expiry of tokens and webhooks depend on it."
    return Finding(name, Health.ERROR if apart > SKEW_ERROR else Health.WARNING, detail, hint)


@diagnosis
def database() -> Finding:
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            cursor.execute("SELECT 1")
            return Finding("database", Health.OK, connection.vendor)
        modes = {}
        for pragma in ("journal_mode", "busy_timeout"):
            cursor.execute(f"PRAGMA {pragma}")
            modes[pragma] = str(cursor.fetchone()[0])
    detail = f"sqlite, journal {modes['journal_mode']}, busy timeout {modes['busy_timeout']} ms"
    if modes["journal_mode"] != "wal":
        return Finding("database", Health.WARNING, detail, "WAL needs a local file system, not a network one.")
    return Finding("database", Health.OK, detail)


@diagnosis
def home() -> Finding:
    probe = settings.SKILLMEAT_HOME / ".doctor"
    try:
        probe.write_bytes(b"ok")
        probe.unlink()
    except OSError as error:
        return Finding("home", Health.ERROR, error.strerror or "not writable", "Make SKILLMEAT_HOME writable.")
    return Finding("home", Health.OK, str(settings.SKILLMEAT_HOME))


@diagnosis
def workers() -> Finding:
    clusters = queue.live_clusters()
    try:
        queued = Job.objects.filter(status=JobStatus.QUEUED).count()
    except DatabaseError:
        return Finding("workers", Health.ERROR, "the tables do not exist", "Run manage.py migrate.")
    if clusters:
        return Finding("workers", Health.OK, f"{clusters} alive, {queued} jobs queued")
    status = Health.ERROR if queued else Health.WARNING
    return Finding("workers", status, f"no cluster is alive, {queued} jobs queued", "Start one: manage.py qcluster.")


@diagnosis
def upstream_budgets() -> list[Finding]:
    """What hosts allow still, as far as their answers have said."""
    now = timezone.now()
    findings = [_budget_finding(row, now) for row in UpstreamBudget.objects.all()]
    return findings or [Finding("limits", Health.OK, "no host has told of any yet")]


def _budget_finding(row: UpstreamBudget, now: datetime) -> Finding:
    name = f"limit {row.host} {row.token_name} {row.resource}"
    until = row.standing.closed_until(now, background=True)
    left = row.standing.left(now)
    detail = "no limit told" if left is None else f"{left} of {row.limit} left, {row.reserve} kept for people who wait"
    if until is None:
        return Finding(name, Health.OK, detail)
    hint = "Nothing; deferred items are taken up by the next sweep or by a retry of their job."
    return Finding(name, Health.WARNING, f"{detail}; sweeps wait until {until:%H:%M} UTC", hint)


_SECONDS_NOW = {
    "sqlite": "SELECT strftime('%s', 'now')",
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
}


@diagnosis
def clock() -> Finding:
    """Ours against the database's: leases and expiries are written by many machines and compared by others."""
    with connection.cursor() as cursor:
        before = datetime.now(UTC)
        cursor.execute(_SECONDS_NOW[connection.vendor])
        theirs = datetime.fromtimestamp(float(cursor.fetchone()[0]), UTC)
        ours = before + (datetime.now(UTC) - before) / 2
    return clock_finding("clock", "the database's clock", theirs - ours)
