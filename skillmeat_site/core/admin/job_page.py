"""What the job page shows, put into plain values: the template only lays them out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme

from skillmeat_site.core.admin.badges import JOB_STATUS, OUTCOME, TRIGGER, word_badge
from skillmeat_site.core.admin.display import (
    EMPTY,
    ago,
    changelist_url,
    duration,
    paragraphs,
    pretty_json,
    row_link,
    shortened,
)
from skillmeat_site.core.admin.objects import object_url
from skillmeat_site.core.jobs import queue
from skillmeat_site.core.models import Job, JobItem
from skillmeat_site.core.results import RETRIABLE, ItemOutcome, JobStatus
from skillmeat_site.core.text import printable

ITEMS_PER_PAGE = 100
MAX_WARNINGS = 100
OPEN = "open"


class Tab(NamedTuple):
    """The items of one outcome: "open" in the query where they have none yet."""

    outcome: str
    badge: str
    size: int

    @property
    def query(self) -> str:
        return self.outcome or OPEN


class ItemRow(NamedTuple):
    label: str
    url: str
    outcome: str
    code: str
    message: str
    took: str
    child: JobItem | Any


def context(request: HttpRequest, job: Job) -> dict[str, Any]:
    tabs = outcome_tabs(job)
    user = request.user
    return {
        "job": job,
        "label": printable(job.label),
        "status": word_badge(JOB_STATUS, job.status),
        "bar": progress_bar(job),
        "progress_label": printable(job.progress_label),
        "facts": _facts(job),
        "error_detail": paragraphs(job.error_detail) if job.error_detail else "",
        "counters": _counters(job),
        "warnings": _warnings(job),
        "params": pretty_json(job.params),
        "result": pretty_json(job.result),
        "tabs": tabs,
        "item_count": sum(tab.size for tab in tabs),
        **_items(request, job),
        "children_url": changelist_url(Job, parent=job.pk) if job.children.exists() else "",
        "back": back_url(request),
        "no_worker": job.status == JobStatus.QUEUED and not queue.live_clusters(),
        "may_cancel": job.is_active and user.has_perm("core.cancel_job"),
        "may_retry": not job.is_active and _can_retry(job, tabs) and user.has_perm("core.retry_job"),
    }


def progress(job: Job) -> dict[str, Any]:
    """What changes while a job runs, in the words of the page."""
    return {
        "active": job.is_active,
        "status": word_badge(JOB_STATUS, job.status),
        "bar": progress_bar(job),
        "label": printable(job.progress_label),
        "took": duration(time_taken(job)),
        "counts": {tab.query: tab.size for tab in outcome_tabs(job)},
    }


def back_url(request: HttpRequest) -> str:
    """The list that the action came from, as the query says; only a page of this site."""
    back = request.GET.get("back", "")
    return back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else ""


def progress_bar(job: Job) -> str:
    if not job.total:
        return ""
    return format_html(
        '<span class="sm-progress"><progress value="{}" max="{}"></progress> {} / {}</span>',
        job.done, job.total, job.done, job.total,
    )  # fmt: skip


def time_taken(job: Job) -> timedelta | None:
    if job.started_at is None:
        return None
    return (job.finished_at or timezone.now()) - job.started_at


def outcome_tabs(job: Job) -> list[Tab]:
    """How many items ended how; only outcomes that occur, in the order of the vocabulary."""
    counted = dict(job.items.order_by().values_list("outcome").annotate(n=Count("pk")))
    return [Tab(outcome, word_badge(OUTCOME, outcome), counted[outcome]) for outcome in OUTCOME if outcome in counted]


def _facts(job: Job) -> dict[str, Any]:
    return {
        "kind": job.kind,
        "trigger": TRIGGER.get(job.trigger, job.trigger),
        "actor": printable(job.actor.get_username()) if job.actor else EMPTY,
        "attempt": job.attempt,
        "created": ago(job.created_at),
        "started": ago(job.started_at),
        "finished": ago(job.finished_at),
        "took": duration(time_taken(job)),
        "parent": row_link(job.parent) if job.parent_id else "",
    }


def _counters(job: Job) -> list[tuple[str, Any]]:
    """The plain values of the result: of a bulk job its summary, of any other its own counters."""
    result = job.result or {}
    values = result.get("summary") or result
    return [
        (name, printable(str(value)) if isinstance(value, str) else value)
        for name, value in values.items()
        if isinstance(value, str | int | float) and value not in ("", None)
    ]


def _warnings(job: Job) -> list[dict[str, str]]:
    found = (job.result or {}).get("warnings") or []
    return [
        {name: printable(str(warned.get(name) or "")) for name in ("code", "detail", "path")}
        for warned in found[:MAX_WARNINGS]
        if isinstance(warned, dict)
    ]


def _items(request: HttpRequest, job: Job) -> dict[str, Any]:
    """One page of items, of one outcome if the query names one."""
    rows: QuerySet[JobItem] = job.items.select_related("child").order_by("pk").defer("detail")
    wanted = request.GET.get("outcome", "")
    if wanted == OPEN:
        rows = rows.filter(outcome="")
    elif wanted in set(ItemOutcome):
        rows = rows.filter(outcome=wanted)
    page: Page[JobItem] = Paginator(rows, ITEMS_PER_PAGE).get_page(request.GET.get("page"))
    return {"page": page, "rows": [_item_row(item) for item in page], "wanted_outcome": wanted}


def _item_row(item: JobItem) -> ItemRow:
    return ItemRow(
        label=shortened(item.object_label or f"{item.object_type} {item.object_id}", 120),
        url=object_url(item.object_type, item.object_id),
        outcome=word_badge(OUTCOME, item.outcome),
        code=item.code,
        message=shortened(item.message, 300) if item.message else "",
        took=duration(timedelta(milliseconds=item.duration_ms)) if item.duration_ms is not None else EMPTY,
        child=getattr(item, "child", None),
    )


def _can_retry(job: Job, tabs: list[Tab]) -> bool:
    retriable = any(tab.outcome in ("", *RETRIABLE) for tab in tabs)
    return retriable or (not tabs and job.status != JobStatus.SUCCEEDED)
