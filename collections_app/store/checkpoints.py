"""Named places that every disk transaction and every recovery passes, so that a test can end the process at each."""

from __future__ import annotations

from collections.abc import Callable


def _go_on(name: str) -> None:
    pass


reached: Callable[[str], None] = _go_on
"""Called at each checkpoint; a test puts another function here."""


def checkpoint(name: str) -> None:
    """Pass the place called ``name`` (``swapped:3``)."""
    reached(name)
