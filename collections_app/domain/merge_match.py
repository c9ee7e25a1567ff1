"""Which slot of a file belongs to which deployment, after people have edited the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from collections_app.domain.merge_types import KeyState, OwnedKey, Slot

_Pass = Callable[[OwnedKey, Slot], bool]


def attribute(slots: Sequence[Slot], owned: Sequence[OwnedKey]) -> list[Slot | None]:
    """For each owned key the slot that it is now; each slot belongs to one key at most.

    In this order, so that what is certain comes first: the same identity and value; the same identity (a handler's
    timeout was edited); the same handler of the event under another matcher; and at last, where exactly as many keys
    are missing as handlers of the same matcher and type have come since deploying, those (the command was edited).
    """
    found: list[Slot | None] = [None] * len(owned)
    free = list(slots)
    passes: tuple[_Pass, ...] = (_same, _same_identity, _moved)
    for matches in passes:
        for index, key in enumerate(owned):
            if found[index] is None:
                slot = next((slot for slot in free if slot.section == key.section and matches(key, slot)), None)
                if slot is not None:
                    found[index] = slot
                    free.remove(slot)
    _guess(owned, found, free)
    return found


def state_of(key: OwnedKey, slot: Slot | None) -> KeyState:
    if slot is None:
        return KeyState.MISSING
    return KeyState.INTACT if slot.oid == key.oid else KeyState.MODIFIED


def unowned(slots: Sequence[Slot], found: Sequence[Slot | None]) -> list[Slot]:
    """Slots that no deployment has."""
    taken = {id(slot) for slot in found if slot is not None}
    return [slot for slot in slots if id(slot) not in taken]


def _same(key: OwnedKey, slot: Slot) -> bool:
    return slot.identity == key.identity and slot.oid == key.oid


def _same_identity(key: OwnedKey, slot: Slot) -> bool:
    return slot.identity == key.identity


def _moved(key: OwnedKey, slot: Slot) -> bool:
    return bool(key.value_oid) and slot.value_oid == key.value_oid and slot.oid not in key.beside


def _guess(owned: Sequence[OwnedKey], found: list[Slot | None], free: list[Slot]) -> None:
    kins: dict[tuple[str, str], list[int]] = {}
    for index, key in enumerate(owned):
        if found[index] is None and key.kin:
            kins.setdefault((key.section, key.kin), []).append(index)
    for (section, kin), lost in kins.items():
        known = {oid for index in lost for oid in owned[index].beside}
        come = [slot for slot in free if (slot.section, slot.kin) == (section, kin) and slot.oid not in known]
        if len(come) == len(lost):
            for index, slot in zip(lost, come, strict=True):
                found[index] = slot
