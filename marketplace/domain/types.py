"""The words the catalog's rules share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from skillmeat_site.core.documents.types import DocumentKind, Warned


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


class Wanted(NamedTuple):
    """A file whose content a rule asks for."""

    oid: str
    kind: DocumentKind
    path: str


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
