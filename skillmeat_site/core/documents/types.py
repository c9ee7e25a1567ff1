"""A document, and what reading it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class DocumentKind(StrEnum):
    """How the bytes of a file are read. One blob may be asked for by more than one kind."""

    FRONTMATTER = "frontmatter"  # Markdown with a YAML head: SKILL.md, commands, agents
    JSON = "json"  # plugin.json, marketplace.json, hooks.json, settings.json, .mcp.json


class Warned(NamedTuple):
    """Something odd that did not stop detection. ``code`` is stable, ``detail`` for people, ``path`` where."""

    code: str
    detail: str
    path: str = ""


_UNREAD = frozenset({"manifest_too_large", "manifest_missing", "lfs_pointer"})
"""Warnings of a document that was asked for and could not be read."""
_BROKEN = frozenset({"json_invalid", "yaml_invalid"})
"""Warnings of a document that was read, and of which a part or all made no sense."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document, read. JSON-serialisable, so that it is parsed once per content for all sources.

    ``data`` is the frontmatter or the JSON document (a mapping; empty where there is none or it is unusable).
    ``has_head`` tells whether a Markdown file has a frontmatter block at all.
    ``marks`` are signs found in the body that rules ask about (``$ARGUMENTS`` …), never the body itself.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    has_head: bool = False
    marks: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()

    @property
    def is_unread(self) -> bool:
        """Tell whether the file was too large, kept elsewhere or not handed out: nothing is known of what is in it."""
        return any(warned.code in _UNREAD for warned in self.warnings)

    @property
    def doubt(self) -> Warned | None:
        """Return why the document does not prove that something is not in it; None where it can be trusted."""
        return next((warned for warned in self.warnings if warned.code in _UNREAD | _BROKEN), None)

    def to_json(self) -> dict[str, Any]:
        """Return what is stored of it: short keys, and none for what is empty."""
        stored = {
            "d": dict(self.data),
            "h": self.has_head,
            "m": list(self.marks),
            "w": [list(warned) for warned in self.warnings],
        }
        return {key: value for key, value in stored.items() if value}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Parsed:
        """Read back what ``to_json`` gave; ``from_json(to_json(p)) == p``."""
        return cls(
            data=stored.get("d", {}),
            has_head=bool(stored.get("h", False)),
            marks=tuple(stored.get("m", ())),
            warnings=tuple(Warned(*warned) for warned in stored.get("w", ())),
        )
