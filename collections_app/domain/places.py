"""Which paths of a collection are whose: no two artifacts at one, and none inside another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Places:
    """Paths that are taken, each by somebody who has a name for people."""

    def __init__(self, taken: Mapping[str, str] | None = None) -> None:
        self._holders: dict[str, str] = {}
        self._inside: dict[str, str] = {}
        for path, holder in (taken or {}).items():
            self.take(path, holder)

    def holder(self, path: str) -> str | None:
        """Who has this path, one above it, or one inside it."""
        above = (self._holders[place] for place in (path, *_above(path)) if place in self._holders)
        return next(above, None) or self._inside.get(path)

    def take(self, path: str, holder: str) -> None:
        """Whoever had it before has it no more."""
        self._holders[path] = holder
        self._inside.update(dict.fromkeys(_above(path), holder))


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
