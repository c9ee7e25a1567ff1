"""What an import does about each wanted artifact, decided before anything is fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from collections_app.domain.names import check_name, collision_key, renamed
from collections_app.domain.types import ArtifactKind, ArtifactRef
from collections_app.errors import UnsafePath


class Strategy(StrEnum):
    """What to do where the name is taken."""

    SKIP = "skip"
    OVERWRITE = "overwrite"
    RENAME = "rename"


class Action(StrEnum):
    CREATE = "create"
    REPLACE = "replace"
    SKIP = "skip"
    CONFLICT = "conflict"
    REFUSE = "refuse"  # the name is none that a file system holds


class Blocked(StrEnum):
    """Why a wanted artifact is left as it is."""

    NAME_TAKEN = "name_taken"  # by an artifact of the collection
    UNMANAGED = "unmanaged_file"  # by a file that no manifest knows
    TWICE = "same_name_in_batch"
    EXHAUSTED = "names_exhausted"


@dataclass(frozen=True, slots=True)
class Wanted:
    """``link``: the id of the artifact that an earlier import of the same entry made in this collection, if any."""

    key: int
    kind: ArtifactKind
    name: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Occupant:
    """What holds a name. ``id`` empty: a file that no manifest knows.

    ``present`` False: its files are gone; ``recorded`` False as well: no manifest names it any more either, and only
    the index remembers it.
    """

    id: str
    ref: ArtifactRef
    present: bool = True
    recorded: bool = True

    @property
    def is_gone(self) -> bool:
        return not self.present and not self.recorded


@dataclass(frozen=True, slots=True)
class Decision:
    """``ref``: the name it gets. ``target``: the id of the artifact replaced. ``taken_by``: what is in the way."""

    key: int
    action: Action
    ref: ArtifactRef
    target: str = ""
    taken_by: str = ""
    code: str = ""
    detail: str = ""


def plan_import(wanted: Iterable[Wanted], occupants: Iterable[Occupant], strategy: Strategy) -> list[Decision]:
    """Decide for each wanted artifact, in order; those before it in the batch hold their names already.

    An artifact whose files are gone is not in the way of its own entry: it is made again under whatever strategy.
    Overwriting goes to the artifact that the entry's earlier import made, whatever that is called now; an unmanaged
    file is never overwritten, and neither is what the batch itself has just put there.
    """
    return plan_imports([wanted], occupants, strategy)


def plan_imports(
    batches: Iterable[Iterable[Wanted]], occupants: Iterable[Occupant], strategy: Strategy
) -> list[Decision]:
    """As ``plan_import`` of each batch after the other: what one has made, the next finds as any other artifact."""
    names = _Names(occupants)
    decisions: list[Decision] = []
    for batch in batches:
        decided = [names.decide(want, strategy) for want in batch]
        names.carry_out(decided)
        decisions += decided
    return decisions


class _Names:
    """Who holds which name, so far."""

    def __init__(self, occupants: Iterable[Occupant]) -> None:
        self._holders: dict[tuple[str, str], Occupant] = {}
        self._by_id: dict[str, Occupant] = {}
        self._in_batch: set[tuple[str, str]] = set()
        for occupant in occupants:
            self._holders[_key(occupant.ref)] = occupant
            if occupant.id:
                self._by_id[occupant.id] = occupant

    def carry_out(self, decisions: Iterable[Decision]) -> None:
        """The batch is over: what it took belongs to artifacts now, new ones under ids that nobody else has."""
        self._in_batch.clear()
        for decision in decisions:
            if decision.action in (Action.CREATE, Action.REPLACE):
                made = Occupant(decision.target or f"new {decision.key}", decision.ref)
                self._holders[_key(made.ref)] = self._by_id[made.id] = made

    def decide(self, want: Wanted, strategy: Strategy) -> Decision:
        ref = ArtifactRef(want.kind, want.name)
        try:
            check_name(want.kind, want.name)
        except UnsafePath as error:
            return Decision(want.key, Action.REFUSE, ref, code=error.code, detail=error.detail)
        own = self._by_id.get(want.link)
        if own is not None and _key(own.ref) in self._in_batch:
            own = None  # another entry of the batch has come to its name already
        if own is not None and not own.present:
            return self._take(Decision(want.key, Action.REPLACE, own.ref, target=own.id))
        if own is not None and strategy is Strategy.OVERWRITE:
            return self._overwrite(want, own)
        holder = own if own is not None and strategy is Strategy.SKIP else self._holders.get(_key(ref))
        if holder is None or holder.is_gone:
            return self._take(Decision(want.key, Action.CREATE, ref, target=holder.id if holder else ""))
        return self._settle(want, ref, holder, strategy)

    def _settle(self, want: Wanted, ref: ArtifactRef, holder: Occupant, strategy: Strategy) -> Decision:
        if strategy is Strategy.OVERWRITE:
            return self._overwrite(want, holder)
        taken_by = str(holder.ref)
        code = self._reason(holder)
        if strategy is Strategy.SKIP:
            return Decision(want.key, Action.SKIP, ref, taken_by=taken_by, code=code)
        free = renamed(want.name, self._taken(want.kind), kind=want.kind)
        if free is None:
            return Decision(want.key, Action.CONFLICT, ref, taken_by=taken_by, code=Blocked.EXHAUSTED)
        return self._take(Decision(want.key, Action.CREATE, ArtifactRef(want.kind, free), taken_by=taken_by))

    def _overwrite(self, want: Wanted, holder: Occupant) -> Decision:
        if _key(holder.ref) in self._in_batch or not holder.id:
            ref = ArtifactRef(want.kind, want.name)
            code = self._reason(holder)
            return Decision(want.key, Action.CONFLICT, ref, taken_by=str(holder.ref), code=code)
        return self._take(Decision(want.key, Action.REPLACE, holder.ref, target=holder.id))

    def _reason(self, holder: Occupant) -> Blocked:
        if _key(holder.ref) in self._in_batch:
            return Blocked.TWICE
        return Blocked.NAME_TAKEN if holder.id else Blocked.UNMANAGED

    def _take(self, decision: Decision) -> Decision:
        key = _key(decision.ref)
        self._in_batch.add(key)
        self._holders[key] = Occupant(decision.target, decision.ref)
        return decision

    def _taken(self, kind: ArtifactKind) -> Mapping[str, Occupant]:
        return {name: holder for (type_, name), holder in self._holders.items() if type_ == kind}


def _key(ref: ArtifactRef) -> tuple[str, str]:
    return ref.type, collision_key(ref.name)
