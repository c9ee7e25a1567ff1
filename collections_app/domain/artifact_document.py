"""The file in which an artifact says what it is, and what it says there, in the words of a collection's record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from collections_app.domain.types import ArtifactKind
from skillmeat_site.core.documents.said import MAX_DESCRIPTION, SAID, TITLE_KEYS, first_text, said_of, tags_of
from skillmeat_site.core.documents.types import DocumentKind, Parsed

_FILES: Mapping[ArtifactKind, tuple[str, ...]] = {
    ArtifactKind.SKILL: ("SKILL.md", "skill.md"),
    ArtifactKind.PLUGIN: (".claude-plugin/plugin.json",),
}
_JSON = (ArtifactKind.PLUGIN, ArtifactKind.HOOK, ArtifactKind.MCP)


class Told(NamedTuple):
    """What upstream says. ``fields`` holds only what is said."""

    fields: Mapping[str, str]
    tags: tuple[str, ...] = ()


NOTHING_TOLD = Told({})


def document_files(kind: ArtifactKind) -> tuple[str, ...]:
    """Where the document may be below the artifact; the first that is there counts. "" is the artifact itself."""
    return _FILES.get(kind, ("",))


def document_kind(kind: ArtifactKind) -> DocumentKind:
    return DocumentKind.JSON if kind in _JSON else DocumentKind.FRONTMATTER


def told_by(kind: ArtifactKind, parsed: Parsed) -> Told:
    """What the document says of the artifact: the same that the catalog has read of it at import."""
    data = parsed.data
    fields = {"title": first_text(data, *TITLE_KEYS), "description": first_text(data, "description")}
    fields = {name: text[:MAX_DESCRIPTION] for name, text in fields.items()}
    if kind is ArtifactKind.PLUGIN:
        fields |= said_of({name: data[name] for name in SAID if name in data})
    elif kind not in _JSON:
        fields |= said_of({"frontmatter": data})
    return Told({name: text for name, text in fields.items() if text}, tags_of(data))
