"""Hooks merged into ``.claude/settings.json``, servers into ``.mcp.json``; ownership is kept key by key.

The file belongs to its project: only the text of our own keys is touched. Deploying twice changes nothing, and
undeploying gives back the bytes from before, whatever was deployed and undeployed in between, in whichever order.
Each of the functions is all or nothing: with a conflict, the bytes come back as they were given.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from collections_app.domain.merge_fate import settle
from collections_app.domain.merge_file import MergeFile, check_sections, read_file
from collections_app.domain.merge_match import attribute, state_of
from collections_app.domain.merge_slots import Payload, owned_part, owned_part_oid, slots_of
from collections_app.domain.merge_types import (
    Container,
    KeyConflict,
    KeyProblem,
    KeyState,
    MergeKind,
    OwnedKey,
    Slot,
)

_Deployment = TypeVar("_Deployment", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Merge:
    """What the file becomes (``data`` None: there is to be no file), and what is to be remembered about it.

    ``owned`` are the keys of this deployment, ``containers`` those of the file, for all of its deployments.
    """

    data: bytes | None
    owned: tuple[OwnedKey, ...]
    containers: tuple[Container, ...]
    conflicts: tuple[KeyConflict, ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """What has become of a deployment's keys. ``oid``: of what is left of them, None if nothing is.

    ``conflicts``: keys of somebody else in the way of the payload that was asked about.
    """

    oid: str | None
    states: tuple[tuple[OwnedKey, KeyState], ...]
    conflicts: tuple[KeyConflict, ...] = ()

    @property
    def partial(self) -> bool:
        """Some keys are gone and all others are as they were written: nothing of anybody's would be lost."""
        states = {state for _, state in self.states}
        return states == {KeyState.INTACT, KeyState.MISSING}


def inspect(
    data: bytes | None,
    kind: MergeKind,
    owned: Sequence[OwnedKey] = (),
    *,
    others: Sequence[OwnedKey] = (),
    payload: Payload | None = None,
) -> Inspection:
    """How the keys of a deployment fare; ``others`` are those of the file's other deployments. Changes nothing.

    Raises ``SettingsInvalid``.
    """
    root = read_file(kind, data)
    slots = slots_of(kind, root.get(kind.value))
    found = attribute(slots, (*owned, *others))
    conflicts: tuple[KeyConflict, ...] = ()
    if payload is not None:
        check_sections(kind, root, {slot.section for slot in payload.slots})
        conflicts = settle(payload, owned, slots, found).conflicts(overwrite=False, force=True)
    return _inspection(kind, owned, found[: len(owned)], conflicts)


def deployed_part(
    data: bytes | None, kind: MergeKind, owned: Sequence[OwnedKey], others: Sequence[OwnedKey] = ()
) -> str:
    """What is in the file now of a deployment's keys, as ``owned_part`` tells it; "" where nothing is.

    Raises ``SettingsInvalid``.
    """
    slots = slots_of(kind, read_file(kind, data).get(kind.value))
    present = [slot for slot in attribute(slots, (*owned, *others))[: len(owned)] if slot is not None]
    return owned_part(kind, present) if present else ""


def inspect_all(
    data: bytes | None, kind: MergeKind, owned: Mapping[_Deployment, Sequence[OwnedKey]]
) -> dict[_Deployment, Inspection]:
    """How all deployments of one file fare, which is read once for all of them. Raises ``SettingsInvalid``."""
    slots = slots_of(kind, read_file(kind, data).get(kind.value))
    found = iter(attribute(slots, [key for keys in owned.values() for key in keys]))
    return {name: _inspection(kind, keys, [next(found) for _ in keys]) for name, keys in owned.items()}


def _inspection(
    kind: MergeKind,
    owned: Sequence[OwnedKey],
    found: Sequence[Slot | None],
    conflicts: tuple[KeyConflict, ...] = (),
) -> Inspection:
    present = [slot for slot in found if slot is not None]
    states = tuple((key, state_of(key, slot)) for key, slot in zip(owned, found, strict=True))
    return Inspection(owned_part_oid(kind, present) if present else None, states, conflicts)


def merge(
    data: bytes | None,
    payload: Payload,
    *,
    owned: Sequence[OwnedKey] = (),
    others: Sequence[OwnedKey] = (),
    containers: Sequence[Container] = (),
    overwrite: bool = False,
    force: bool = False,
) -> Merge:
    """Puts the payload in, in the place of ``owned``, which an earlier deployment of the same artifact wrote.

    A foreign key in the way is a conflict, unless ``overwrite``: then its text is remembered and given back by
    undeploying. A key of ours that was edited is one unless ``overwrite`` or ``force``. A key of another deployment
    always is. Raises ``SettingsInvalid``.
    """
    file = MergeFile(payload.kind, data, containers)
    slots = file.slots()
    found = attribute(slots, (*owned, *others))
    check_sections(payload.kind, file.root, {slot.section for slot in payload.slots})
    settled = settle(payload, owned, slots, found)
    if conflicts := settled.conflicts(overwrite=overwrite, force=force):
        return Merge(data, tuple(owned), tuple(containers), conflicts)
    for fate in settled.fates:
        if fate.in_place and fate.there is not None:
            file.replace(fate.there, fate.wanted.value)
    if inserted := settled.inserted():
        file.insert(inserted)
    _take_out(file, settled.removed())
    return Merge(file.data, settled.owned(), file.containers)


def unmerge(
    data: bytes | None,
    kind: MergeKind,
    owned: Sequence[OwnedKey],
    *,
    others: Sequence[OwnedKey] = (),
    containers: Sequence[Container] = (),
    force: bool = False,
) -> Merge:
    """Takes out what ``merge`` put in, and gives back what it overwrote. A key that is gone already is no obstacle.

    Any edited key is a conflict, and all of them stay, unless ``force``. Raises ``SettingsInvalid``.
    """
    if data is None:
        return Merge(None, (), tuple(containers) if others else ())
    file = MergeFile(kind, data, containers)
    found = attribute(file.slots(), (*owned, *others))
    pairs = [(key, slot) for key, slot in zip(owned, found, strict=False) if slot is not None]
    edited = [key for key, slot in pairs if state_of(key, slot) is KeyState.MODIFIED]
    if edited and not force:
        conflicts = tuple(KeyConflict(KeyProblem.MODIFIED, key.label) for key in edited)
        return Merge(data, tuple(owned), tuple(containers), conflicts)
    _take_out(file, pairs)
    if not others:
        file.forget_containers()
    return Merge(file.data, (), file.containers)


def _take_out(file: MergeFile, pairs: Sequence[tuple[OwnedKey, Slot]]) -> None:
    for key, slot in sorted(pairs, key=lambda pair: (pair[1].section, pair[1].place), reverse=True):
        if key.replaced is not None:
            file.give_back(slot, key.replaced)
        else:
            file.remove(slot)
