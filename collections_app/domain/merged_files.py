"""A merged file of a project while several deployments are put into it and taken out of it, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from collections_app.domain.deploy_plan import Found, Key, Presence, found_keys
from collections_app.domain.deploy_targets import Profile, target_of
from collections_app.domain.json_merge import inspect, merge, unmerge
from collections_app.domain.merge_slots import Payload
from collections_app.domain.merge_types import Container, KeyConflict, MergeKind, OwnedKey
from collections_app.domain.types import ArtifactKind
from collections_app.errors import SettingsInvalid

MERGE_PROFILE: Final = Profile.CLAUDE_CODE
"""The only profile whose hooks and servers are merged."""
KINDS: Final[Mapping[ArtifactKind, MergeKind]] = {
    ArtifactKind.HOOK: MergeKind.HOOKS,
    ArtifactKind.MCP: MergeKind.SERVERS,
}
PATHS: Final[Mapping[ArtifactKind, str]] = {kind: target_of(kind, "x").path for kind in KINDS}


def is_merged(kind: ArtifactKind, path: str) -> bool:
    """Whether a deployment is keys of a file, not a file: SkillMeat 1.x recorded hooks and servers as files."""
    return PATHS.get(kind) == path


class MergedFile:
    """``data`` None: there is no file. ``owned``: the keys of every deployment in it, ``containers`` those of all.

    ``blocked``: why the file could not even be read; nothing can be put in or taken out then.
    """

    def __init__(
        self,
        kind: ArtifactKind,
        data: bytes | None,
        owned: Mapping[Key, tuple[OwnedKey, ...]],
        containers: Iterable[Container],
        blocked: Presence | None = None,
    ) -> None:
        self.kind = KINDS[kind]
        self.path = PATHS[kind]
        self.data = data
        self.owned = dict(owned)
        self.containers = tuple(containers)
        self.blocked = blocked

    def copy(self) -> MergedFile:
        """The same file, for trying something out."""
        twin = MergedFile.__new__(MergedFile)
        twin.kind, twin.path, twin.data, twin.blocked = self.kind, self.path, self.data, self.blocked
        twin.owned, twin.containers = dict(self.owned), self.containers
        return twin

    def look(self, key: Key, payload: Payload | None = None) -> Found:
        """What is there of a deployment; with a payload also what is in its way."""
        if self.blocked:
            return Found(self.blocked)
        try:
            found = inspect(self.data, self.kind, self.owned.get(key, ()), others=self._others(key), payload=payload)
        except SettingsInvalid:
            return Found(Presence.INVALID)
        return found_keys(found)

    def problem(self) -> SettingsInvalid | None:
        """Why nothing can be merged, in words that name the line."""
        try:
            inspect(self.data, self.kind)
        except SettingsInvalid as error:
            return error
        return None

    def put(
        self, key: Key, payload: Payload, *, overwrite: bool = False, force: bool = False
    ) -> tuple[KeyConflict, ...]:
        """Put a deployment in, in the place of what it was. A conflict changes nothing. Raises SettingsInvalid."""
        merged = merge(
            self.data,
            payload,
            owned=self.owned.get(key, ()),
            others=self._others(key),
            containers=self.containers,
            overwrite=overwrite,
            force=force,
        )
        if not merged.conflicts:
            self.data, self.containers = merged.data, merged.containers
            self.owned[key] = merged.owned
        return merged.conflicts

    def take(self, key: Key, *, force: bool = False) -> tuple[KeyConflict, ...]:
        """Take a deployment out. With a conflict nothing changes. Raises SettingsInvalid."""
        merged = unmerge(
            self.data,
            self.kind,
            self.owned.get(key, ()),
            others=self._others(key),
            containers=self.containers,
            force=force,
        )
        if not merged.conflicts:
            self.data, self.containers = merged.data, merged.containers
            self.owned.pop(key, None)
        return merged.conflicts

    def forget(self, key: Key) -> None:
        """Leave a deployment's keys to whoever has the file. The last one takes the memory of containers along."""
        self.owned.pop(key, None)
        if not self.owned:
            self.containers = ()

    def _others(self, key: Key) -> tuple[OwnedKey, ...]:
        return tuple(owned for other, keys in self.owned.items() if other != key for owned in keys)
