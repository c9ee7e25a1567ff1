"""What the job page shows, put into plain values: the template only lays them out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from skillmeat_site.core import selections
from skillmeat_site.core.admin.badges import JOB_STATUS, OUTCOME, TRIGGER, word_badge
from skillmeat_site.core.admin.display import (
    EMPTY,
    ago,
    changelist_url,
    duration,
    link,
    paragraphs,
    pretty_json,
    row_link,
    shortened,
)
from skillmeat_site.core.admin.job_items import OPEN, ItemQuery
from skillmeat_site.core.admin.job_log import log_of
from skillmeat_site.core.admin.objects import object_urls
from skillmeat_site.core.admin.sight import hidden_types, sees_every_job
from skillmeat_site.core.jobs import queue
from skillmeat_site.core.jobs.control import LEFT, needs_retry
from skillmeat_site.core.models import Job, JobItem, Selection
from skillmeat_site.core.results import UNWELL, JobStatus
from skillmeat_site.core.text import printable

ITEMS_PER_PAGE = 100
MAX_WARNINGS = 100
MAX_VALUES = 20
"""Values of one list among the params that the page shows: a job may name 50,000 ids."""
ETA_AFTER = timedelta(seconds=3)
"""Earlier, what is left cannot be told from what was done."""


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
    hinted: bool
    """The first of the page with its code: what to do about it is said once."""


def context(request: HttpRequest, job: Job) -> dict[str, Any]:
    tabs = outcome_tabs(job)
    user = request.user
    shown = {
        "sees_all": True,
        "job": job,
        "label": printable(job.label),
        "status": word_badge(JOB_STATUS, job.status),
        "bar": progress_bar(job),
        "progress_label": printable(job.progress_label),
        "left": time_left(job),
        "facts": _facts(job),
        "error_detail": paragraphs(job.error_detail) if job.error_detail else "",
        "counters": _counters(job),
        "warnings": _warnings(job),
        "params": pretty_json(_few(job.params)),
        "result": pretty_json(job.result),
        "tabs": tabs,
        "item_count": sum(tab.size for tab in tabs),
        **_items(request, job),
        "log": log_of(job),
        "children": _children(job),
        "back": back_url(request) or _chosen_in(request, job),
        "no_worker": job.status == JobStatus.QUEUED and not queue.live_clusters(),
        "may_cancel": job.is_active and user.has_perm("core.cancel_job"),
        "may_retry": not job.is_active and _can_retry(job, tabs) and user.has_perm("core.retry_job"),
    }
    return shown if sees_every_job(user) else {**shown, **_for_its_actor(job)}


def _for_its_actor(job: Job) -> dict[str, Any]:
    """What is left out for who may see a job only because they have begun it.

    Log, result and warnings name whatever the job came across, and not only what they chose; other jobs are not
    theirs to see. How the job ended, its counts, and the items that they may see (``_items``) are.
    """
    facts = {**_facts(job), "parent": ""}
    nothing: dict[str, Any] = {"sees_all": False, "log": (), "result": "", "warnings": (), "children": ""}
    return {**nothing, "facts": facts, "progress_label": ""}


def progress(job: Job, *, sees_all: bool) -> dict[str, Any]:
    """What changes while a job runs, in the words of the page."""
    return {
        "active": job.is_active,
        "status": word_badge(JOB_STATUS, job.status),
        "bar": progress_bar(job),
        "label": printable(job.progress_label) if sees_all else "",
        "took": duration(time_taken(job)),
        "left": time_left(job),
        "counts": {tab.query: tab.size for tab in outcome_tabs(job)},
    }


def back_url(request: HttpRequest) -> str:
    """The list that the action came from, as the query says; only a page of this site."""
    back = request.GET.get("back", "")
    return back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else ""


def _chosen_in(request: HttpRequest, job: Job) -> str:
    """The list that this user chose the job's objects in; of a plan, the confirmation that it was made for."""
    selection = selections.behind(job.pk, request.user)
    if selection is None:
        return ""
    return confirm_url(selection) if selection.plan_id == job.pk else selection.back


def confirm_url(selection: Selection) -> str:
    return reverse(f"admin:{selection.model.replace('.', '_')}_confirm", args=[selection.pk])


def progress_bar(job: Job) -> str:
    if not job.total:
        return ""
    return format_html(
        '<span class="sm-progress"><progress value="{}" max="{}" aria-label="{}"></progress> {} / {}</span>',
        job.done, job.total, _("progress"), job.done, job.total,
    )  # fmt: skip


