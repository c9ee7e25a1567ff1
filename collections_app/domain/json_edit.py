"""Edits of JSON text that touch one value each and look like the text around them.

``append`` puts a child after the last one, ``drop`` takes a child out, ``replace`` swaps a value. Dropping what was
appended gives back the text from before, to the byte, whatever its indentation, line ends and escapes are; only a
container that was empty needs its inner white space back (``set_inner``), which its owner has to remember.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from collections_app.domain.json_text import BOM, Fragment, NodeKind, parse_text

_SPACE = " \t\r\n"
_INDENT = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class Style:
    """How a document is written. ``newline`` is empty for a document on one line."""

    newline: str
    unit: str
    colon: str

    @property
    def gap(self) -> str:
        """What stands after a comma on one line."""
        return " " if self.colon.endswith(" ") else ""


def style_of(root: Fragment) -> Style:
    """The style of the document: read off its first member, else two spaces and ``": "``."""
    text, node = root.text, root.node
    newline = _newline(text)
    if not node.children:
        return Style(newline or "\n", "  ", ": ")
    first = node.children[0]
    before = text[node.start + 1 : first.start]
    own_line = _newline(before)
    unit = before.rpartition(own_line)[2] if own_line else ""
    colon = text[first.key_end : first.value.start] if first.key is not None else ": "
    return Style(_newline(text[node.start : node.end]), unit or "  ", ": " if _newline(colon) else colon)


def render(value: Fragment, style: Style, indent: str) -> str:
    """The value in the style; strings and numbers keep their spelling. ``indent``: of the line it stands in."""
    node = value.node
    if not node.children:
        return {NodeKind.OBJECT: "{}", NodeKind.ARRAY: "[]"}.get(node.kind, value.raw)
    inner = indent + style.unit
    parts = [
        (value.text[child.start : child.key_end] + style.colon if child.key is not None else "")
        + render(Fragment(value.text, child.value), style, inner)
        for child in node.children
    ]
    opening, closing = ("{", "}") if node.kind is NodeKind.OBJECT else ("[", "]")
    if not style.newline:
        return opening + f",{style.gap}".join(parts) + closing
    line = style.newline + inner
    return opening + line + f",{line}".join(parts) + style.newline + indent + closing


def append(root: Fragment, container: Fragment, value: Fragment, key: str | None = None) -> str:
    """The text with ``value`` as the container's last child. ``key`` is spelled in JSON, quotes and all."""
    text, node, style = root.text, container.node, style_of(root)
    head = f"{key}{style.colon}" if key is not None else ""
    if not node.children:
        indent = _line_indent(text, node.start)
        inner = indent + style.unit if style.newline else ""
        written = style.newline + inner + head + render(value, style, inner)
        return set_inner(root, container, written + (style.newline + indent if style.newline else ""))
    last = node.children[-1]
    before = text[node.start + 1 : last.start]
    space = before[len(before.rstrip(_SPACE)) :]
    newline = _newline(space)
    if newline:
        style = Style(newline, style.unit, style.colon)
        indent = space.rpartition(newline)[2]
    else:
        style, indent = Style("", style.unit, style.colon), ""
        space = space if len(node.children) > 1 else style.gap
    end = last.value.end
    return f"{text[:end]},{space}{head}{render(value, style, indent)}{text[end:]}"


def replace(root: Fragment, old: Fragment, new: Fragment) -> str:
    """The text with another value in the old one's place."""
    style = style_of(root)
    if "\n" not in old.raw and "\r" not in old.raw and old.node.children:
        style = Style("", style.unit, style.colon)
    return replace_raw(root, old, render(new, style, _line_indent(root.text, old.node.start)))


def replace_raw(root: Fragment, old: Fragment, raw: str) -> str:
    return root.text[: old.node.start] + raw + root.text[old.node.end :]


def drop(root: Fragment, container: Fragment, index: int) -> str:
    """The text without one child, and without the comma that the child needed."""
    text, children = root.text, container.node.children
    if len(children) == 1:
        return set_inner(root, container, "")
    if index:
        return text[: children[index - 1].value.end] + text[children[index].value.end :]
    return text[: children[0].start] + text[children[1].start :]


def inner_of(container: Fragment) -> str:
    """What stands between the brackets."""
    return container.raw[1:-1]


def set_inner(root: Fragment, container: Fragment, inner: str) -> str:
    return root.text[: container.node.start + 1] + inner + root.text[container.node.end - 1 :]


def compose(raw: str) -> Fragment:
    """A value made of spelled parts."""
    return parse_text(raw)


def _newline(text: str) -> str:
    """How the first line ends; empty where there is only one. JSON has no line ends inside of strings."""
    found = re.search(r"\r\n|\n|\r", text)
    return found.group() if found else ""


def _line_indent(text: str, at: int) -> str:
    start = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    start += start == 0 and text.startswith(BOM)
    found = _INDENT.match(text, start, at)
    return found.group() if found else ""
