"""What deploying and undeploying will do, decided from what is wanted, recorded and found, before anything is done.

A dry run shows the plan, a run carries out the very same one: there is no second decision.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from collections_app.domain.deploy_targets import Profile, Target, TargetShape, target_of
from collections_app.domain.json_merge import Inspection
from collections_app.domain.merge_types import KeyProblem
from collections_app.domain.types import ArtifactKind
from collections_app.errors import UnsafePath, UnsupportedTarget
from skillmeat_site.core.results import ItemOutcome


class Presence(StrEnum):
    """What is found at a target, links not followed."""

    ABSENT = "absent"
    FILE = "file"
    DIRECTORY = "directory"
    KEYS = "keys"  # keys of this deployment, in a file that is merged into
    LINK = "link"
    SPECIAL = "special"  # a device, a socket, a pipe
    BLOCKED = "blocked"  # something on the way to the target is no directory
    LINKED_PARENT = "linked_parent"  # something on the way to the target is a link
    INVALID = "invalid"  # the file to merge into cannot be read


class Reason(StrEnum):
    """Why an artifact was not deployed or undeployed; the code of its row."""

    UNMANAGED = "unmanaged"
    MODIFIED = "modified"
    TAKEN = "taken"
    BLOCKED = "target_blocked"
    UNSAFE_LINK = "unsafe_link"
    SETTINGS_INVALID = "settings_invalid"
    NEEDS_PLUGIN = "needs_plugin"
    UNSUPPORTED = "unsupported_target"
    UNSAFE_PATH = "unsafe_path"
    NOT_DEPLOYED = "not_deployed"
    UNKNOWN_CONTENT = "unknown_content"


class Action(StrEnum):
    WRITE = "write"  # put the content there, where nothing is
    REPLACE = "replace"  # put the content there, in the place of what was found
    REMOVE = "remove"  # take what was found away
    RECORD = "record"  # write the deployment's row
    FORGET = "forget"  # drop the deployment's row


@dataclass(frozen=True, slots=True)
class Key:
    """What a deployment is in a project."""

    kind: ArtifactKind
    name: str
    profile: Profile = Profile.CLAUDE_CODE


@dataclass(frozen=True, slots=True)
class Wanted:
    """An artifact to deploy. ``oid``: its content id; of a hook or server ``Payload.oid``."""

    key: Key
    oid: str
    collection: str
    needs_plugin: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """A deployment on record. ``path``: from the project's folder. ``oid`` None: recorded by SkillMeat 1.x."""

    key: Key
    path: str
    oid: str | None
    collection: str


@dataclass(frozen=True, slots=True)
class Found:
    """What is at a target. ``oid``: of its content, None if it has none or could not be read.

    Of merged keys: ``partial`` (``Inspection.partial``), and ``foreign`` or ``taken`` where keys of the artifact are
    in the file already, somebody's or another deployment's.
    """

    presence: Presence
    oid: str | None = None
    partial: bool = False
    foreign: bool = False
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """``overwrite``: what is nobody's or was edited is replaced. ``force``: what was edited is replaced or removed."""

    overwrite: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one artifact. Without ``actions`` nothing is touched."""

    key: Key
    outcome: ItemOutcome
    actions: tuple[Action, ...] = ()
    code: Reason | None = None
    target: Target | None = None


ABSENT = Found(Presence.ABSENT)
_MERGED = frozenset({ArtifactKind.HOOK, ArtifactKind.MCP})
_UNREACHABLE = {
    Presence.SPECIAL: Reason.BLOCKED,
    Presence.BLOCKED: Reason.BLOCKED,
    Presence.LINKED_PARENT: Reason.UNSAFE_LINK,
    Presence.INVALID: Reason.SETTINGS_INVALID,
}
"""Findings that no option overrides: there is no safe way to write there."""


def plan_deploy(
    wanted: Iterable[Wanted],
    recorded: Sequence[Recorded],
    found: Mapping[Key, Found],
    options: Options = Options(),
) -> tuple[Step, ...]:
    """One step for each wanted artifact, sorted by profile, type and name. What ``found`` lacks is absent.

    Two artifacts for one place (also where they differ only in case): the first in that order has it, unless the
    place is recorded for the other.
    """
    rows = {row.key: row for row in recorded}
    places = {_folded(row.path): row.key for row in recorded if row.key.kind not in _MERGED}
    steps: list[Step] = []
    seen: set[Key] = set()
    for one in sorted(set(wanted), key=lambda one: (_order(one.key), one.collection, one.oid)):
        target = _target(one)
        if isinstance(target, Step):
            steps.append(target)
            continue
        holder = places.setdefault(_folded(target.path), one.key) if target.merge is None else one.key
        taken = holder != one.key or one.key in seen
        seen.add(one.key)
        steps.append(_deploy(one, target, rows.get(one.key), found.get(one.key, ABSENT), options, taken))
    return tuple(steps)


def found_keys(inspection: Inspection) -> Found:
    """What ``json_merge.inspect`` tells, in the words of the plan."""
    problems = {conflict.code for conflict in inspection.conflicts}
    return Found(
        presence=Presence.ABSENT if inspection.oid is None else Presence.KEYS,
        oid=inspection.oid,
        partial=inspection.partial,
        foreign=KeyProblem.FOREIGN in problems,
        taken=KeyProblem.TAKEN in problems,
    )


def plan_undeploy(
    keys: Iterable[Key],
    recorded: Sequence[Recorded],
    found: Mapping[Key, Found],
    options: Options = Options(),
) -> tuple[Step, ...]:
    """One step for each key, sorted; ``found`` tells what is at the recorded place.

    What was edited stays, with its record, unless ``force``.
    """
    rows = {row.key: row for row in recorded}
    return tuple(
        _undeploy(key, rows.get(key), found.get(key, ABSENT), options) for key in sorted(set(keys), key=_order)
    )


def _order(key: Key) -> tuple[str, str, str]:
    return (key.profile.value, key.kind.value, key.name)


def _folded(path: str) -> str:
    """Equal for paths that are one file where case or Unicode normalisation does not count."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _target(one: Wanted) -> Target | Step:
    key = one.key
    if one.needs_plugin and key.kind is not ArtifactKind.PLUGIN:
        return Step(key, ItemOutcome.FAILED, code=Reason.NEEDS_PLUGIN)
    try:
        return target_of(key.kind, key.name, key.profile)
    except UnsupportedTarget:
        return Step(key, ItemOutcome.FAILED, code=Reason.UNSUPPORTED)
    except UnsafePath:
        return Step(key, ItemOutcome.FAILED, code=Reason.UNSAFE_PATH)


