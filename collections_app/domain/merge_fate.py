"""A payload set against a file: what becomes of each server or handler, decided before anything is edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from collections_app.domain.merge_match import unowned
from collections_app.domain.merge_slots import Payload
from collections_app.domain.merge_types import KeyConflict, KeyProblem, OwnedKey, Slot


@dataclass(frozen=True, slots=True)
class Fate:
    """One slot of the payload. ``there`` is what stands in its place, ``key`` what we remember having written."""

    wanted: Slot
    key: OwnedKey | None = None
    there: Slot | None = None
    problem: KeyProblem | None = None

    @property
    def unchanged(self) -> bool:
        return self.key is not None and self.there is not None and self.there.oid == self.wanted.oid

    @property
    def in_place(self) -> bool:
        """Whether writing the value where the old one stands is all there is to do."""
        return self.there is not None and self.there.matcher == self.wanted.matcher and not self.unchanged

    @property
    def replaced(self) -> str | None:
        """The foreign text that undeploying gives back."""
        if self.there is None or not (self.unchanged or self.in_place):
            return None
        return self.key.replaced if self.key is not None else self.there.value.raw


@dataclass(frozen=True, slots=True)
class Settlement:
    """``dropped``: keys of ours, with their slots, that the payload no longer has. ``foreign``: nobody's slots."""

    fates: tuple[Fate, ...]
    dropped: tuple[tuple[OwnedKey, Slot], ...]
    foreign: tuple[Slot, ...]

    def conflicts(self, *, overwrite: bool, force: bool) -> tuple[KeyConflict, ...]:
        allowed = {KeyProblem.FOREIGN, KeyProblem.MODIFIED} if overwrite else set()
        allowed |= {KeyProblem.MODIFIED} if force else set()
        problems = [(fate.problem, fate.wanted.label) for fate in self.fates if fate.problem]
        problems += [(KeyProblem.MODIFIED, key.label) for key, slot in self.dropped if slot.oid != key.oid]
        return tuple(KeyConflict(problem, label) for problem, label in problems if problem not in allowed)

    def inserted(self) -> list[Slot]:
        return [fate.wanted for fate in self.fates if not fate.unchanged and not fate.in_place]

    def removed(self) -> list[tuple[OwnedKey, Slot]]:
        """What is taken out: what the payload no longer has, and what stands under another matcher now."""
        moved = [
            (fate.key, fate.there)
            for fate in self.fates
            if fate.key is not None and fate.there is not None and not fate.unchanged and not fate.in_place
        ]
        return [*self.dropped, *moved]

    def owned(self) -> tuple[OwnedKey, ...]:
        """What is to be remembered, in the order of the payload."""
        replaced = {id(fate.there) for fate in self.fates}
        beside: dict[str, set[str]] = {}
        for slot in self.foreign:
            if slot.kin and id(slot) not in replaced:
                beside.setdefault(slot.section, set()).add(slot.oid)
        return tuple(
            OwnedKey(
                section=fate.wanted.section,
                label=fate.wanted.label,
                identity=fate.wanted.identity,
                oid=fate.wanted.oid,
                value_oid=fate.wanted.value_oid,
                kin=fate.wanted.kin,
                beside=tuple(sorted(beside.get(fate.wanted.section, ()))),
                replaced=fate.replaced,
            )
            for fate in self.fates
        )


def settle(
    payload: Payload, owned: Sequence[OwnedKey], slots: Sequence[Slot], found: Sequence[Slot | None]
) -> Settlement:
    """``found``: the slots of ``owned``, then of all other deployments' keys, as ``merge_match`` attributed them."""
    foreign = unowned(slots, found)
    taken = {(slot.section, slot.identity) for slot in found[len(owned) :] if slot is not None}
    keys = _matched(payload.slots, owned)
    free = list(foreign)
    fates = []
    for wanted, number in zip(payload.slots, keys, strict=True):
        fate = Fate(wanted)
        if number is not None:
            fate = replace(fate, key=owned[number], there=found[number])
        fates.append(_in_file(fate, free, taken))
    dropped = [
        (key, slot)
        for number, (key, slot) in enumerate(zip(owned, found, strict=False))
        if number not in keys and slot is not None
    ]
    return Settlement(tuple(fates), tuple(dropped), tuple(foreign))


def _in_file(fate: Fate, free: list[Slot], taken: set[tuple[str, str]]) -> Fate:
    wanted = fate.wanted
    if fate.key is not None and fate.there is not None:
        edited = fate.there.oid not in (wanted.oid, fate.key.oid)
        return replace(fate, problem=KeyProblem.MODIFIED) if edited else fate
    if (wanted.section, wanted.identity) in taken:
        return replace(fate, key=None, problem=KeyProblem.TAKEN)
    there = next((slot for slot in free if (slot.section, slot.identity) == (wanted.section, wanted.identity)), None)
    if there is None:
        return replace(fate, key=None)
    free.remove(there)
    return replace(fate, key=None, there=there, problem=KeyProblem.FOREIGN)


def _matched(slots: Sequence[Slot], owned: Sequence[OwnedKey]) -> list[int | None]:
    """For each slot of the payload the key that an earlier version of it was; equal values first."""
    free = list(range(len(owned)))
    keys: list[int | None] = [None] * len(slots)
    for exact in (True, False):
        for index, slot in enumerate(slots):
            for number in free if keys[index] is None else ():
                key = owned[number]
                same = (key.section, key.identity) == (slot.section, slot.identity)
                if same and (key.oid == slot.oid or not exact):
                    keys[index] = number
                    free.remove(number)
                    break
    return keys
