"""The words and tones of deployments and projects."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from collections_app.domain.deploy_targets import Profile
from collections_app.domain.drift import DriftState
from collections_app.domain.types import ArtifactKind
from collections_app.services.projects import ProjectStatus
from skillmeat_site.core.admin.badges import Words
from skillmeat_site.core.admin.display import Tone

STATE: Words = {
    DriftState.IN_SYNC: (_("in sync"), Tone.GOOD),
    DriftState.OUTDATED: (_("outdated"), Tone.INFO),
    DriftState.MODIFIED: (_("modified"), Tone.WARNING),
    DriftState.CONFLICT: (_("conflict"), Tone.BAD),
    DriftState.MISSING: (_("missing"), Tone.BAD),
    DriftState.UNKNOWN: (_("unknown"), Tone.QUIET),
}
KIND: Words = {
    ArtifactKind.SKILL: (_("skill"), Tone.QUIET),
    ArtifactKind.COMMAND: (_("command"), Tone.QUIET),
    ArtifactKind.AGENT: (_("agent"), Tone.QUIET),
    ArtifactKind.HOOK: (_("hook"), Tone.QUIET),
    ArtifactKind.MCP: (_("MCP server"), Tone.QUIET),
    ArtifactKind.PLUGIN: (_("plugin"), Tone.QUIET),
}
PROFILE: Words = {
    Profile.CLAUDE_CODE: ("Claude Code", Tone.QUIET),
    Profile.CODEX: ("Codex", Tone.QUIET),
    Profile.GEMINI: ("Gemini", Tone.QUIET),
    Profile.CURSOR: ("Cursor", Tone.QUIET),
}
PROJECT_STATUS: Words = {
    ProjectStatus.OK: (_("there"), Tone.GOOD),
    ProjectStatus.MISSING: (_("folder is gone"), Tone.BAD),
    ProjectStatus.NOT_ALLOWED: (_("outside the allowed roots"), Tone.BAD),
}
