"""What can go wrong with the history."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from skillmeat_site.core.errors import DiskFull, DomainError, NotFound


class SnapshotNotFound(NotFound):
    """The collection has no such snapshot, or it was dropped by the retention."""

    title = "There is no such snapshot"


class HistoryDamaged(DomainError):
    """The store lacks an object that a ref leads to, or holds a broken one."""

    code = "history_damaged"
    status = 500
    title = "The history is damaged"
    hint = (
        "`git fsck` in `store.git` tells what is lost; check permissions and disk, restore `store.git` from a backup."
    )


class HistoryBusy(DomainError):
    """A ref of the store stayed locked by another process; nothing was recorded under it."""

    code = "history_busy"
    status = 503
    title = "The history is busy"
    hint = "Try again; if it stays, see that no `*.lock` is left below `store.git/refs`."


def no_room(path: Path, error: Exception) -> bool:
    """Tell whether a full disk is the reason of an error of libgit2, which has no code for it."""
    if "No space left" in str(error):
        return True
    try:
        return os.statvfs(path).f_bavail == 0
    except OSError:
        return False


def unwritable(error: OSError) -> DomainError:
    """Tell why the store cannot be written. Nothing of what was to be written can be seen."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull()
    return HistoryDamaged("the store of the history cannot be written")
