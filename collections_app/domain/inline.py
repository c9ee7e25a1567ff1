"""Hooks and MCP servers that stand inside another JSON file: the value, and its one spelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collections_app.domain.types import ArtifactKind
from skillmeat_site.core.documents.text import canonical_json, usable_name

INLINE = "upstream_inline"
"""The key of a record whose value stands inside the file at ``upstream_path``: the plugin's name there, or ""."""
INLINE_KEYS: Mapping[str, str] = {ArtifactKind.HOOK: "hooks", ArtifactKind.MCP: "mcpServers"}


def inline_value(key: str, value: Any) -> dict[str, Any] | None:
    """Return what ``key`` of a manifest declares by value, or None where it only names files.

    Hooks may be written with or without a second "hooks" around the events; what identifies them is the bare value.
    Of a list, the parts that are values count together.
    """
    if isinstance(value, list):
        parts = [part for part in value if isinstance(part, Mapping)]
        value = {name: item for part in parts for name, item in part.items()}
    if not isinstance(value, Mapping) or not value:
        return None
    bare = value["hooks"] if key == "hooks" and isinstance(value.get("hooks"), Mapping) else value
    return {key: bare}


def inline_document(document: Any, type_: str, discriminator: str) -> bytes | None:
    """Return the bytes of an artifact that ``document`` declares by value; None where it declares none.

    ``discriminator`` is the plugin's name where the document is a marketplace of several.
    """
    key = INLINE_KEYS.get(type_)
    if key is None or not isinstance(document, Mapping):
        return None
    for stated in _statements(document, discriminator):
        value = inline_value(key, stated.get(key))
        if value is not None:
            return canonical_json(value)
    return None


def _statements(document: Mapping[str, Any], discriminator: str) -> list[Mapping[str, Any]]:
    listed = document.get("plugins")
    entries = [entry for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
    if discriminator:
        return [entry for entry in entries if usable_name(entry.get("name")) == discriminator]
    return [document, *entries]
