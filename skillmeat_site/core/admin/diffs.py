"""Differences on pages of the admin: unified or side by side, file by file.

``show_files`` draws any ``FileView``; whoever compares says which page has a file alone. Without a script, and without
colour alone: a sign stands before each changed line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from skillmeat_site.core.admin.badges import Words, word_badge
from skillmeat_site.core.admin.diff_tables import Drawing, split_table, unified_table
from skillmeat_site.core.admin.display import Text, Tone
from skillmeat_site.core.diffs.types import DiffKind, FileStatus, FileView
from skillmeat_site.core.text import printable

VIEW = "view"
MAX_OPEN = 600
"""Lines that are in sight at first; the files after them are folded."""
STYLES = {"all": ("core/pygments.css", "core/diff.css")}
"""For the ``Media.css`` of whoever shows a difference."""

STATUS: Words = {
    FileStatus.ADDED: (_("added"), Tone.GOOD),
    FileStatus.REMOVED: (_("removed"), Tone.BAD),
    FileStatus.MODIFIED: (_("changed"), Tone.INFO),
    FileStatus.MODE_CHANGED: (_("mode changed"), Tone.INFO),
    FileStatus.TYPE_CHANGED: (_("file or link"), Tone.WARNING),
    FileStatus.RENAMED: (_("renamed"), Tone.INFO),
    FileStatus.CONFLICT: (_("changed on both sides"), Tone.BAD),
}
KINDS: Mapping[DiffKind, Text] = {
    DiffKind.BINARY: _("Not a text:"),
    DiffKind.TOO_LARGE: _("Too large to compare here:"),
    DiffKind.UNAVAILABLE: _("It was changed just now: reload the page."),
}
_LINK, _EXECUTABLE = "120000", "100755"


class View(StrEnum):
    UNIFIED = "unified"
    SPLIT = "split"


FileUrl = Callable[[FileView], str]
"""The page that has this file alone, and all of it; "" where there is none."""


def view_of(request: HttpRequest) -> View:
    """What the address asks for; unified otherwise."""
    return View.SPLIT if request.GET.get(VIEW) == View.SPLIT else View.UNIFIED


def view_switch(request: HttpRequest) -> SafeString:
    """Two links to this page, one for each view; the address remembers."""
    chosen = view_of(request)
    links = []
    for view, text in ((View.UNIFIED, _("Unified")), (View.SPLIT, _("Side by side"))):
        query = request.GET.copy()
        query[VIEW] = view.value
        current = SafeString(' aria-current="true"') if view is chosen else ""
        links.append((query.urlencode(), current, text))
    return format_html(
        '<nav class="smd-switch" aria-label="{}">{}</nav>',
        _("How differences are shown"),
        format_html_join("", '<a href="?{}"{}>{}</a>', links),
    )


def counts(added: int, removed: int) -> SafeString:
    """``+3 −1`` with words for who does not see the colours."""
    label = _t("%(added)d lines added, %(removed)d removed") % {"added": added, "removed": removed}
    return format_html(
        '<span class="smd-counts" role="img" aria-label="{}">'
        '<span class="smd-plus">+{}</span> <span class="smd-minus">\u2212{}</span></span>',
        label,
        added,
        removed,
    )


def show_files(
    files: Sequence[FileView], *, view: View = View.UNIFIED, prefix: str = "file", url: FileUrl | None = None
) -> SafeString:
    """All files of one page: a list to jump from where there are several, then one table each.

    ``prefix`` keeps the ids of several differences on one page apart.
    """
    drawing = Drawing()
    parts = []
    lines = 0
    for number, each in enumerate(files, 1):
        lines += sum(len(hunk.lines) for hunk in each.hunks)
        is_open = lines <= MAX_OPEN or len(files) == 1
        parts.append(_file(each, f"{prefix}-{number}", view, url, drawing, is_open=is_open))
    body = format_html_join("", "{}", ((part,) for part in parts))
    return format_html('<div class="smd">{}{}</div>', _contents(files, prefix) if len(files) > 1 else "", body)


def _contents(files: Sequence[FileView], prefix: str) -> SafeString:
    rows = format_html_join(
        "",
        '<li><a href="#{}-{}"><bdi>{}</bdi></a> {} {}</li>',
        (
            (prefix, number, printable(each.path), word_badge(STATUS, each.status), _lines(each))
            for number, each in enumerate(files, 1)
        ),
    )
    return format_html(
        '<nav class="smd-contents" id="{}-0" aria-label="{}"><ul>{}</ul></nav>', prefix, _("Files that differ"), rows
    )


def _lines(each: FileView) -> SafeString | str:
    return counts(each.added, each.removed) if each.added or each.removed else ""


def _file(
    each: FileView, ident: str, view: View, url: FileUrl | None, drawing: Drawing, *, is_open: bool
) -> SafeString:
    alone = url(each) if url else ""
    notes = [*_said(each), *_left_out(each, alone)]
    table = ""
    if each.hunks:
        table = split_table(each, drawing) if view is View.SPLIT else unified_table(each, drawing)
    return format_html(
        '<details class="smd-file" id="{}"{}><summary><h3><bdi>{}</bdi></h3> {} {}</summary>{}{}</details>',
        ident,
        SafeString(" open") if is_open else "",
        _name(each),
        word_badge(STATUS, each.status),
        _lines(each),
        table,
        format_html_join("", '<p class="smd-note">{}</p>', ((note,) for note in notes)),
    )


def _name(each: FileView) -> SafeString | str:
    if not each.old_path or each.old_path == each.path:
        return printable(each.path)
    return format_html("{} \u2192 {}", printable(each.old_path), printable(each.path))


def _said(each: FileView) -> list[Text]:
    """What a table of lines does not tell."""
    said: list[Text] = []
    if each.kind is not DiffKind.TEXT:
        sizes = " \u2192 ".join(_size(size) for size in (each.old_size, each.new_size))
        text = KINDS[each.kind]
        said.append(text if each.kind is DiffKind.UNAVAILABLE else f"{text} {sizes}")
    elif each.status == FileStatus.RENAMED and not each.hunks:
        said.append(_("Its content is the same."))
    elif not each.hunks and not each.left_out and each.status in (FileStatus.ADDED, FileStatus.REMOVED):
        said.append(_("It is empty."))
    said += [each.note] if each.note else []
    said += _modes(each)
    if any("\ufffd" in line.text for hunk in each.hunks for line in hunk.lines):
        said.append(_("Bytes that are not UTF-8 are shown as \ufffd."))
    return said


def _size(size: int | None) -> str:
    return _t("nothing") if size is None else str(filesizeformat(size))


def _modes(each: FileView) -> list[Text]:
    old, new = each.old_mode, each.new_mode
    if old is None or new is None:
        mode = old or new
        return [_("It is a link; its text is where it leads.")] if mode == _LINK else []
    if old == new:
        return []
    if _LINK in (old, new):
        return [_("A file before, a link now.") if new == _LINK else _("A link before, a file now.")]
    return [_("It has become executable.") if new == _EXECUTABLE else _("It is no longer executable.")]


def _left_out(each: FileView, alone: str) -> list[Text]:
    if each.left_out == 0:
        return []
    if each.left_out is None:
        said = _t("The difference goes on.")
    else:
        said = ngettext("%(n)s line is not shown.", "%(n)s lines are not shown.", each.left_out) % {
            "n": f"{each.left_out:,}"
        }
    return [format_html('{} <a href="{}">{}</a>', said, alone, _t("All of this file")) if alone else said]
