"""How sure a finding is: points for each thing that speaks for it or against it.

One signal says what makes the place an artifact; the others are added. The result lies within 0 and 100, and the
signals handed out add up to exactly it: where the limits cut, ``limit`` is the last of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

POINTS: Final = {
    # what makes it one
    "single_artifact": 100,  # the source's single_artifact_type
    "manual_map": 90,  # the source's manual_map
    "named_by_manifest": 85,  # a path in plugin.json, or in an entry of the marketplace
    "declared_inline": 85,  # the value itself stands in plugin.json or in an entry
    "marketplace_manifest": 80,
    "plugin_manifest": 80,
    "marketplace_entry": 80,  # a local folder named as source, without a manifest of its own
    "settings_hooks": 80,
    "skill_file": 75,
    "hooks_file": 75,
    "mcp_file": 75,
    "command_folder": 70,
    "agent_folder": 70,
    "content_command": 65,  # by what the file says, in a place that is not read
    "content_agent": 65,
    "content_hook": 65,
    "content_mcp": 65,
    "beside_commands": 60,  # plain text below a folder where others are commands by content
    "skill_file_case": 30,  # skill.md: some tools read it, the specification does not name it
    # what speaks for it
    "standard_place": 10,  # where the documentation says it belongs
    "described": 10,  # the content says what it is, in the form asked for
    "in_plugin": 5,
    "offered": 5,  # the root marketplace lists the plugin
    # what speaks against it
    "weak_name": -40,  # index.md, template.md
    "other_client": -30,  # commands and agents in .cursor, .codex ...: another product's format
    "other_format": -40,  # *.agent.md is Copilot's
    "translated": -40,  # review.ja.md beside review.md
    "beside_skills": -45,  # SKILL.md at a plugin root that has skills/: documented as not loaded
    "inside_a_skill": -45,
    "not_at_root": -35,  # .mcp.json or marketplace.json where nothing reads it
    "no_head": -30,  # an agent of a plugin without frontmatter
    "no_description": -30,  # an agent without one: documented as required
    "no_event": -35,  # a hook file without an event known by name
    "no_server": -35,  # an MCP file without a server
    "context_test": -45,
    "context_example": -45,
    "context_template": -45,
    "context_planned": -45,
    "context_docs": -45,
    "context_vendored": -50,
    "context_backup": -50,
}
"""Signal → points. Everything that only ``may`` be meant for use stays below 60, everything certain above it."""


@lru_cache(maxsize=1024)  # thousands of findings share a few dozen combinations
def confidence_of(signals: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    """Return the sum of the signals' points within 0 to 100, and the signals as ``name:points`` that add up to it."""
    spelled = [(signal, POINTS[signal]) for signal in dict.fromkeys(signals)]
    total = sum(points for _, points in spelled)
    kept = min(100, max(0, total))
    if kept != total:
        spelled.append(("limit", kept - total))
    return kept, tuple(f"{signal}:{points}" for signal, points in spelled)
