"""An artifact in all places where it is: which file differs where, and the difference of any two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from collections_app.domain.comparison import FileRow, Verdict, compare_files
from collections_app.services.file_views import ComparedFiles
from collections_app.services.sides import AS_DEPLOYED, BASE, COLLECTION, UPSTREAM, Side, difference
from skillmeat_site.core.admin.badges import Words, word_badge
from skillmeat_site.core.admin.diff_page import LINES, PAGE, PATH, show_difference
from skillmeat_site.core.admin.display import Text, Tone
from skillmeat_site.core.admin.subpages import refusal, section
from skillmeat_site.core.admin.tables import table
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.text import printable

MAX_ROWS = 200
"""Files in the table; the difference of two sides has pages."""
FROM, TO = "from", "to"

NAMES: Mapping[str, Text] = {
    UPSTREAM: _("Upstream"),
    BASE: _("As imported"),
    COLLECTION: _("Collection"),
    AS_DEPLOYED: _("As deployed"),
}
VERDICT: Words = {
    Verdict.SAME: (_("same"), Tone.QUIET),
    Verdict.HERE: (_("changed here"), Tone.WARNING),
    Verdict.UPSTREAM: (_("changed upstream"), Tone.INFO),
    Verdict.BOTH: (_("changed on both sides"), Tone.BAD),
    Verdict.ALIKE: (_("the same change on both sides"), Tone.GOOD),
    Verdict.ONLY_HERE: (_("only here"), Tone.WARNING),
    Verdict.ONLY_UPSTREAM: (_("only upstream"), Tone.INFO),
    Verdict.DIFFERS: (_("differs"), Tone.WARNING),
    Verdict.ELSEWHERE: (_("changed where it is deployed"), Tone.WARNING),
}


def side_name(side: Side) -> Text:
    return NAMES.get(side.key) or printable(side.name)


def comparison_parts(
    request: HttpRequest, sides: Sequence[Side], preferred: Sequence[tuple[str, str]]
) -> list[SafeString]:
    """The page's parts. ``preferred``: pairs of sides, the first of which that differs is shown if none is chosen."""
    known = [side for side in sides if side.problem is None]
    rows = compare_files({side.key: side.contents for side in known})
    old, new = _chosen(request, known, preferred)
    parts = [section(_("Where it is"), _places(sides))]
    if len(known) > 1:
        parts.append(section(_("Files"), _matrix(known, rows, old, new, _kept(request))))
    if old is None or new is None:
        return [*parts, format_html('<p class="smd-empty">{}</p>', _("There is nothing to compare it with."))]
    return [*parts, section(_("What differs"), _form(request, known, old, new), _difference(request, old, new))]


def _places(sides: Sequence[Side]) -> SafeString:
    return table(_("Where it is"), [_("Side"), _("Where"), _("What is there")], (_place(side) for side in sides))


def _place(side: Side) -> tuple[Text, Text, Text]:
    where = format_html("<code>{}</code>", printable(side.place)) if side.place else ""
    return side_name(side), where, _said(side)


def _said(side: Side) -> Text:
    if side.problem is None:
        number = len(side.contents)
        if not number:
            return word_badge({"": (_("nothing is there"), Tone.BAD)}, "")
        return ngettext("%(n)d file", "%(n)d files", number) % {"n": number}
    return refusal(side.problem)


def _matrix(
    sides: Sequence[Side], rows: Sequence[FileRow], old: Side | None, new: Side | None, kept: Mapping[str, str]
) -> SafeString:
    differing = [row for row in rows if row.verdict is not Verdict.SAME]
    same = len(rows) - len(differing)
    said = ngettext("%(n)d file is the same everywhere.", "%(n)d files are the same everywhere.", same) % {"n": same}
    if not differing:
        return format_html("<p>{}</p>", said)
    heads = [_("File"), _("State"), *(side_name(side) for side in sides)]
    shown = (_row(row, sides, old, new, kept) for row in differing[:MAX_ROWS])
    found = table(_("Files that differ somewhere"), heads, shown, kind="smd-matrix")
    more = len(differing) - MAX_ROWS
    left = ngettext("%(n)d more file differs.", "%(n)d more files differ.", more) % {"n": more} if more > 0 else ""
    letters = _("Equal letters are equal content.")
    return format_html("{}<p>{} {} {}</p>", found, left, said if same else "", letters)


def _kept(request: HttpRequest) -> dict[str, str]:
    """What of the address holds for whatever is compared."""
    return {name: str(value) for name, value in request.GET.items() if name not in (FROM, TO, PATH, PAGE, LINES)}


def _row(
    row: FileRow, sides: Sequence[Side], old: Side | None, new: Side | None, kept: Mapping[str, str]
) -> list[Text]:
    name: Text = printable(row.path)
    if old and new and row.letters[old.key] != row.letters[new.key] and row.path.isprintable():
        query = urlencode({**kept, FROM: old.key, TO: new.key, PATH: row.path})
        name = format_html('<a href="?{}#difference">{}</a>', query, name)
    return [name, word_badge(VERDICT, row.verdict), *(_letter(row.letters[side.key]) for side in sides)]


def _letter(letter: str) -> Text:
    if letter:
        return format_html("<b>{}</b>", letter)
    return format_html('<span aria-hidden="true">\u2013</span><span class="visually-hidden">{}</span>', _("not there"))


def _chosen(
    request: HttpRequest, known: Sequence[Side], preferred: Sequence[tuple[str, str]]
) -> tuple[Side | None, Side | None]:
    by_key = {side.key: side for side in known}
    asked = (by_key.get(request.GET.get(FROM, "")), by_key.get(request.GET.get(TO, "")))
    if asked[0] and asked[1]:
        return asked
    pairs = [(by_key[old], by_key[new]) for old, new in preferred if old in by_key and new in by_key]
    pairs += [(old, new) for number, old in enumerate(known) for new in known[number + 1 :]]
    differing = (pair for pair in pairs if pair[0].contents != pair[1].contents)
    return next(differing, pairs[0] if pairs else (None, None))


def _form(request: HttpRequest, known: Sequence[Side], old: Side, new: Side) -> SafeString:
    kept = format_html_join("", '<input type="hidden" name="{}" value="{}">', _kept(request).items())
    return format_html(
        '<form method="get" class="smd-choice" id="difference">{}<label>{} {}</label> <label>{} {}</label> '
        '<input type="submit" class="button" value="{}"></form>',
        kept,
        _("From"),
        _options(FROM, known, old),
        _("to"),
        _options(TO, known, new),
        _t("Compare"),
    )


def _options(name: str, known: Sequence[Side], chosen: Side) -> SafeString:
    options = format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((side.key, SafeString(" selected") if side is chosen else "", side_name(side)) for side in known),
    )
    return format_html('<select name="{}">{}</select>', name, options)


def _difference(request: HttpRequest, old: Side, new: Side) -> SafeString:
    try:
        diff, prepare = difference(old, new)
        return show_difference(request, ComparedFiles(diff, prepare), _("Nothing: the two are the same."))
    except DomainError as error:
        return refusal(error)
