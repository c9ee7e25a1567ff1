"""What is most worth doing now. Pure: an app's domain says what it needs, this puts it in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeVar


class Urgency(IntEnum):
    """Why something comes before something else."""

    STOPPED = 1
    """Nothing of its kind goes on until somebody acts."""
    BROKEN = 2
    """Something fails, the rest goes on."""
    BEGINNING = 3
    """The next step of whoever has just begun."""
    DECISION = 4
    """Waits for somebody's word."""
    BEHIND = 5
    """Could be more current."""
    TIDY = 6
    """Would be nice."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One need. ``kind``: a word of the app that has it; ``rows``: how many objects it concerns, at least one."""

    kind: str
    urgency: Urgency
    rows: int = 1


class Advised(Protocol):
    @property
    def advice(self) -> Advice: ...


SomeAdvised = TypeVar("SomeAdvised", bound=Advised)
MOST = 3


def most_worth(needs: Iterable[SomeAdvised], most: int = MOST) -> list[SomeAdvised]:
    """The most urgent ones, at most so many; of equal urgency in the order in which they came."""
    return sorted(needs, key=lambda one: one.advice.urgency)[:most]
