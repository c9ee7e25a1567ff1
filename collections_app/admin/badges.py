"""The words and tones of collections."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from collections_app.domain.artifact_state import ArtifactState
from collections_app.domain.types import ArtifactKind, Origin
from collections_app.store.history.types import ChangeStatus
from skillmeat_site.core.admin.badges import Words
from skillmeat_site.core.admin.display import Tone

STATE: Words = {
    ArtifactState.IN_SYNC: (_("in sync"), Tone.GOOD),
    ArtifactState.UPDATE_AVAILABLE: (_("update available"), Tone.INFO),
    ArtifactState.LOCALLY_MODIFIED: (_("locally modified"), Tone.WARNING),
    ArtifactState.CONFLICT: (_("conflict"), Tone.BAD),
    ArtifactState.MISSING: (_("missing"), Tone.BAD),
    ArtifactState.UNKNOWN: (_("unknown"), Tone.QUIET),
}
KIND: Words = {
    ArtifactKind.PLUGIN: (_("plugin"), Tone.QUIET),
    ArtifactKind.SKILL: (_("skill"), Tone.QUIET),
    ArtifactKind.COMMAND: (_("command"), Tone.QUIET),
    ArtifactKind.AGENT: (_("agent"), Tone.QUIET),
    ArtifactKind.HOOK: (_("hook"), Tone.QUIET),
    ArtifactKind.MCP: (_("MCP server"), Tone.QUIET),
}
ORIGIN: Words = {
    Origin.LOCAL: (_("local"), Tone.QUIET),
    Origin.GITHUB: (_("GitHub"), Tone.QUIET),
    Origin.MARKETPLACE: (_("marketplace"), Tone.QUIET),
}
CHANGE: Words = {
    ChangeStatus.ADDED: (_("added"), Tone.GOOD),
    ChangeStatus.REMOVED: (_("removed"), Tone.BAD),
    ChangeStatus.MODIFIED: (_("changed"), Tone.INFO),
    ChangeStatus.MODE_CHANGED: (_("mode changed"), Tone.INFO),
    ChangeStatus.TYPE_CHANGED: (_("file or link"), Tone.WARNING),
}
