"""The words that collections share."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class ArtifactKind(StrEnum):
    """What is handled. A file may name other types: their records are kept, and nothing is done with them."""

    SKILL = "skill"
    COMMAND = "command"
    AGENT = "agent"
    HOOK = "hook"
    MCP = "mcp"
    PLUGIN = "plugin"

    @property
    def is_folder(self) -> bool:
        """Whether an artifact of the kind is a folder (its id that of a tree), not one file (that of a blob)."""
        return self in (ArtifactKind.SKILL, ArtifactKind.PLUGIN)


_KINDS = {str(kind): kind for kind in ArtifactKind}


class Origin(StrEnum):
    """Where an artifact came from. A file may name others: they are kept."""

    LOCAL = "local"
    GITHUB = "github"
    MARKETPLACE = "marketplace"


class ArtifactRef(NamedTuple):
    """An artifact of one collection. ``type`` is text, as files may name types that no ``ArtifactKind`` knows."""

    type: str
    name: str

    @property
    def kind(self) -> ArtifactKind | None:
        """The kind, or None for a type that is kept and not handled."""
        return _KINDS.get(self.type)

    @property
    def told(self) -> ArtifactRef:
        """For results, which are stored: U+0000, which a file may name and no database takes, as an escape."""
        return ArtifactRef(self.type.replace("\0", "\\0"), self.name.replace("\0", "\\0"))

    @property
    def lock_key(self) -> str:
        """The key of the artifact in collection.lock."""
        return f"{self.name}::{self.type}"

    def __str__(self) -> str:
        return f"{self.type}:{self.name}"


class FileMode(StrEnum):
    """The modes that a file inside an artifact can have, as git writes them."""

    FILE = "100644"
    EXECUTABLE = "100755"
    SYMLINK = "120000"


class Problem(NamedTuple):
    """What is wrong with one thing, as a row. ``code`` as in errors, ``path`` relative to the collection."""

    code: str
    detail: str
    path: str = ""
