"""The words and tones of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from marketplace.domain.types import ArtifactType, Basis
from marketplace.models.entry import Presence
from marketplace.models.tag import TagKind, TagStatus
from marketplace.querysets import EntryStatus, SourceHealth
from skillmeat_site.core.admin.badges import Words
from skillmeat_site.core.admin.display import Tone

HEALTH: Words = {
    SourceHealth.FRESH: (_("fresh"), Tone.GOOD),
    SourceHealth.STALE: (_("stale"), Tone.WARNING),
    SourceHealth.NEVER_SCANNED: (_("never scanned"), Tone.INFO),
    SourceHealth.FAILING: (_("failing"), Tone.BAD),
    SourceHealth.UNREACHABLE: (_("unreachable"), Tone.BAD),
    SourceHealth.DISABLED: (_("disabled"), Tone.QUIET),
}
STATUS: Words = {
    EntryStatus.IMPORTED: (_("imported"), Tone.GOOD),
    EntryStatus.NEW: (_("new"), Tone.INFO),
    EntryStatus.UPDATED: (_("updated"), Tone.INFO),
    EntryStatus.REMOVED: (_("removed"), Tone.WARNING),
    EntryStatus.EXCLUDED: (_("excluded"), Tone.QUIET),
}
PRESENCE: Words = {
    Presence.PRESENT: (_("present"), Tone.GOOD),
    Presence.REMOVED: (_("removed"), Tone.WARNING),
}
TYPE: Words = {
    ArtifactType.MARKETPLACE: (_("marketplace"), Tone.QUIET),
    ArtifactType.PLUGIN: (_("plugin"), Tone.QUIET),
    ArtifactType.SKILL: (_("skill"), Tone.QUIET),
    ArtifactType.COMMAND: (_("command"), Tone.QUIET),
    ArtifactType.AGENT: (_("agent"), Tone.QUIET),
    ArtifactType.HOOK: (_("hook"), Tone.QUIET),
    ArtifactType.MCP: (_("MCP server"), Tone.QUIET),
}
_OF_TYPE: Mapping[str, Any] = {
    ArtifactType.MARKETPLACE: ngettext_lazy("marketplace", "marketplaces"),
    ArtifactType.PLUGIN: ngettext_lazy("plugin", "plugins"),
    ArtifactType.SKILL: ngettext_lazy("skill", "skills"),
    ArtifactType.COMMAND: ngettext_lazy("command", "commands"),
    ArtifactType.AGENT: ngettext_lazy("agent", "agents"),
    ArtifactType.HOOK: ngettext_lazy("hook", "hooks"),
    ArtifactType.MCP: ngettext_lazy("MCP server", "MCP servers"),
}

BASIS: Words = {
    Basis.LAYOUT: (_("layout"), Tone.QUIET),
    Basis.MANIFEST: (_("manifest"), Tone.QUIET),
    Basis.CONTENT: (_("content"), Tone.QUIET),
    Basis.MANUAL: (_("manual"), Tone.INFO),
}
TAG_STATUS: Words = {
    TagStatus.PENDING: (_("pending"), Tone.INFO),
    TagStatus.APPROVED: (_("approved"), Tone.GOOD),
    TagStatus.REJECTED: (_("rejected"), Tone.QUIET),
}
TAG_KIND: Words = {
    TagKind.PATH: (_("folder"), Tone.QUIET),
    TagKind.TOPIC: (_("topic"), Tone.QUIET),
}


def of_type(type_: str, number: int) -> str:
    """The word that goes with so many; a type that this version does not know is itself."""
    word = _OF_TYPE.get(type_)
    return str(word % number) if word is not None else type_
