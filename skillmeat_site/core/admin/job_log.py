"""The log of a job: what its row, its trail, its audit events and its retries tell, in the order of time.

There is no table of log lines: all of this is kept anyway (docs/adr/0028).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.translation import gettext as _

from skillmeat_site.core.admin.badges import JOB_STATUS, TRIGGER, word_badge
from skillmeat_site.core.admin.display import changelist_url, link, row_link, shortened
from skillmeat_site.core.jobs.control import retries_of
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.text import printable

MAX_EVENTS = 100
"""Audit events of one job that its page shows, the newest; the list of all of them is linked."""
MAX_RETRIES = 20


class Line(NamedTuple):
    """``at`` for sorting, ``clock`` for the page."""

    at: datetime
    clock: str
    text: str


def log_of(job: Job) -> list[Line]:
    """At most a few hundred lines, the newest first: two statements."""
    found = [*_of_row(job), *_of_trail(job), *_of_events(job), *_of_retries(job)]
    lines = sorted((_line(at, text) for at, text in found), key=lambda line: line.at)
    return lines[::-1]


def _line(at: datetime, text: str) -> Line:
    exact = timezone.localtime(at)
    clock = format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(), exact.strftime("%Y-%m-%d %H:%M:%S %Z"), exact.strftime("%H:%M:%S"),
    )  # fmt: skip
    return Line(at, clock, text)


def _of_row(job: Job) -> Iterator[tuple[datetime, str]]:
    through = TRIGGER.get(job.trigger, job.trigger)
    who = printable(job.actor.get_username()) if job.actor else ""
    asked = _("asked for by %(who)s, through: %(through)s") if who else _("asked for through: %(through)s")
    yield job.created_at, asked % {"who": who, "through": through}
    if job.started_at:
        yield job.started_at, _("began")
    if job.finished_at:
        why = format_html(" <code>{}</code>", job.error_code) if job.error_code else ""
        yield job.finished_at, format_html("{} {}{}", _("ended:"), word_badge(JOB_STATUS, job.status), why)


def _of_trail(job: Job) -> Iterator[tuple[datetime, str]]:
    for at, text in job.trail:
        moment = parse_datetime(at)
        if moment is not None:
            yield moment, shortened(text, 200)


def _of_events(job: Job) -> Iterator[tuple[datetime, str]]:
    events = list(AuditEvent.objects.filter(job=job).order_by("-pk").defer("data")[: MAX_EVENTS + 1])
    for event in events[:MAX_EVENTS]:
        yield event.at, format_html("<code>{}</code> {}", event.action, shortened(event.object_label))
    if len(events) > MAX_EVENTS:
        every = link(changelist_url(AuditEvent, job=job.pk), _("all audit events of this job"))
        yield job.created_at, format_html("{} {}", _("… earlier ones are left out:"), every)


def _of_retries(job: Job) -> Iterator[tuple[datetime, str]]:
    retries = retries_of(job).only("label", "created_at")
    for retry in retries.order_by("created_at")[:MAX_RETRIES]:
        yield retry.created_at, format_html("{} {}", _("retried as"), row_link(retry))
