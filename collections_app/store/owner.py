"""Whose a journal is, and whether that process still lives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: ``host`` names machine, boot and process namespace; ``until`` is the lease's end (UNIX time)."""

    host: str
    pid: int
    started: int
    until: float


def is_alive(owner: Owner) -> bool:
    """Whether the process lives: known on this host; elsewhere it is taken to live until its lease ends."""
    raise NotImplementedError
