"""Where an artifact goes in a project, for each client that a project may be set up for.

Skills, commands and agents are files that every client has a folder of that name for, as SkillMeat 1.x deployed them.
Hooks, servers and plugins are written only for Claude Code: the others read other formats in other places, and a file
that nobody reads would pass for a deployment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from collections_app.domain.merge_types import MergeKind
from collections_app.domain.types import ArtifactKind
from collections_app.errors import UnsafePath, UnsupportedTarget

RECORD_NAME: Final = ".skillmeat-deployed.toml"


class Profile(StrEnum):
    """A client; the values are the ids of SkillMeat 1.x."""

    CLAUDE_CODE = "claude_code"
    CODEX = "codex"
    GEMINI = "gemini"
    CURSOR = "cursor"

    @property
    def root(self) -> str:
        """The client's folder in a project."""
        return {
            Profile.CLAUDE_CODE: ".claude",
            Profile.CODEX: ".codex",
            Profile.GEMINI: ".gemini",
            Profile.CURSOR: ".cursor",
        }[self]

    @property
    def record(self) -> str:
        """Where the profile's deployments are recorded, from the project's folder."""
        return f"{self.root}/{RECORD_NAME}"


class TargetShape(StrEnum):
    DIRECTORY = "directory"
    FILE = "file"
    KEYS = "keys"  # merged into a file that belongs to the project


@dataclass(frozen=True, slots=True)
class Target:
    """``path``: from the project's folder, with slashes. ``merge``: what the keys of a merged target are."""

    kind: ArtifactKind
    name: str
    profile: Profile
    shape: TargetShape
    path: str
    merge: MergeKind | None = None

    @property
    def record_path(self) -> str:
        """The path from the profile's folder, as SkillMeat 1.x records it."""
        root = f"{self.profile.root}/"
        return self.path.removeprefix(root) if self.path.startswith(root) else f"../{self.path}"


SUPPORTED: Final[dict[Profile, frozenset[ArtifactKind]]] = {
    Profile.CLAUDE_CODE: frozenset(ArtifactKind),
    **dict.fromkeys(
        (Profile.CODEX, Profile.GEMINI, Profile.CURSOR),
        frozenset({ArtifactKind.SKILL, ArtifactKind.COMMAND, ArtifactKind.AGENT}),
    ),
}
RESERVED_SKILL: Final = "synced"
"""A folder below ``.claude/skills`` that Claude Code keeps for itself."""
_FOLDERS: Final = {
    ArtifactKind.SKILL: "skills",
    ArtifactKind.PLUGIN: "skills",  # Claude Code loads a folder with .claude-plugin/plugin.json there
    ArtifactKind.COMMAND: "commands",
    ArtifactKind.AGENT: "agents",
}
_MERGED: Final = {
    ArtifactKind.HOOK: (".claude/settings.json", MergeKind.HOOKS),
    ArtifactKind.MCP: (".mcp.json", MergeKind.SERVERS),
}
_NAMESPACED: Final = frozenset({ArtifactKind.COMMAND, ArtifactKind.AGENT})


def target_of(kind: ArtifactKind, name: str, profile: Profile = Profile.CLAUDE_CODE) -> Target:
    """The artifact's place. ``namespace:name`` of a command or agent becomes a folder.

    Raises ``UnsupportedTarget`` for a type that the profile has no place for, ``UnsafePath`` for a name that is none.
    """
    if kind not in SUPPORTED[profile]:
        raise UnsupportedTarget(f"{profile.value} has no place for {kind.value} artifacts")
    parts = _parts(kind, name)
    if kind in _MERGED:
        path, merge = _MERGED[kind]
        return Target(kind, name, profile, TargetShape.KEYS, path, merge)
    folder = f"{profile.root}/{_FOLDERS[kind]}"
    if kind in _NAMESPACED:
        return Target(kind, name, profile, TargetShape.FILE, f"{folder}/{'/'.join(parts)}.md")
    if profile is Profile.CLAUDE_CODE and name.casefold() == RESERVED_SKILL:
        raise UnsupportedTarget(f"Claude Code keeps the folder {RESERVED_SKILL!r} for itself")
    return Target(kind, name, profile, TargetShape.DIRECTORY, f"{folder}/{name}")


def _parts(kind: ArtifactKind, name: str) -> list[str]:
    parts = name.split(":") if kind in _NAMESPACED else [name]
    for part in parts:
        wrong = not part or part.startswith(".") or any(sign in '/\\:<>"|?*' or ord(sign) < 0x20 for sign in part)
        if wrong:
            raise UnsafePath(f"{name!a} is no name for {kind.value} artifacts")
    return parts