def time_taken(job: Job) -> timedelta | None:
    if job.started_at is None:
        return None
    return (job.finished_at or timezone.now()) - job.started_at


def time_left(job: Job) -> str:
    """A guess, if the rest goes as fast as what is done; "" where there is nothing to go by."""
    taken = time_taken(job)
    if job.status != JobStatus.RUNNING or taken is None or taken < ETA_AFTER or not 0 < job.done < job.total:
        return ""
    seconds = taken.total_seconds() / job.done * (job.total - job.done)
    if seconds < 60:
        return _("about %(n)d s left") % {"n": max(1, round(seconds))}
    return _("about %(n)d min left") % {"n": round(seconds / 60)}


def outcome_tabs(job: Job) -> list[Tab]:
    """How many items ended how; only outcomes that occur, in the order of the vocabulary."""
    counted = dict(job.items.order_by().values_list("outcome").annotate(n=Count("pk")))
    return [Tab(outcome, word_badge(OUTCOME, outcome), counted[outcome]) for outcome in OUTCOME if outcome in counted]


def _facts(job: Job) -> dict[str, Any]:
    return {
        # May break after its dot rather than anywhere.
        "kind": format_html_join(SafeString(".<wbr>"), "{}", ((part,) for part in job.kind.split("."))),
        "trigger": TRIGGER.get(job.trigger, job.trigger),
        "actor": printable(job.actor.get_username()) if job.actor else EMPTY,
        "attempt": job.attempt,
        "created": ago(job.created_at),
        "started": ago(job.started_at),
        "finished": ago(job.finished_at),
        "took": duration(time_taken(job)),
        "parent": row_link(job.parent) if job.parent_id else "",
    }


def _children(job: Job) -> str:
    """How the jobs that this one started fare, each count a way to them."""
    counted = dict(job.children.order_by().values_list("status").annotate(n=Count("pk")))
    links = [
        (link(changelist_url(Job, parent=job.pk, status=status), counted[status]), word_badge(JOB_STATUS, status))
        for status in JOB_STATUS
        if status in counted
    ]
    return format_html_join(" ", '<span class="sm-nowrap">{} {}</span>', links)


def _few(params: Mapping[str, Any]) -> dict[str, Any]:
    """Params for reading: of a long list its beginning, and how long it is."""
    shown: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, list) and len(value) > MAX_VALUES:
            shown[name] = [*value[:MAX_VALUES], _("… %(n)d in all") % {"n": len(value)}]
        else:
            shown[name] = _few(value) if isinstance(value, dict) else value
    return shown


def _counters(job: Job) -> list[tuple[str, Any]]:
    """The plain values of the result: of a bulk job what there is in its summary, of any other its own counters."""
    result = job.result or {}
    summary = result.get("summary")
    if summary:
        return [(name, value) for name, value in summary.items() if value]
    return [
        (name, printable(str(value)) if isinstance(value, str) else value)
        for name, value in result.items()
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
    """One page of items: of one outcome, and with words in them, if the query says so."""
    asked = ItemQuery.of(request.GET)
    rows = asked.narrow(job.items.select_related("child").order_by("pk").defer("detail"))
    if not sees_every_job(request.user):
        rows = rows.exclude(object_type__in=hidden_types(request))
    page: Page[JobItem] = Paginator(rows, ITEMS_PER_PAGE).get_page(request.GET.get("page"))
    first_of = {item.code: item.pk for item in reversed(list(page)) if item.outcome in UNWELL}
    urls = object_urls(_ref(item) for item in page)
    return {
        "page": page,
        "rows": [
            _item_row(item, urls[item.object_type, item.object_id], first_of.get(item.code) == item.pk)
            for item in page
        ],
        "wanted_outcome": asked.outcome,
        "words": asked.words,
        "export_query": urlencode(asked.to_query()),
    }


def _ref(item: JobItem) -> tuple[str, str]:
    return item.object_type, item.object_id


def _item_row(item: JobItem, url: str, hinted: bool) -> ItemRow:
    return ItemRow(
        label=shortened(item.object_label or f"{item.object_type} {item.object_id}", 120),
        url=url,
        outcome=word_badge(OUTCOME, item.outcome),
        code=item.code,
        message=shortened(item.message, 300) if item.message else "",
        took=duration(timedelta(milliseconds=item.duration_ms)) if item.duration_ms is not None else EMPTY,
        child=getattr(item, "child", None),
        hinted=hinted,
    )


def _can_retry(job: Job, tabs: list[Tab]) -> bool:
    return needs_retry(job, has_left=any(tab.outcome in LEFT for tab in tabs), has_items=bool(tabs))
