"""The words the rules of collections share."""

from __future__ import annotations

from enum import StrEnum


class ArtifactKind(StrEnum):
    """What a collection holds."""

    SKILL = "skill"
    COMMAND = "command"
    AGENT = "agent"
    HOOK = "hook"
    MCP = "mcp"
    PLUGIN = "plugin"
