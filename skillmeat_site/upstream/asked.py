"""How often hosts were asked meanwhile: each request to an API, each call of git that reaches a repository."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Asked:
    """``api``: requests to a host's API. ``git``: calls of git, each of one request or two."""

    api: int = 0
    git: int = 0


_counters: ContextVar[tuple[Asked, ...]] = ContextVar("skillmeat_asked", default=())


@contextmanager
def asked_meanwhile() -> Iterator[Asked]:
    """``with asked_meanwhile() as asked``: counts what this thread asks inside."""
    asked = Asked()
    before = _counters.set((*_counters.get(), asked))
    try:
        yield asked
    finally:
        _counters.reset(before)


def note_api() -> None:
    """A request to an API begins."""
    for asked in _counters.get():
        asked.api += 1


def note_git() -> None:
    """A call of git that reaches a repository begins."""
    for asked in _counters.get():
        asked.git += 1
