"""A plain table on a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from skillmeat_site.core.admin.display import Text


def table(name: Text, heads: Sequence[Text], rows: Iterable[Sequence[Text]], *, kind: str = "") -> SafeString:
    """``heads`` names the columns; the first cell of each row names the row. ``kind``: one more class.

    It scrolls by itself where it is wider than the page, by keyboard too; ``name`` is told to who does not see it.
    """
    head = format_html_join("", '<th scope="col">{}</th>', ((text,) for text in heads))
    body = format_html_join("", "<tr>{}</tr>", ((_row(row),) for row in rows))
    return format_html(
        '<div class="smd-table {}" tabindex="0" role="region" aria-label="{}">'
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        kind,
        name,
        head,
        body,
    )


def _row(cells: Sequence[Text]) -> SafeString:
    first, *rest = cells
    others = format_html_join("", "<td>{}</td>", ((cell,) for cell in rest))
    return format_html('<th scope="row">{}</th>{}', first, others)
