"""What a dead process left: finished or undone, as the database tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from collections_app.store.layout import Home
from collections_app.store.owner import Owner


class Outcome(StrEnum):
    """What became of one journal."""

    FINISHED = "finished"
    UNDONE = "undone"
    ALIVE = "alive"  # its process lives, or may: not touched
    INVALID = "invalid"  # no journal, or one that names a place outside: not touched
    FAILED = "failed"  # code and detail tell; the next recovery tries again


class Recovered(NamedTuple):
    """One journal. ``kept``: paths below the home's trash with content that nobody could account for."""

    op: str
    outcome: Outcome
    kind: str = ""
    root: str = ""
    code: str = ""
    detail: str = ""
    kept: tuple[str, ...] = ()


def recover(
    home: Home,
    committed: Callable[[str], bool],
    *,
    roots: Sequence[Path] = (),
    alive: Callable[[Owner], bool] | None = None,
) -> list[Recovered]:
    """Finish or undo every transaction whose process is dead; one row per journal, never an exception for one.

    ``committed(op)`` tells whether the caller's database holds the row of the transaction. It must settle the question
    for good: a process that was only thought dead must not be able to commit afterwards. ``roots``: the folders besides
    the home in which transactions may have worked (projects). Killed in the middle, the next call goes on. Several
    processes may call it at once: each journal is taken by one.
    """
    raise NotImplementedError
