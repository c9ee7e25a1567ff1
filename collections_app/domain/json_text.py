"""JSON read for editing: every value knows where it stands in the text, so that an edit touches nothing else.

Strict (RFC 8259): no comments, no trailing commas, no NaN, no duplicate keys. A byte order mark is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 100
BOM: Final = "\ufeff"

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LITERAL = re.compile(r"true|false|null")


class JsonTextError(ValueError):
    """The text is no JSON that may be edited. The message says what and where, and never quotes the text."""


class NodeKind(StrEnum):
    OBJECT = "object"
    ARRAY = "array"
    STRING = "string"
    NUMBER = "number"
    LITERAL = "literal"


@dataclass(frozen=True, slots=True)
class Node:
    """A value: ``text[start:end]``. ``children`` are the members of an object or the items of an array."""

    kind: NodeKind
    start: int
    end: int
    children: tuple[Child, ...] = ()


@dataclass(frozen=True, slots=True)
class Child:
    """An item of an array (``key`` is None), or a member of an object, which starts with its key."""

    start: int
    value: Node
    key: str | None = None
    key_end: int = 0


@dataclass(frozen=True, slots=True)
class Fragment:
    """A value together with the text it stands in."""

    text: str
    node: Node

    @property
    def raw(self) -> str:
        """The value exactly as it is spelled."""
        return self.text[self.node.start : self.node.end]

    @property
    def kind(self) -> NodeKind:
        return self.node.kind

    def string(self) -> str | None:
        """The string, its escapes resolved; None for any other value."""
        return str(json.loads(self.raw)) if self.kind is NodeKind.STRING else None

    def members(self) -> Iterator[tuple[str, Fragment]]:
        """Key and value of each member, in the order of the text; nothing for a value that is no object."""
        for child in self.node.children:
            if child.key is not None:
                yield child.key, Fragment(self.text, child.value)

    def items(self) -> Iterator[Fragment]:
        """The items in order; nothing for a value that is no array."""
        if self.kind is NodeKind.ARRAY:
            for child in self.node.children:
                yield Fragment(self.text, child.value)

    def get(self, key: str) -> Fragment | None:
        return next((value for name, value in self.members() if name == key), None)

    def at(self, path: tuple[str, ...]) -> Fragment | None:
        """The value that the keys lead to; None where one of them is missing."""
        found: Fragment | None = self
        for key in path:
            found = found.get(key) if found is not None else None
        return found

    def strings(self) -> Iterator[str]:
        """Every string of the value, at any depth, keys included."""
        if (own := self.string()) is not None:
            yield own
        for child in self.node.children:
            if child.key is not None:
                yield child.key
            yield from Fragment(self.text, child.value).strings()


def parse_json(data: bytes) -> Fragment:
    """The document of the bytes. Raises ``JsonTextError``; encoding the text again gives the same bytes."""
    if len(data) > MAX_BYTES:
        raise JsonTextError(f"larger than {MAX_BYTES} bytes")
    try:
        return parse_text(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise JsonTextError(f"not UTF-8 at byte {error.start}") from error


def parse_text(text: str) -> Fragment:
    """The document of the text. Raises ``JsonTextError``."""
    reader = _Reader(text)
    start = reader.space(1 if text.startswith(BOM) else 0)
    node = reader.value(start, 0)
    end = reader.space(node.end)
    if end != len(text):
        raise reader.error(end, "more follows after the value")
    return Fragment(text, node)


class _Reader:
    """Recursive descent; the depth is bounded, and each method returns what it read with its place."""

    def __init__(self, text: str) -> None:
        self.text = text

    def error(self, at: int, what: str) -> JsonTextError:
        line = self.text.count("\n", 0, at) + 1
        return JsonTextError(f"{what} (line {line}, column {at - (self.text.rfind(chr(10), 0, at) + 1) + 1})")

    def space(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def value(self, at: int, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.error(at, f"nested deeper than {MAX_DEPTH}")
        first = self.text[at : at + 1]
        if first in ("{", "["):
            return self.container(at, depth, first == "{")
        for pattern, kind in ((_STRING, NodeKind.STRING), (_NUMBER, NodeKind.NUMBER), (_LITERAL, NodeKind.LITERAL)):
            if found := pattern.match(self.text, at):
                return Node(kind, at, found.end())
        raise self.error(at, "a comment, which JSON has none of" if first == "/" else "no value")

    def container(self, start: int, depth: int, is_object: bool) -> Node:
        kind, closing = (NodeKind.OBJECT, "}") if is_object else (NodeKind.ARRAY, "]")
        children: list[Child] = []
        seen: set[str] = set()
        at = self.space(start + 1)
        if self.text[at : at + 1] == closing:
            return Node(kind, start, at + 1)
        while True:
            child = self.member(at, depth) if is_object else Child(at, self.value(at, depth + 1))
            if child.key is not None:
                if child.key in seen:
                    raise self.error(at, "a key for the second time")
                seen.add(child.key)
            children.append(child)
            at = self.space(child.value.end)
            mark = self.text[at : at + 1]
            if mark == closing:
                return Node(kind, start, at + 1, tuple(children))
            if mark != ",":
                raise self.error(at, f"neither a comma nor {closing}")
            at = self.space(at + 1)

    def member(self, at: int, depth: int) -> Child:
        key = _STRING.match(self.text, at)
        if not key:
            raise self.error(at, "no key")
        colon = self.space(key.end())
        if self.text[colon : colon + 1] != ":":
            raise self.error(colon, "no colon after a key")
        value = self.value(self.space(colon + 1), depth + 1)
        return Child(at, value, str(json.loads(key.group())), key.end())
