"""The snapshots of a collection, one after the other: on its page the newest, on a page of their own all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from collections_app.admin.snapshots import AGAINST, NOW, PREVIOUS, RestoreSnapshot, snapshot_url
from collections_app.models import Collection, Snapshot
from collections_app.services.timeline import Moment, moments
from skillmeat_site.core.admin.diff_page import PAGE, page_number, pager
from skillmeat_site.core.admin.display import EMPTY, Text, ago, link, row_link, shortened
from skillmeat_site.core.admin.history import History
from skillmeat_site.core.admin.subpages import SubPagesAdmin, section
from skillmeat_site.core.text import printable

PER_PAGE = 25
SHOW, EVENTS = "show", "events"
"""In the query: what was done instead of the snapshots."""
ON_PAGE = 5
"""The newest snapshots, on the collection's own page."""


class TimelinePages(SubPagesAdmin):
    """Of a collection, the snapshots come first; what was done to it is a page of its own."""

    history = History.EVENTS

    def page_parts(self, request: HttpRequest, row: Collection) -> list[SafeString]:
        if not request.user.has_perm("collections_app.view_snapshot"):
            return []
        rows = list(_snapshots(row)[: ON_PAGE + 1])
        found = moments(rows[:ON_PAGE], rows[ON_PAGE] if len(rows) > ON_PAGE else None)
        more = link(self._timeline_url(row), _("All snapshots")) if len(rows) > ON_PAGE else ""
        return [section(_("History"), timeline(request, found), more)]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        row = self.shown_row(request, object_id)
        if request.GET.get(SHOW) == EVENTS or not request.user.has_perm("collections_app.view_snapshot"):
            return super().history_view(request, object_id, extra_context)
        pages: Paginator[Snapshot] = Paginator(_snapshots(row), PER_PAGE)
        number = page_number(request, PAGE, pages.num_pages)
        first = (number - 1) * PER_PAGE
        rows = list(_snapshots(row)[first : first + PER_PAGE + 1])
        found = moments(rows[:PER_PAGE], rows[PER_PAGE] if len(rows) > PER_PAGE else None)
        events = link(f"?{SHOW}={EVENTS}", _("What was done to it, by whom"))
        parts = [
            format_html("<p>{}</p>", events),
            timeline(request, found),
            pager(request, PAGE, number, pages.num_pages),
        ]
        return self.sub_page(request, row, _("History"), parts=parts)

    def _timeline_url(self, row: Collection) -> str:
        return reverse(f"admin:{self.sub_name('history')}", args=[row.pk])


def _snapshots(collection: Collection) -> Any:
    rows = Snapshot.objects.filter(collection=collection).for_list()
    return rows.select_related("collection", "job__actor").order_by("-key")


def timeline(request: HttpRequest, found: Sequence[Moment]) -> SafeString:
    if not found:
        return format_html(
            '<p class="smd-empty">{}</p>',
            _("There is no snapshot yet. One is taken before each import, refresh and removal, and on request."),
        )
    may_restore = RestoreSnapshot().is_allowed(request)
    items = format_html_join("", "{}", ((_moment(moment, may_restore),) for moment in found))
    return format_html('<ol class="smd-timeline">{}</ol>', items)


def _moment(moment: Moment, may_restore: bool) -> SafeString:
    row = moment.snapshot
    links = [
        link(
            snapshot_url(row, **{AGAINST: PREVIOUS}), _("what it changed") if moment.previous else _("what it holds")
        ),
        link(snapshot_url(row, **{AGAINST: NOW}), _("since then")),
    ]
    if may_restore:
        url = reverse("admin:collections_app_snapshot_do", args=[row.pk, RestoreSnapshot.name])
        links.append(link(url, _("restore")))
    return format_html(
        '<li><div class="smd-when">{}</div><div><b>{}</b> {} {}<div class="smd-what">{}</div>'
        '<div class="smd-links">{}</div></div></li>',
        link(snapshot_url(row), ago(row.created_at)),
        shortened(row.reason),
        _by(moment),
        row_link(row.job) if row.job else "",
        _what(moment),
        format_html_join(" \u00b7 ", "{}", ((each,) for each in links)),
    )


def _by(moment: Moment) -> Text:
    job = moment.snapshot.job
    who = job.actor.get_username() if job is not None and job.actor is not None else moment.actor
    return _t("by %(who)s") % {"who": printable(who)} if who else ""


def _what(moment: Moment) -> Text:
    if moment.problem is not None:
        return format_html("{} <code>{}</code>", printable(moment.problem.detail), moment.problem.code)
    counted = (
        ("smd-plus", "+", len(moment.added), _("artifacts added")),
        ("", "~", len(moment.changed), _("changed")),
        ("smd-minus", "\u2212", len(moment.removed), _("removed")),
    )
    counts = format_html_join(
        " ",
        '<span class="{}">{}{}</span>\u00a0<span class="visually-hidden">{}</span>',
        ((tone, sign, number, words) for tone, sign, number, words in counted if number),
    )
    if not counts:
        return _("no artifact changed") if moment.previous else EMPTY
    names = printable(", ".join(moment.named))
    more = _t("and %(n)d more") % {"n": moment.more} if moment.more else ""
    return format_html('<span class="smd-counts">{}</span> <bdi>{}</bdi> {}', counts, names, more)
