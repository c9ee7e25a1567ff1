"""Markdown of strangers, made fit for a page of ours.

Two walls: the parser takes no HTML at all, and what it makes goes through a sanitiser with a short list. Nothing is
loaded from elsewhere: an image becomes the words that describe it. No style, id or script is left, so that a strict
content security policy has nothing to refuse; of classes only those that colour code.
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

from skillmeat_site.core.diffs.colour import Colours
from skillmeat_site.core.diffs.html import line_html
from skillmeat_site.core.text import printable

MAX_CHARACTERS = 100_000
"""More than that is cut: a page is for reading."""

_FRONTMATTER = re.compile(r"\A---[ \t]*\n.*?\n---[ \t]*(\n|\Z)", re.DOTALL)
_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
    "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES: Mapping[str, set[str]] = {"a": {"href"}, "ol": {"start"}, "span": {"class"}}
_COLOUR = re.compile("t-[a-z]")
_SCHEMES = {"http", "https", "mailto"}


class _Renderer(RendererHTML):
    def image(self, tokens: Sequence[Token], number: int, options: Any, env: Any) -> str:
        """The words instead of the picture."""
        words = self.renderInlineAsText(tokens[number].children or [], options, env)
        return f"[{nh3.clean_text(words or 'image')}]"

    def fence(self, tokens: Sequence[Token], number: int, options: Any, env: Any) -> str:
        """Code in the colours of the language that it names."""
        token = tokens[number]
        language = token.info.split()[0] if token.info.split() else ""
        lines = token.content.removesuffix("\n").split("\n")
        coloured = env["colours"].of(lines, f"code.{language}")
        code = "\n".join(line_html(pieces, limit=len(token.content)) for pieces in coloured)
        return f"<pre><code>{code}\n</code></pre>\n"


_parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable(["table", "strikethrough"])


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """A relative link would lead into this site, and ``//host`` anywhere; a class of ours could cover things."""
    if attribute == "class" and not _COLOUR.fullmatch(value):
        return None
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
        _parser.render(shown, {"colours": Colours()}),
        tags=_TAGS,
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_kept,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return SafeString(html)
