"""How values look in the admin: badges, ages, links, JSON.

Everything from outside is escaped and printable (``core.text``), and no meaning hangs on colour alone: a badge has a
text, and each tone a mark of its own shape. Inside ``in_full()`` the same functions give what an export wants: whole
texts and exact times.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.db import models
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

from skillmeat_site.core.text import printable

EMPTY = "-"
_full: ContextVar[bool] = ContextVar("skillmeat_in_full", default=False)
MAX_JSON = 20_000
"""Characters of a document that a page shows; the API has the whole."""

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise
else:
    Text = str | Promise


@contextmanager
def in_full() -> Iterator[None]:
    """Here values are not shortened, and times are told exactly: for files, not for pages."""
    before = _full.set(True)
    try:
        yield
    finally:
        _full.reset(before)


class Tone(StrEnum):
    """What a badge's colour and mark say beside its text."""

    GOOD = "good"
    INFO = "info"
    WARNING = "warning"
    BAD = "bad"
    QUIET = "quiet"


def badge(text: Text, tone: Tone) -> SafeString:
    if _full.get():
        return conditional_escape(text)
    return format_html('<span class="sm-badge sm-{}">{}</span>', tone.value, text)


def ago(when: datetime | None) -> str:
    """An age or a term in words; the exact time shows on hover."""
    if when is None:
        return EMPTY
    if _full.get():
        return when.isoformat()
    now = timezone.now()
    if abs(now - when) < timedelta(minutes=1):
        words = _("just now")
    elif when < now:
        words = _("%(age)s ago") % {"age": timesince(when, now, depth=1)}
    else:
        words = _("in %(term)s") % {"term": timeuntil(when, now, depth=1)}
    exact = timezone.localtime(when).strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html('<time datetime="{}" title="{}">{}</time>', when.isoformat(), exact, words)


def duration(length: timedelta | None) -> str:
    if length is None:
        return EMPTY
    seconds = length.total_seconds()
    if seconds < 1:
        return _("%(n)d ms") % {"n": round(seconds * 1000)}
    if seconds < 60:
        return _("%(n).1f s") % {"n": seconds}
    minutes, rest = divmod(round(seconds), 60)
    return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}


def shortened(text: str, limit: int = 80) -> str:
    """One printable line for a list; the whole shows on hover if it was cut."""
    line = printable(text)
    if len(line) <= limit or _full.get():
        return line or EMPTY
    return format_html('<span title="{}">{}…</span>', line[:1000], line[: limit - 1])


def paragraphs(text: str) -> str:
    """Text of several lines, each printable."""
    if not text:
        return EMPTY
    return format_html('<div class="sm-text">{}</div>', _printable_lines(text))


def pretty_json(value: Any) -> str:
    """A document for reading: indented, cut at MAX_JSON."""
    if value in (None, "", [], {}):
        return EMPTY
    text = _printable_lines(json.dumps(value, indent=2, ensure_ascii=False, default=str))
    cut = text if len(text) <= MAX_JSON or _full.get() else text[:MAX_JSON] + "\n…"
    return format_html('<pre class="sm-json" tabindex="0">{}</pre>', cut)


def change_url(row: models.Model) -> str:
    place = _pages_of(row._meta.app_label, str(row._meta.model_name), get_script_prefix())
    return f"{place}{quote(row.pk)}/change/"


@cache
def _pages_of(app_label: str, model_name: str, _prefix: str) -> str:
    """Where the pages of a model begin. Looked up once: a list has hundreds of links."""
    return reverse(f"admin:{app_label}_{model_name}_changelist")


def changelist_url(model: type[models.Model], **query: Any) -> str:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{urlencode(query)}" if query else url


def link(url: str, text: Text) -> SafeString:
    if _full.get():
        return conditional_escape(text)
    return format_html('<a href="{}">{}</a>', url, text)


def row_link(row: models.Model | None, text: str | None = None) -> str:
    """A link to the row's own page, in the row's own words unless others are given."""
    if row is None:
        return EMPTY
    words = shortened(text or str(row))
    return words if _full.get() else link(change_url(row), words)


def _printable_lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.splitlines())
