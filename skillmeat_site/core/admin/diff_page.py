"""A whole difference on one page: how many files, a page of them at a time, or one file alone with all its lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from skillmeat_site.core.admin.diffs import show_files, view_of, view_switch
from skillmeat_site.core.admin.display import Text
from skillmeat_site.core.diffs.types import FileView
from skillmeat_site.core.text import printable

FILES_PER_PAGE = 25
LINES_PER_PAGE = 2_000
"""Lines of a file that is alone on its page."""
PATH, PAGE, LINES = "path", "page", "lines"
"""What of the address this module reads; the rest is kept in its links."""


class Compared(Protocol):
    """Files that differ, in order. Lines are computed for those asked for only. May raise DomainError."""

    def __len__(self) -> int: ...

    def files(self, first: int, size: int) -> Sequence[FileView]:
        """A page of files, each within limits."""

    def alone(self, path: str, skip: int, size: int) -> tuple[FileView, int] | None:
        """One file's lines from ``skip`` on, and how many there are in all; None where it does not differ."""


def show_difference(request: HttpRequest, compared: Compared, nothing: Text) -> SafeString:
    """The part of a page that shows a difference; ``nothing`` is said where there is none."""
    path = request.GET.get(PATH, "")
    if path:
        return _alone(request, compared, path)
    total = len(compared)
    if not total:
        return format_html('<p class="smd-empty">{}</p>', nothing)
    pages = -(-total // FILES_PER_PAGE)
    number = page_number(request, PAGE, pages)
    files = compared.files((number - 1) * FILES_PER_PAGE, FILES_PER_PAGE)
    said = ngettext("%(n)s file differs.", "%(n)s files differ.", total) % {"n": f"{total:,}"}
    body = show_files(files, view=view_of(request), url=lambda each: _alone_address(request, each))
    turn = pager(request, PAGE, number, pages)
    return format_html('<div class="smd-bar"><p>{}</p>{}</div>{}{}', said, view_switch(request), body, turn)


def _alone_address(request: HttpRequest, each: FileView) -> str:
    """A name that is no text, or looks like another one, cannot stand in an address: such a file has no such page."""
    return _address(request, path=each.path, page=None) if each.path.isprintable() else ""


def _alone(request: HttpRequest, compared: Compared, path: str) -> SafeString:
    skip = (page_number(request, LINES, 1_000_000) - 1) * LINES_PER_PAGE
    found = compared.alone(path, skip, LINES_PER_PAGE)
    back = format_html(
        '<p><a href="{}">\u2190 {}</a></p>', _address(request, path=None, lines=None), _("All files that differ")
    )
    if found is None:
        return format_html("{}<p>{} <code>{}</code></p>", back, _("It does not differ:"), printable(path))
    file, total = found
    pages = -(-total // LINES_PER_PAGE) or 1
    body = show_files([file], view=view_of(request))
    turn = pager(request, LINES, skip // LINES_PER_PAGE + 1, pages)
    return format_html('<div class="smd-bar">{}{}</div>{}{}', back, view_switch(request), body, turn)


def page_number(request: HttpRequest, name: str, last: int) -> int:
    """The page that the address asks for, between 1 and ``last``."""
    try:
        return min(max(int(request.GET.get(name, "1")), 1), max(last, 1))
    except ValueError:
        return 1


def _address(request: HttpRequest, **changes: str | int | None) -> str:
    """This page with other parameters; None takes one away."""
    query = {name: value for name, value in request.GET.items() if name not in changes}
    query |= {name: str(value) for name, value in changes.items() if value is not None}
    return f"?{urlencode(query)}"


def pager(request: HttpRequest, name: str, number: int, pages: int) -> SafeString | str:
    """Links to the pages before and after; nothing where there is one page only."""
    if pages <= 1:
        return ""
    before = format_html('<a href="{}">\u2190 {}</a> ', _address(request, **{name: number - 1}), _("previous"))
    after = format_html(' <a href="{}">{} \u2192</a>', _address(request, **{name: number + 1}), _("next"))
    place = _("page %(number)d of %(pages)d") % {"number": number, "pages": pages}
    return format_html(
        '<nav class="paginator" aria-label="{}">{}{}{}</nav>',
        _("Pages"),
        before if number > 1 else "",
        place,
        after if number < pages else "",
    )
