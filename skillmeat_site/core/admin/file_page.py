"""Files on pages of the admin: a list of them, and one alone, rendered or as it is. Nothing of them is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from skillmeat_site.core.admin.diff_page import LINES, LINES_PER_PAGE, page_number, pager
from skillmeat_site.core.admin.display import EMPTY, Text, paragraphs, pretty_json
from skillmeat_site.core.admin.tables import table
from skillmeat_site.core.diffs.colour import Colours
from skillmeat_site.core.diffs.html import MAX_COLUMNS, line_html
from skillmeat_site.core.documents.frontmatter import MAX_DOCUMENT_BYTES, parse_document
from skillmeat_site.core.documents.types import DocumentKind
from skillmeat_site.core.markdown import render_markdown
from skillmeat_site.core.text import printable

FILE, RAW = "file", "raw"
MAX_FILES = 500
"""Files in a list; the API has all."""
MAX_SHOWN = MAX_DOCUMENT_BYTES
"""Bytes of a file that are shown."""
MAX_CHARACTERS = 100_000
"""Of a Markdown file that is rendered."""
MAX_FIELDS = 50
MODES = {"100755": _("executable"), "120000": _("link")}
_PROBE = 8_000
_MARKDOWN = (".md", ".markdown", ".mdx")


class ListedFile(NamedTuple):
    """``size`` in bytes, None where nobody tells it without reading the file."""

    path: str
    mode: str
    size: int | None


def show_files_of(files: Sequence[ListedFile], url: str) -> SafeString:
    """A table of files, each with a link to ``url?file=…``; one whose name is no text has none."""
    rows = ((_link(file, url), _size(file.size), MODES.get(file.mode, "")) for file in files[:MAX_FILES])
    more = _t("%(n)d more") % {"n": len(files) - MAX_FILES} if len(files) > MAX_FILES else ""
    return format_html("{}{}", table(_("Files"), [_("File"), _("Size"), _("Kind")], rows, kind="smd-list"), more)


def _link(file: ListedFile, url: str) -> Text:
    if not file.path.isprintable():
        return printable(file.path)
    return format_html('<a href="{}?{}">{}</a>', url, urlencode({FILE: file.path}), file.path)


def _size(size: int | None) -> str:
    return EMPTY if size is None else str(filesizeformat(size))


def show_file(request: HttpRequest, file: ListedFile, data: bytes | int | None) -> SafeString:
    """One file: ``data`` is its bytes, perhaps cut beyond MAX_SHOWN, or its size if it is too large, or None."""
    if not isinstance(data, bytes):
        said = _("It is too large to be shown here:") if data is not None else _("It cannot be read now.")
        return format_html('<p class="smd-empty">{} {}</p>', said, _size(data) if data is not None else "")
    if file.mode == "120000":
        return format_html("<p>{} <code>{}</code></p>", _("A link to"), printable(data.decode("utf-8", "replace")))
    if b"\0" in data[:_PROBE]:
        return format_html('<p class="smd-empty">{} {}</p>', _("Not a text:"), _size(file.size or len(data)))
    if not data:
        return format_html('<p class="smd-empty">{}</p>', _("It is empty."))
    cut = _cut(file, data)
    if file.path.lower().endswith(_MARKDOWN):
        raw = request.GET.get(RAW) == "1"
        body = _source(request, file.path, data) if raw else show_markdown(data)
        return format_html("{}{}{}", _switch(request, raw), body, cut)
    return format_html("{}{}", _source(request, file.path, data), cut)


def _cut(file: ListedFile, data: bytes) -> Text:
    left = max(file.size or 0, len(data)) - MAX_SHOWN
    if left <= 0:
        return ""
    return format_html('<p class="smd-note">{} {}</p>', _("Not shown:"), filesizeformat(left))


def _switch(request: HttpRequest, raw: bool) -> SafeString:
    links = []
    for value, text in (("0", _("Rendered")), ("1", _("Source"))):
        query = request.GET.copy()
        query[RAW] = value
        current = SafeString(' aria-current="true"') if (value == "1") is raw else ""
        links.append((query.urlencode(), current, text))
    return format_html(
        '<div class="smd-bar"><span></span><nav class="smd-switch" aria-label="{}">{}</nav></div>',
        _("How the file is shown"),
        format_html_join("", '<a href="?{}"{}>{}</a>', links),
    )


def show_markdown(data: bytes) -> SafeString:
    """Markdown for reading, what stands in its head as a table above it."""
    parsed = parse_document(DocumentKind.FRONTMATTER, data[:MAX_SHOWN])
    text = data[:MAX_SHOWN].decode("utf-8", "replace")
    cut = format_html("<p>{}</p>", _("The text goes on: see its source.")) if len(text) > MAX_CHARACTERS else ""
    return format_html(
        '{}<div class="sm-preview">{}</div>{}', _fields(parsed.data), render_markdown(text[:MAX_CHARACTERS]), cut
    )


def _fields(fields: Any) -> SafeString | str:
    if not fields:
        return ""
    rows = ((printable(str(name)), _value(value)) for name, value in list(fields.items())[:MAX_FIELDS])
    return table(_("What the head of the file says"), [_("Field"), _("Value")], rows, kind="smd-fields")


def _value(value: Any) -> Text:
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return printable(", ".join(map(str, value)))
    return pretty_json(value) if isinstance(value, dict | list) else paragraphs(str(value))


def _source(request: HttpRequest, path: str, data: bytes) -> SafeString:
    """Numbered lines, a page of them at a time."""
    lines = data[:MAX_SHOWN].decode("utf-8", "replace").split("\n")
    if lines[-1] == "":
        del lines[-1]
    pages = -(-len(lines) // LINES_PER_PAGE) or 1
    number = page_number(request, LINES, pages)
    first = (number - 1) * LINES_PER_PAGE
    shown = [line.removesuffix("\r") for line in lines[first : first + LINES_PER_PAGE]]
    rows = "".join(
        f'<tr><td class="smd-n">{at}</td><td class="smd-c">{line_html(pieces)}{_more(line)}</td></tr>'
        for at, (line, pieces) in enumerate(zip(shown, Colours().of(shown, path), strict=True), first + 1)
    )
    caption = format_html('<caption class="visually-hidden">{}</caption>', printable(path))
    heads = format_html('<th scope="col">{}</th><th scope="col">{}</th>', _("Line"), _("Text"))
    table = (
        f'<table>{caption}<col class="smd-n"><col class="smd-c">'
        f'<thead class="visually-hidden"><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )
    return format_html('<div class="smd-code">{}</div>{}', SafeString(table), pager(request, LINES, number, pages))


def _more(line: str) -> SafeString | str:
    left = len(line) - MAX_COLUMNS
    if left <= 0:
        return ""
    return format_html(' <span class="smd-note">\u2026 {}</span>', _t("%(n)s more characters") % {"n": f"{left:,}"})
