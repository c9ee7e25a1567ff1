"""What the content of a candidate says: its name, title, description, and whether it is one at all.

One function for each way a type is read. They see parsed documents only, and what they leave out is never an artifact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from skillmeat_site.core.documents.said import MAX_DESCRIPTION, TITLE_KEYS, first_text, tags_of
from skillmeat_site.core.documents.text import cut_text
from skillmeat_site.core.documents.types import Parsed, Warned

HOOK_EVENTS: Final = frozenset(
    {
        "SessionStart",
        "Setup",
        "UserPromptSubmit",
        "UserPromptExpansion",
        "PreToolUse",
        "PermissionRequest",
        "PermissionDenied",
        "PostToolUse",
        "PostToolUseFailure",
        "PostToolBatch",
        "Notification",
        "MessageDisplay",
        "SubagentStart",
        "SubagentStop",
        "TaskCreated",
        "TaskCompleted",
        "Stop",
        "StopFailure",
        "TeammateIdle",
        "InstructionsLoaded",
        "ConfigChange",
        "CwdChanged",
        "DirectoryAdded",
        "FileChanged",
        "WorktreeCreate",
        "WorktreeRemove",
        "PreCompact",
        "PostCompact",
        "Elicitation",
        "ElicitationResult",
        "SessionEnd",
    }
)
"""The hook events Claude Code documents. An unknown one is kept: the list grows with every release."""

_SERVER_KEYS = frozenset({"command", "url", "type", "args", "serverUrl"})


@dataclass(slots=True)
class Facts:
    """What a document adds to a candidate."""

    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    signals: list[str] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)

    def say(self, data: Mapping[str, Any], *, path: str) -> None:
        """Take title, description and tags from a head or a manifest."""
        self.title = self._text("title", first_text(data, *TITLE_KEYS), path)
        self.description = self._text("description", first_text(data, "description"), path)
        self.tags = tags_of(data)

    def _text(self, field_name: str, text: str, path: str) -> str:
        kept, was_cut = cut_text(text, MAX_DESCRIPTION)
        if was_cut:
            self.warnings.append(
                Warned("text_cut", f"{field_name}: {len(text):,} characters cut to {MAX_DESCRIPTION:,}", path)
            )
        return kept


def hook_events(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the events a hook or settings document handles: below ``hooks``, else at the top."""
    hooks = data.get("hooks")
    if isinstance(hooks, Mapping):
        return {event: handlers for event, handlers in hooks.items() if handlers}
    return {event: data[event] for event in data if event in HOOK_EVENTS and data[event]}


def mcp_servers(data: Mapping[str, Any]) -> list[str]:
    """Return the names of the servers an MCP document declares: below ``mcpServers``, else at the top.

    Names only: commands, headers and environments may hold secrets and stay in the file.
    """
    servers = data.get("mcpServers", data)
    if not isinstance(servers, Mapping):
        return []
    return sorted(
        name for name, server in servers.items() if isinstance(server, Mapping) and _SERVER_KEYS & set(server)
    )


def head_facts(parsed: Parsed, path: str) -> Facts:
    """Return what a Markdown head says. The whole head is kept as metadata."""
    facts = Facts(warnings=[warned._replace(path=path) for warned in parsed.warnings])
    facts.say(parsed.data, path=path)
    if parsed.data:
        facts.metadata["frontmatter"] = dict(parsed.data)
    if parsed.marks:
        facts.metadata["marks"] = list(parsed.marks)
    if facts.description:
        facts.signals.append("described")
    return facts