def _deploy(one: Wanted, target: Target, row: Recorded | None, found: Found, options: Options, taken: bool) -> Step:
    reason = Reason.TAKEN if taken or found.taken else _in_the_way(one, target, row, found, options)
    if reason is not None:
        return Step(one.key, ItemOutcome.CONFLICT, code=reason, target=target)
    if row is not None and found.oid == one.oid and _shaped(target, found):
        current = (row.oid, row.collection, row.path) == (one.oid, one.collection, target.path)
        actions = () if current else (Action.RECORD,)
        return Step(one.key, ItemOutcome.UNCHANGED, actions, target=target)
    if found.presence is Presence.ABSENT and not found.foreign:
        return Step(one.key, ItemOutcome.CREATED, (Action.WRITE, Action.RECORD), target=target)
    return Step(one.key, ItemOutcome.UPDATED, (Action.REPLACE, Action.RECORD), target=target)


def _in_the_way(one: Wanted, target: Target, row: Recorded | None, found: Found, options: Options) -> Reason | None:
    if found.presence in _UNREACHABLE:
        return _UNREACHABLE[found.presence]
    if row is not None and row.collection != one.collection and not options.overwrite:
        return Reason.TAKEN
    if found.foreign and not options.overwrite:
        return Reason.UNMANAGED
    if found.presence is Presence.ABSENT or options.overwrite:
        return None
    if row is None or _folded(row.path) != _folded(target.path):
        return Reason.UNMANAGED
    if options.force or (_shaped(target, found) and (found.partial or found.oid in (one.oid, row.oid))):
        return None
    return Reason.MODIFIED


def _shaped(target: Target, found: Found) -> bool:
    """Whether a thing of the right sort was found, whose content id therefore counts."""
    shapes = {
        TargetShape.DIRECTORY: Presence.DIRECTORY,
        TargetShape.FILE: Presence.FILE,
        TargetShape.KEYS: Presence.KEYS,
    }
    return found.oid is not None and found.presence is shapes[target.shape]


def _undeploy(key: Key, row: Recorded | None, found: Found, options: Options) -> Step:
    if row is None:
        return Step(key, ItemOutcome.SKIPPED, code=Reason.NOT_DEPLOYED)
    if found.presence is Presence.ABSENT:
        return Step(key, ItemOutcome.REMOVED, (Action.FORGET,))
    if found.presence in _UNREACHABLE:
        return Step(key, ItemOutcome.CONFLICT, code=_UNREACHABLE[found.presence])
    clean = found.presence is not Presence.LINK and (found.partial or (row.oid is not None and found.oid == row.oid))
    if clean or options.force:
        return Step(key, ItemOutcome.REMOVED, (Action.REMOVE, Action.FORGET))
    unknown = row.oid is None and found.presence is not Presence.LINK
    return Step(key, ItemOutcome.SKIPPED, code=Reason.UNKNOWN_CONTENT if unknown else Reason.MODIFIED)
