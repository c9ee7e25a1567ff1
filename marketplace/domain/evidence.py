"""What a document must say to be an artifact where its place alone does not make it one.

The key tables follow the frontmatter references of Claude Code's pages on slash commands and subagents, and those of
the products whose files look alike: Copilot (``applyTo``, ``mode``), GitHub's agentic workflows (``on``, ``engine``),
Cursor's rules (``globs``), static site generators (``layout``, ``title`` …).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from marketplace.domain.content import HOOK_EVENTS, first_text, mcp_servers
from marketplace.domain.types import ArtifactType
from skillmeat_site.core.documents.frontmatter import ARGUMENTS_MARK
from skillmeat_site.core.documents.types import Parsed

SURE_COMMAND_KEYS: Final = frozenset({"allowed-tools", "argument-hint"})
"""Keys that tell a command wherever the file lies. Skills have them too, but a skill is told by its SKILL.md."""

COMMAND_KEYS: Final = SURE_COMMAND_KEYS | {"description", "model", "arguments", "disable-model-invocation"}
"""Keys that tell a command below a folder called after commands."""

AGENT_KEYS: Final = frozenset(
    {
        "tools",
        "model",
        "color",
        "permissionMode",
        "disallowedTools",
        "maxTurns",
        "skills",
        "memory",
        "effort",
        "isolation",
        "mcpServers",
        "background",
        "initialPrompt",
    }
)
"""Keys that, beside name and description, tell an agent wherever the file lies."""

FOREIGN_KEYS: Final = frozenset(
    {
        "on",
        "engine",
        "permissions",
        "applyTo",
        "mode",
        "handoffs",
        "globs",
        "alwaysApply",
        "layout",
        "date",
        "title",
        "permalink",
        "nav_order",
        "sidebar_position",
        "sidebar_label",
    }
)
"""Keys of other products' files and of web pages: with one of them a file is neither command nor agent."""


def is_foreign(parsed: Parsed) -> bool:
    """Tell whether a head is written for another product, or for a web page."""
    return not FOREIGN_KEYS.isdisjoint(parsed.data)


def _is_command_in_its_folder(parsed: Parsed) -> bool:
    """What the user typed, or keys only commands have, tell one for certain; a mere description may be a page's."""
    if ARGUMENTS_MARK in parsed.marks or not SURE_COMMAND_KEYS.isdisjoint(parsed.data):
        return True
    return not COMMAND_KEYS.isdisjoint(parsed.data) and not is_foreign(parsed)


def _is_command_anywhere(parsed: Parsed) -> bool:
    return not SURE_COMMAND_KEYS.isdisjoint(parsed.data) and not is_foreign(parsed)


def _is_agent_in_its_folder(parsed: Parsed) -> bool:
    """Name and description, which every agent must have."""
    named = first_text(parsed.data, "name") and first_text(parsed.data, "description")
    return bool(named) and not is_foreign(parsed)


def _is_agent_anywhere(parsed: Parsed) -> bool:
    return not AGENT_KEYS.isdisjoint(parsed.data) and _is_agent_in_its_folder(parsed)


_Told = tuple[ArtifactType, Callable[[Parsed], bool]]

_MARKDOWN_RULES: Mapping[ArtifactType | None, tuple[_Told, ...]] = {
    ArtifactType.COMMAND: ((ArtifactType.COMMAND, _is_command_in_its_folder),),
    ArtifactType.AGENT: ((ArtifactType.AGENT, _is_agent_in_its_folder), (ArtifactType.COMMAND, _is_command_anywhere)),
    None: ((ArtifactType.COMMAND, _is_command_anywhere), (ArtifactType.AGENT, _is_agent_anywhere)),
}
"""By what the folder above is called after (None: anything else): which types a file there may be, the surer first."""


def markdown_type(parsed: Parsed, folder: ArtifactType | None) -> ArtifactType | None:
    """Return what a Markdown file is by its head, below a ``folder`` called after that type; None if it is nothing."""
    return next((type_ for type_, holds in _MARKDOWN_RULES[folder] if holds(parsed)), None)


def holds_hooks(data: Mapping[str, Any]) -> bool:
    """Tell whether a JSON document has ``hooks`` with at least one handled event that Claude Code documents."""
    hooks = data.get("hooks")
    return isinstance(hooks, Mapping) and any(event in HOOK_EVENTS and hooks[event] for event in hooks)


def holds_servers(data: Mapping[str, Any]) -> bool:
    """Tell whether a JSON document declares at least one server below ``mcpServers``."""
    return "mcpServers" in data and bool(mcp_servers(data))
