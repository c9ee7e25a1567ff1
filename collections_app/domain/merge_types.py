"""What is remembered about keys that a deployment put into a file which belongs to somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from collections_app.domain.json_text import Fragment


class MergeKind(StrEnum):
    """What is merged; the value is the key of the file that everything goes below."""

    HOOKS = "hooks"
    SERVERS = "mcpServers"

    @property
    def file(self) -> str:
        """The file's name as people know it."""
        return ".claude/settings.json" if self is MergeKind.HOOKS else ".mcp.json"


@dataclass(frozen=True, slots=True)
class OwnedKey:
    """One server, or one handler of a hook, that a deployment wrote.

    ``section``: the event of a hook, ``mcpServers`` for a server. ``identity``: what makes two of them the same one
    (a server's name; a handler's matcher and command). ``oid``: the id of its value as written. The rest is of hooks,
    which have no name to be found again by: ``value_oid`` is the handler without its matcher, ``kin`` matcher and
    type, ``beside`` the ids of the foreign handlers of the event at that time. ``replaced``: the text that was
    overwritten, given back by undeploying.
    """

    section: str
    label: str
    identity: str
    oid: str
    value_oid: str = ""
    kin: str = ""
    beside: tuple[str, ...] = ()
    replaced: str | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """An object or array of the file that was filled or made for us; ``()`` is the document itself.

    ``inner``: the white space that stood between its brackets; None if the container did not exist.
    """

    path: tuple[str, ...]
    inner: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A server or a handler where it stands in a document; ``place`` is (group, handler), or (server, 0)."""

    section: str
    label: str
    identity: str
    oid: str
    part: str
    value: Fragment
    spelled_key: str = ""
    place: tuple[int, int] = (0, 0)
    matcher: str = ""
    value_oid: str = ""
    kin: str = ""
    group: Fragment | None = None


class KeyState(StrEnum):
    INTACT = "intact"
    MODIFIED = "modified"
    MISSING = "missing"


class KeyProblem(StrEnum):
    """Why a key was not written or not removed."""

    FOREIGN = "unmanaged"  # somebody else's server or handler of the same identity
    TAKEN = "taken"  # another deployment's
    MODIFIED = "modified"  # ours, edited since


@dataclass(frozen=True, slots=True)
class KeyConflict:
    code: KeyProblem
    label: str
