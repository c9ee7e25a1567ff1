"""The words the catalog's rules share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class ArtifactType(StrEnum):
    MARKETPLACE = "marketplace"
    PLUGIN = "plugin"
    SKILL = "skill"
    COMMAND = "command"
    AGENT = "agent"
    HOOK = "hook"
    MCP = "mcp"


class Basis(StrEnum):
    """What tells that something is an artifact."""

    LAYOUT = "layout"  # the path alone
    MANIFEST = "manifest"  # a plugin.json or marketplace.json names it
    CONTENT = "content"  # only reading the file tells
    MANUAL = "manual"  # the source's manual_map or single_artifact_type


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


class Wanted(NamedTuple):
    """A file whose content a rule asks for."""

    oid: str
    kind: DocumentKind
    path: str


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


@dataclass(frozen=True, slots=True)
class DetectionOptions:
    """A source's own word on where its artifacts are.

    ``root_hint``: only what lies at or below this folder is looked at ("" = everything).
    ``manual_map``: folder → type; the nearest ancestor wins over every rule.
    ``single_artifact_type``: the root (or root_hint) as a whole is one artifact of this type.
    ``repository_name``: names an artifact that lies at the root.
    """

    root_hint: str = ""
    manual_map: Mapping[str, ArtifactType] = field(default_factory=dict)
    single_artifact_type: ArtifactType | None = None
    repository_name: str = ""


@dataclass(frozen=True, slots=True)
class Detected:
    """One artifact found in one listing.

    ``path``: folder of a skill, plugin or marketplace ("." = root), file of the others. ``file``: what makes it one.
    ``discriminator``: the declared name where one path declares several artifacts, else "".
    ``content_oid``: see architecture, "Content ids, exactly". ``plugin``: path of the nearest plugin root, or None.
    ``confidence``: 0 to 100, the sum that ``signals`` spell out as ``name:points``.
    """

    type: ArtifactType
    path: str
    file: str
    name: str
    content_oid: str
    confidence: int
    basis: Basis
    namespace: str = ""
    discriminator: str = ""
    plugin: str | None = None
    client: str = ""
    title: str = ""
    description: str = ""
    signals: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = ()
    manual: bool = False


@dataclass(frozen=True, slots=True)
class Detection:
    """All artifacts of a listing, sorted by (path, type, discriminator), each once; and what was odd about it."""

    artifacts: tuple[Detected, ...]
    warnings: tuple[Warned, ...] = ()
