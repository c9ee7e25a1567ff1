"""Differences of two texts for tests, and what a page shows of them."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

from collections_app.store.history.differences import compare
from collections_app.store.history.types import DiffLimits
from skillmeat_site.core.diffs.types import DiffKind, FileView


def view(old: str | bytes, new: str | bytes, path: str = "a.md", *, status: str = "modified", **more) -> FileView:
    """The difference of two texts, computed as everywhere."""
    before, after = (side.encode() if isinstance(side, str) else side for side in (old, new))
    found = compare(before, after, DiffLimits(max_lines=10_000))
    return FileView(
        path=path, status=status, kind=DiffKind.TEXT, hunks=found.hunks, added=found.added, removed=found.removed,
        **more,
    )  # fmt: skip


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


def read(page: str) -> _Reader:
    """The tags, attributes and text of a page, as a browser sees them."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader


def cells(page: str, kind: str) -> list[str]:
    """The text of table cells whose class begins with ``kind``."""
    found = re.findall(rf'<td class="{kind}[^"]*">(.*?)</td>', page, re.DOTALL)
    return [html.unescape(re.sub("<[^>]*>", "", cell)) for cell in found]
