"""What was done to one object: its audit events, the newest first (docs/adr/0041)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

from django.contrib.admin.utils import quote
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from skillmeat_site.core.admin.badges import TRIGGER
from skillmeat_site.core.admin.diff_page import PAGE, page_number, pager
from skillmeat_site.core.admin.display import Text, ago, change_url, link, row_link
from skillmeat_site.core.admin.sight import may_list, may_see_job
from skillmeat_site.core.admin.tables import table
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.text import printable

PER_PAGE = 50


class History(Enum):
    """What the page "History" of an object tells; NONE: there is no such page."""

    EVENTS = auto()
    FORMS = auto()
    """Django's own log, of what is written by Django's own forms."""
    NONE = auto()


def events_of(row: models.Model) -> models.QuerySet[AuditEvent]:
    """As ``AuditEvent.record`` names its target; there is an index of just that."""
    return AuditEvent.objects.filter(object_type=row._meta.label_lower, object_id=str(row.pk))


def history_parts(request: HttpRequest, row: models.Model) -> list[SafeString | str]:
    """A page of events and the way to the others: two statements."""
    events = events_of(row).select_related("job").defer("data", "job__params", "job__result", "job__trail")
    pages: Paginator[AuditEvent] = Paginator(events.order_by("-pk"), PER_PAGE)
    number = page_number(request, PAGE, pages.num_pages)
    shown = list(pages.page(number))
    if not shown:
        return [format_html('<p class="sm-empty">{}</p>', _("Nothing was recorded of it yet."))]
    heads = [_("When"), _("What"), _("By")]
    return [
        table(_("History"), heads, [_line(request, event) for event in shown], kind="sm-history"),
        pager(request, PAGE, number, pages.num_pages),
    ]


def _line(request: HttpRequest, event: AuditEvent) -> Sequence[Text]:
    # May break after its dot rather than anywhere.
    words = format_html_join(SafeString(".<wbr>"), "{}", ((part,) for part in event.action.split(".")))
    what: Any = format_html("<code>{}</code>", words)
    seen = event.job is not None and may_see_job(request.user, event.job)
    through = format_html("({})", TRIGGER.get(event.trigger, event.trigger))
    return (
        ago(event.at),
        format_html(
            "{}{}",
            link(change_url(event), what) if may_list(request, AuditEvent) else what,
            format_html("<br><small>{}</small>", row_link(event.job)) if seen else "",
        ),
        format_html("{} {}", printable(event.actor_name), through),
    )


def history_url(row: models.Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_history", args=[quote(row.pk)])
