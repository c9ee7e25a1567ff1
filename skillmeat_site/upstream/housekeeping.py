"""Keeping the mirrors small: many packs become one, and the mirrors not used for longest make room."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.locks import try_hold
from skillmeat_site.upstream.mirror import Mirror, lock_path

MAX_PACKS = 20
"""Every fetch adds a pack, and each makes looking up an object slower."""


def tidy(mirror: Mirror) -> None:
    """Pack the mirror anew where it has many packs. Objects younger than git's own grace of two weeks always stay."""
    if sum(1 for _ in mirror.path.glob("objects/pack/*.pack")) > MAX_PACKS:
        mirror.gc()


def sweep_if_due(settings: GitSettings) -> None:
    """Sweep, unless some process has done so within ``sweep_seconds``."""
    stamp = settings.mirrors / ".swept"
    try:
        age = time.time() - stamp.stat().st_mtime
    except FileNotFoundError:
        age = settings.sweep_seconds
    if 0 <= age < settings.sweep_seconds:
        return
    # What was read is read: a sweep that fails is no reason to lose it, and the next one comes soon.
    with suppress(OSError):
        stamp.touch()
        sweep(settings.mirrors, settings.mirrors_max_bytes)


def sweep(mirrors: Path, max_bytes: int) -> list[Path]:
    """Remove mirrors, the longest unused first, until the rest is within ``max_bytes``. Returns what was removed.

    One that is in use by any process stays, whatever its size.
    """
    found = sorted(_mirrors(mirrors))
    total = sum(mirror.size for mirror in found)
    removed = []
    for mirror in found:
        if total <= max_bytes:
            break
        if _remove(mirror.path):
            total -= mirror.size
            removed.append(mirror.path)
    return removed


class _Mirror(NamedTuple):
    """Sorts by the time of last use."""

    used_at: float
    size: int
    path: Path


def _mirrors(root: Path) -> Iterator[_Mirror]:
    for path in root.glob("??/*.git"):
        with suppress(FileNotFoundError):
            yield _Mirror(path.stat().st_mtime, _size(path), path)


def _size(path: Path) -> int:
    """Bytes of all files below the path; what vanishes meanwhile counts nothing."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total


def _remove(path: Path) -> bool:
    """Remove a mirror and its lock file, unless somebody holds it."""
    lock = lock_path(path)
    with try_hold(lock) as held:
        if held:
            shutil.rmtree(path, ignore_errors=True)
            lock.unlink(missing_ok=True)
        return held
