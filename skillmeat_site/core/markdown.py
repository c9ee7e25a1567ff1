"""Markdown of strangers, made fit for a page of ours.

Two walls: the parser takes no HTML at all, and what it makes goes through a sanitiser with a short list. Nothing is
loaded from elsewhere: an image becomes the words that describe it. No style, id or script is left, so that a strict
content security policy has nothing to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from skillmeat_site.core.text import printable

MAX_CHARACTERS = 100_000
"""More than that is cut: a page is for reading."""

_FRONTMATTER = re.compile(r"\A---[ \t]*\n.*?\n---[ \t]*(\n|\Z)", re.DOTALL)
_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
    "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES: Mapping[str, set[str]] = {"a": {"href"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}


class _Renderer(RendererHTML):
    def image(self, tokens: Sequence[Token], number: int, options: Any, env: Any) -> str:
        """The words instead of the picture."""
        words = self.renderInlineAsText(tokens[number].children or [], options, env)
        return f"[{nh3.clean_text(words or 'image')}]"


_parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable(["table", "strikethrough"])


def _absolute(tag: str, attribute: str, value: str) -> str | None:
    """A relative link would lead into this site, and ``//host`` anywhere."""
    if attribute == "href" and value.partition(":")[0].lower() not in _SCHEMES:
        return None
    return value


def render_markdown(text: str) -> SafeString:
    """The HTML of a Markdown text without its frontmatter: safe, whatever the text holds.

    Links lead to http, https and mailto only, and carry ``rel="noopener noreferrer nofollow"``. Invisible and
    bidirectional characters show as escapes.
    """
    lines = text[:MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n")
    body = _FRONTMATTER.sub("", lines, count=1)
    shown = "\n".join(printable(line.expandtabs(4)) for line in body.split("\n"))
    html = nh3.clean(
        _parser.render(shown),
        tags=_TAGS,
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_absolute,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return SafeString(html)
