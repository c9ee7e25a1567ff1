"""The core's panels of the overview: jobs, and what hosts allow us."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, Window
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from skillmeat_site.core.admin.badges import JOB_STATUS, word_badge
from skillmeat_site.core.admin.display import Tone, ago, badge, change_url, changelist_url, shortened
from skillmeat_site.core.admin.job_page import progress_bar
from skillmeat_site.core.jobs import queue
from skillmeat_site.core.models import Job, RefusedToken, UpstreamBudget, UpstreamToken
from skillmeat_site.core.overview import Figure, Link, Panel, Suggestion, panel
from skillmeat_site.core.results import JobStatus
from skillmeat_site.core.upstream_tokens import Refusal, refusals
from skillmeat_site.core.work_advice import token_needs, worker_needs

SHOWN = 6
"""Jobs that run or wait, and again jobs that ended lately."""


@panel("jobs", permission="core.view_job", order=50, wide=True)
def jobs(request: HttpRequest) -> Panel | None:
    # Not filter(parent_item__isnull=True): SQLite would take the index of that column, and then sort nearly all jobs.
    asked = Job.objects.for_user(request.user).for_list().exclude(parent_item__isnull=False)
    asked = asked.defer("params", "result", "error_detail")
    running = Window(Count("pk", filter=Q(status=JobStatus.RUNNING)))
    queued = Window(Count("pk", filter=Q(status=JobStatus.QUEUED)))
    active: list[Any] = list(asked.active().annotate(running=running, queued=queued).order_by("-created_at")[:SHOWN])
    ended = asked.finished().order_by("-created_at")[:SHOWN]
    waiting = active[0].queued if active else 0
    workers = queue.live_clusters()
    return Panel(
        _("Jobs"),
        lead=[_jobs_in(JobStatus.RUNNING, active[0].running if active else 0), _jobs_in(JobStatus.QUEUED, waiting)],
        link=Link(changelist_url(Job), _("All jobs")),
        suggestions=[
            Suggestion(
                one,
                _("No worker is running"),
                _("Scans, imports and schedules wait for one: start manage.py qcluster on the server."),
                _what_waits(waiting),
                # No permission starts a worker: who sees that there is none can tell whoever runs the server.
                ["core.view_job"],
            )
            for one in worker_needs(workers=workers, queued=waiting)
        ],
        template="admin/skillmeat/panel_jobs.html",
        context={
            "worker": _worker_badge(workers),
            "jobs": [_job(one) for one in (*active, *ended)],
        },
        is_active=bool(active),
    )


@panel("limits", permission="core.view_upstreambudget", order=70)
def limits(request: HttpRequest) -> Panel | None:
    rows = list(UpstreamBudget.objects.for_user(request.user))
    refused = refusals() if request.user.has_perm("core.view_upstreamtoken") else []
    if not rows and not refused:
        return None
    suggestions = [
        Suggestion(
            one,
            ngettext("%d token was refused", "%d tokens were refused", one.rows) % one.rows,
            _("What it reads is not read any more, and nothing is asked anonymously instead. Enter another one."),
            Link(_place_of(refused[0]), _("Replace it")),
            ["core.change_upstreamtoken"] if refused[0].host else ["core.view_refusedtoken"],
        )
        for one in token_needs(refused=len(refused))
    ]
    return Panel(
        _("Limits of hosts"),
        link=Link(changelist_url(UpstreamBudget), _("All limits")),
        note=_("As the hosts last said."),
        suggestions=suggestions,
        template="admin/skillmeat/panel_limits.html",
        context={"rows": [_limit(row) for row in rows], "refused": [shortened(one.name) for one in refused]},
    )


def _jobs_in(status: JobStatus, rows: int) -> Figure:
    text, tone = JOB_STATUS[status]
    return Figure(text, rows, changelist_url(Job, status=status.value), tone)


def _what_waits(waiting: int) -> Link:
    if not waiting:
        return Link(changelist_url(Job), _("See the jobs"))
    return Link(changelist_url(Job, status=JobStatus.QUEUED.value), _("See what waits"))


def _worker_badge(workers: int) -> str:
    if not workers:
        return badge(_("no worker is running"), Tone.BAD)
    return badge(ngettext("%d worker is alive", "%d workers are alive", workers) % workers, Tone.GOOD)


def _job(job: Job) -> dict[str, Any]:
    return {
        "url": change_url(job),
        "label": shortened(job.label),
        "status": word_badge(JOB_STATUS, job.status),
        "bar": progress_bar(job) if job.is_active else "",
        "when": ago(job.finished_at or job.started_at or job.created_at),
        "code": job.error_code,
    }


def _limit(row: UpstreamBudget) -> dict[str, Any]:
    now = timezone.now()
    until = row.standing.closed_until(now, background=False)
    sweeps = row.standing.closed_until(now, background=True)
    if until is not None:
        state = badge(_("waits"), Tone.WARNING)
    elif sweeps is not None:
        state = badge(_("reserve only"), Tone.WARNING)
    else:
        state = badge(_("open"), Tone.GOOD)
    return {
        "name": shortened(f"{row.host} {row.token_name}".strip(), 60),
        "resource": row.resource,
        "left": row.standing.left(now),
        "limit": row.limit,
        "state": state,
        "reset": ago(until or sweeps or row.reset_at),
        "told": ago(row.updated_at),
    }


def _place_of(refusal: Refusal) -> str:
    """Where it is replaced: a stored token on its page's list; of the environment's at least the reason is shown."""
    if not refusal.host:
        return changelist_url(RefusedToken)
    return changelist_url(UpstreamToken)
