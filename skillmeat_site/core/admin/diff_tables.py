"""The lines of one file's difference as a table, in one column or two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from skillmeat_site.core.diffs.align import side_by_side
from skillmeat_site.core.diffs.colour import Colours
from skillmeat_site.core.diffs.html import MAX_COLUMNS, line_html, shown
from skillmeat_site.core.diffs.types import FileView, Hunk, Line
from skillmeat_site.core.diffs.words import Spans, changed_words
from skillmeat_site.core.text import printable

MAX_PAIRS = 400
"""Pairs of lines whose words are compared on one page; of the rest whole lines are told."""
_TONES = {"+": ' class="smd-add"', "-": ' class="smd-del"'}

Texts = dict[int, SafeString]
"""The HTML of each line of a hunk, by the line's ``id``."""


class Drawing:
    """What one page may still spend: colours take time, and so do words."""

    def __init__(self, colours: Colours | None = None, pairs: int = MAX_PAIRS) -> None:
        self._colours = colours or Colours()
        self._pairs = pairs

    def texts(self, hunk: Hunk, path: str) -> Texts:
        spans = self._changed(hunk)
        drawn: Texts = {}
        for origins in (" -", " +"):
            side = [line for line in hunk.lines if line.origin in origins]
            bare = [_bare(line.text) for line in side]
            for line, text, pieces in zip(side, bare, self._colours.of(bare, path), strict=True):
                drawn[id(line)] = SafeString(line_html(pieces, spans.get(id(line), [])) + _end(line, text))
        return drawn

    def _changed(self, hunk: Hunk) -> dict[int, Spans]:
        found: dict[int, Spans] = {}
        for row in side_by_side(hunk.lines):
            if row.old is None or row.new is None or row.old is row.new or self._pairs <= 0:
                continue
            self._pairs -= 1
            words = changed_words(_bare(row.old.text), _bare(row.new.text))
            found[id(row.old)], found[id(row.new)] = words
        return found


def _bare(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _end(line: Line, bare: str) -> str:
    """What the end of a line is worth telling: that it was cut, how it ends, that it does not end."""
    parts: list[str] = []
    if len(bare) > MAX_COLUMNS:
        more = _("%(n)s more characters") % {"n": f"{len(bare) - MAX_COLUMNS:,}"}
        parts.append(format_html(' <span class="smd-note">\u2026 {}</span>', more))
    if line.text.endswith("\r\n") and line.origin != " ":
        parts.append(shown("\r"))
    if not line.text.endswith("\n"):
        parts.append(format_html(' <span class="smd-note">{}</span>', _("no newline at the end")))
    return "".join(parts)


def unified_table(file: FileView, drawing: Drawing) -> SafeString:
    rows: list[str] = []
    for hunk in file.hunks:
        texts = drawing.texts(hunk, file.path)
        rows.append(_place(hunk, 4))
        rows += [_unified_row(line, texts[id(line)]) for line in hunk.lines]
    return _table("smd-unified", "nnsc", file, [_("Old line"), _("New line"), _("Sign"), _("Text")], rows)


def split_table(file: FileView, drawing: Drawing) -> SafeString:
    rows: list[str] = []
    for hunk in file.hunks:
        texts = drawing.texts(hunk, file.path)
        rows.append(_place(hunk, 6))
        for row in side_by_side(hunk.lines):
            same = row.old is row.new
            halves = (
                _half(row.old, row.old.old_number if row.old else None, texts, old=True, same=same),
                _half(row.new, row.new.new_number if row.new else None, texts, old=False, same=same),
            )
            rows.append(f"<tr>{halves[0]}{halves[1]}</tr>")
    names = [_("Line"), _("Sign"), _("Text")]
    heads = [*(_("Old: %s") % name for name in names), *(_("New: %s") % name for name in names)]
    return _table("smd-split", "nscnsc", file, heads, rows)


def _unified_row(line: Line, text: SafeString) -> str:
    tone = _TONES.get(line.origin, "")
    return (
        f"<tr{tone}>"
        f'<td class="smd-n">{line.old_number or ""}</td><td class="smd-n">{line.new_number or ""}</td>'
        f'<td class="smd-s">{_sign(line)}</td><td class="smd-c">{text}</td></tr>'
    )


def _half(line: Line | None, number: int | None, texts: Texts, *, old: bool, same: bool) -> str:
    side = "smd-old" if old else "smd-new"
    tone = " smd-both" if same else " smd-none" if line is None else " smd-del" if old else " smd-add"
    sign, text = ("", "") if line is None else (_sign(line), texts[id(line)])
    return (
        f'<td class="smd-n {side}{tone}">{number or ""}</td><td class="smd-s {side}{tone}">{sign}</td>'
        f'<td class="smd-c {side}{tone}">{text}</td>'
    )


def _sign(line: Line) -> str:
    return line.origin if line.origin in "+-" else ""


def _place(hunk: Hunk, columns: int) -> str:
    place = f"@@ -{hunk.old_start},{hunk.old_lines} +{hunk.new_start},{hunk.new_lines} @@"
    return f'<tr class="smd-place"><td colspan="{columns}">{place}</td></tr>'


def _table(kind: str, columns: str, file: FileView, heads: Sequence[str], rows: Iterable[str]) -> SafeString:
    head = "".join(format_html('<th scope="col">{}</th>', text) for text in heads)
    widths = "".join(f'<col class="smd-{column}">' for column in columns)  # the first row spans them all
    caption = format_html("{}", _("Difference of %s") % printable(file.path))
    return SafeString(
        f'<table class="{kind}"><caption class="visually-hidden">{caption}</caption>{widths}'
        f'<thead class="visually-hidden"><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )
