"""Where an artifact went that is no longer at its place upstream: told by its content alone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple


class Followed(NamedTuple):
    """What some artifact of the collection follows: a place in the repository, and the content it had there."""

    type: str
    path: str
    base: str


class Moves:
    """One commit of a repository, asked for artifacts that are not where they were."""

    def __init__(
        self,
        followed: Iterable[Followed],
        *,
        is_there: Callable[[Followed], bool],
        places_of: Callable[[str, str], Sequence[str]],
    ) -> None:
        """``followed``: of all artifacts of this repository and ref. ``places_of(type, oid)``: where that lies now."""
        known = list(followed)
        self._taken = {(one.type, one.path) for one in known}
        self._gone = Counter((one.type, one.base) for one in known if not is_there(one))
        self._places_of = places_of

    def new_place(self, type_: str, oids: Iterable[str]) -> str:
        """The only place where one of these contents lies and that no other artifact follows; "" where none is.

        Nowhere, in several places, or gone from several artifacts at once: nobody can tell which is which.
        """
        for oid in oids:
            free = [path for path in self._places_of(type_, oid) if (type_, path) not in self._taken] if oid else []
            if free:
                return free[0] if len(free) == 1 and self._gone[type_, oid] <= 1 else ""
        return ""
