"""The YAML between the ``---`` lines: read strictly, else key by key.

Over a third of published commands are not strict YAML (``argument-hint: [a] [b]``, an unquoted colon in a
description). The guide for implementers of Agent Skills asks for leniency, so one bad value costs that value its
structure and nothing else.

Scalars stay as they are written except ``true``/``false``, plain decimal integers and null: ``version: 1.10`` is not
1.1, ``on:`` is not True and ``2025-01-01`` is not a date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.composer import Composer

# libyaml parses ten times faster where it is there; SafeLoader has the Python composer already.
_BASES: tuple[Any, ...] = (Composer, yaml.CSafeLoader) if yaml.__with_libyaml__ else (yaml.SafeLoader,)

MAX_DEPTH = 32

# Every way a hostile head has to fail: libyaml's errors, a bad explicit tag (!!int x, !!bool x).
_FAILURES = (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError)

_TOP_LEVEL_KEY = re.compile(r"([A-Za-z_$][\w$.-]*)[ \t]*:(?:[ \t]+(.*))?$")
_BLOCK_SCALAR = re.compile(r"[|>][+-]?\d?[ \t]*$")


class _HeadLoader(*_BASES):  # type: ignore[misc]
    """libyaml's parser under a guarded composer, with the few scalar types a head needs.

    libyaml's own composer recurses without a guard and would take the process down on 100,000 brackets; an alias is
    refused because a bomb is made of them and no head needs one.
    """

    depth = 0

    def __init__(self, text: str) -> None:
        _BASES[-1].__init__(self, text)
        Composer.__init__(self)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not accepted")
        if self.depth >= MAX_DEPTH:
            raise yaml.YAMLError(f"nested deeper than {MAX_DEPTH} levels")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        """Build a mapping whose keys are the text as written: as values, ``1`` and ``true`` would be one key."""
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.YAMLError("a key is not plain text")
            found[key.value] = self.construct_object(value, deep=True)
        return found


def _construct_by_kind(loader: Any, _tag: str, node: yaml.Node) -> Any:
    """Read a node with a tag of its own (``!!timestamp``, ``!!set``, ``!x``) by its shape alone."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_PLAIN_TAGS = ("null", "bool", "int", "str", "seq", "map")
_HeadLoader.yaml_constructors = {
    tag: yaml.SafeLoader.yaml_constructors[tag] for tag in (f"tag:yaml.org,2002:{name}" for name in _PLAIN_TAGS)
}
_HeadLoader.yaml_multi_constructors = {"": _construct_by_kind}
_HeadLoader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,17})$", list("-+0123456789")),
):
    _HeadLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(_pattern), _first)


def read_head(head: str) -> tuple[Any, str]:
    """Return what a frontmatter block says, and why it is not strict YAML ("" where it is).

    The value is whatever YAML gives, not always a mapping. Never raises; takes time linear in ``head``.
    """
    try:
        return _strict(head), ""
    except _FAILURES as error:
        return _lenient(head), _one_line(error)


def _strict(text: str) -> Any:
    """Read YAML. Raises one of _FAILURES, also for an alias and for deep nesting."""
    loader = _HeadLoader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _lenient(head: str) -> dict[str, Any]:
    """Read a head key by key: strictly where that works, as plain text where it does not. The first of a key wins."""
    found: dict[str, Any] = {}
    for key, lines in _blocks(head):
        if key not in found:
            found[key] = _block_value(key, lines)
    return found


def _blocks(head: str) -> Iterator[tuple[str, list[str]]]:
    """Cut a head into its top-level keys, each with its own line and those that continue it."""
    key, lines = "", list[str]()
    for line in head.split("\n"):
        match = _TOP_LEVEL_KEY.match(line)
        if match:
            if key:
                yield key, lines
            key, lines = match[1], [line]
        elif not line.startswith("#"):
            lines.append(line)
    if key:
        yield key, lines


def _block_value(key: str, lines: list[str]) -> Any:
    try:
        read = _strict("\n".join(lines))
    except _FAILURES:
        read = None
    if isinstance(read, dict) and key in read:
        return read[key]
    return _plain_text(lines)


def _plain_text(lines: list[str]) -> str:
    """Return a value as a person would read it: without the key, the quotes and the block sign."""
    first = lines[0].split(":", 1)[1].strip()
    if _BLOCK_SCALAR.match(first):
        first = ""
    text = "\n".join([first, *(line.strip() for line in lines[1:])]).strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    return text


def _one_line(error: Exception) -> str:
    """Return an error as one short line, for people."""
    return " ".join(str(error).split())[:200] or type(error).__name__
