"""Lines as HTML: coloured, their changed words marked, and nothing in them that hides, turns around or runs."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import escape
from django.utils.safestring import SafeString

from skillmeat_site.core.diffs.colour import Piece
from skillmeat_site.core.text import printable

MAX_COLUMNS = 2_000
"""Characters of one line that are shown; how many more there are is told."""


def shown(text: str) -> str:
    """Escaped HTML; what is invisible or turns the line around is an escape, and looks unlike a text that says so."""
    if text.isprintable():
        return escape(text)
    return "".join(_character(char) if not char.isprintable() and char != "\t" else escape(char) for char in text)


def _character(char: str) -> str:
    return f'<span class="smd-escape">{escape(printable(char))}</span>'


def line_html(
    pieces: Sequence[Piece], spans: Sequence[tuple[int, int]] = (), *, limit: int = MAX_COLUMNS
) -> SafeString:
    """The pieces of a line one after the other, ``limit`` characters at most; what lies in ``spans`` is marked."""
    parts: list[str] = []
    at = 0
    room = limit
    for name, text in pieces:
        for begin, end, marked in _cut(at, min(len(text), room), spans):
            html = shown(text[begin - at : end - at])
            html = f'<span class="t-{name}">{html}</span>' if name else html
            parts.append(f"<mark>{html}</mark>" if marked else html)
        at += len(text)
        room = max(0, limit - at)
    return SafeString("".join(parts))


def _cut(at: int, size: int, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int, bool]]:
    """Split ``[at, at + size)`` at the borders of spans."""
    cuts: list[tuple[int, int, bool]] = []
    end = at + size
    for begin, until in spans:
        begin, until = max(begin, at), min(until, end)
        if begin >= until:
            continue
        if at < begin:
            cuts.append((at, begin, False))
        cuts.append((begin, until, True))
        at = until
    if at < end:
        cuts.append((at, end, False))
    return cuts
