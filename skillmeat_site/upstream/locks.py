"""One process at a time in a mirror. On a local disk only: mirrors are a cache of one machine."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skillmeat_site.upstream.errors import UpstreamTimeout
from skillmeat_site.upstream.process import TICK_SECONDS, Deadline
from skillmeat_site.upstream.types import Tick

_PAUSE = 0.05


@contextmanager
def hold(path: Path, deadline: Deadline, tick: Tick) -> Iterator[int]:
    """Hold the lock of this file, waiting for it with ``tick``; gives its descriptor. Raises UpstreamTimeout.

    The lock lives as long as the descriptor in any process. Hand it to git, and a git that outlives a killed worker
    still holds the mirror against the next one.
    """
    descriptor = _try(path)
    next_tick = time.monotonic() + TICK_SECONDS
    while descriptor is None:
        if deadline.remaining() > _PAUSE:
            time.sleep(_PAUSE)
        else:
            raise UpstreamTimeout("another process reads the same repository")
        if time.monotonic() >= next_tick:
            next_tick = time.monotonic() + TICK_SECONDS
            tick()
        descriptor = _try(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def try_hold(path: Path) -> Iterator[bool]:
    """Hold the lock if nobody does, and tell whether it is held."""
    descriptor = _try(path)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _try(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who removes a mirror removes its lock file too: a lock on the removed file keeps nobody out.
        if os.path.samestat(os.fstat(descriptor), os.stat(path)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None
