"""What ``manage.py doctor`` looks at. An app adds its own checks in its ``doctor.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from django.conf import settings
from django.db import DatabaseError, connection

from skillmeat_site.core.jobs import queue
from skillmeat_site.core.models import Job
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


_checks: list[Callable[[], Finding]] = []


def diagnosis(check: Callable[[], Finding]) -> Callable[[], Finding]:
    """Declare a check."""
    _checks.append(check)
    return check


def examine() -> list[Finding]:
    """Run all checks; one that breaks is a finding, not the end of the examination."""
    findings = []
    for check in _checks:
        try:
            findings.append(check())
        except Exception as error:  # noqa: BLE001 - whatever a check meets is what the doctor reports
            findings.append(Finding(check.__name__, Health.ERROR, f"{type(error).__name__}: {error}"))
    return findings


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
