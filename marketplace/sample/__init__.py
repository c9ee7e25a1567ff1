"""The offline sample repository of ``manage.py demo``: every type of artifact, in the layouts people use."""

from __future__ import annotations

import json
from pathlib import Path

from skillmeat_site.upstream.sample import commit, create_repository

_BEGAN = 1_767_225_600  # 2026-01-01, so that the commit ids are the same on every machine


def _skill(name: str, description: str, body: str = "Follow the steps.") -> str:
    return f"---\nname: {name}\ndescription: {description}\n---\n\n# {name}\n\n{body}\n"


FIRST: dict[str, str | None] = {
    "README.md": "# Sample toolbox\n",
    ".claude-plugin/marketplace.json": json.dumps(
        {
            "name": "sample-toolbox",
            "owner": {"name": "SkillMeat"},
            "plugins": [{"name": "release-kit", "source": "./plugins/release-kit"}],
        },
        indent=2,
    ),
    "plugins/release-kit/.claude-plugin/plugin.json": json.dumps(
        {"name": "release-kit", "version": "1.0.0", "description": "Ship with care"}, indent=2
    ),
    "plugins/release-kit/skills/changelog/SKILL.md": _skill("changelog", "Write a changelog from commits"),
    "plugins/release-kit/commands/release.md": (
        "---\ndescription: Cut a release\nargument-hint: [version]\n---\n\nRelease $ARGUMENTS.\n"
    ),
    "plugins/release-kit/agents/release-captain.md": (
        "---\nname: release-captain\ndescription: Leads a release\ntools: Read, Bash\n---\n\nYou lead.\n"
    ),
    "plugins/release-kit/hooks/hooks.json": json.dumps(
        {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "true"}]}]}}, indent=2
    ),
    "plugins/release-kit/.mcp.json": json.dumps({"mcpServers": {"tickets": {"command": "tickets-mcp"}}}, indent=2),
    "skills/pdf/SKILL.md": _skill("pdf", "Read and fill PDF forms"),
    "skills/pdf/scripts/fill.py": "print('filled')\n",
    "skills/spreadsheet/SKILL.md": _skill("spreadsheet", "Work with spreadsheets"),
    "skills/copy-of-pdf/SKILL.md": _skill("pdf", "Read and fill PDF forms"),
    "skills/copy-of-pdf/scripts/fill.py": "print('filled')\n",
    ".claude/commands/review/security.md": "---\ndescription: Look for holes: [all] or [changed]\n---\n\nReview.\n",
    ".claude/agents/tester.md": "---\nname: tester\ndescription: Writes tests\n---\n\nYou test.\n",
}

SECOND: dict[str, str | None] = {
    "skills/pdf/scripts/fill.py": "print('filled, and checked')\n",  # its skill has changed, SKILL.md has not
    "skills/spreadsheet/SKILL.md": None,
    "skills/office/spreadsheet/SKILL.md": FIRST["skills/spreadsheet/SKILL.md"],  # moved
    "skills/slides/SKILL.md": _skill("slides", "Make slides"),
    ".claude/commands/review/security.md": "---\ndescription: Look for holes, and name them\n---\n\nReview.\n",
    ".claude/agents/tester.md": None,
}


def create(path: Path) -> None:
    """The sample as it is first seen."""
    create_repository(path)
    commit(path, FIRST, "A toolbox", time=_BEGAN)


def change(path: Path) -> None:
    """What happens upstream: two artifacts changed, one also in its description; one moved, one new, one gone."""
    commit(path, SECOND, "Check PDF forms, add slides", time=_BEGAN + 86_400)
