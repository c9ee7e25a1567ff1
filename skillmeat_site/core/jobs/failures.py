"""Which unexpected exceptions are no bugs: the world ran out of something. Everything else stays ``internal``."""

from __future__ import annotations

import errno

from django.db import DatabaseError, InterfaceError, OperationalError

from skillmeat_site.core.errors import DatabaseBusy, DiskFull, DomainError

_FULL = ("disk is full", "no space left", "could not extend file")
_NO_ROOM_TO_OPEN = "SQLITE_IOERR_SHMSIZE"
"""What SQLite answers to who opens a database on a full disk: its words are those of a broken disk."""
_MAKE_ROOM = "The disk is full; make room, then try again."
_BUSY = ("database is locked", "database table is locked", "deadlock detected", "lock timeout")


def as_domain_error(error: BaseException) -> DomainError | None:
    """The domain error an exception stands for, or None for a bug."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(_MAKE_ROOM)
    if isinstance(error, DatabaseError):
        text = str(error).lower()
        if any(mark in text for mark in _FULL) or getattr(error.__cause__, "sqlite_errorname", "") == _NO_ROOM_TO_OPEN:
            return DiskFull(_MAKE_ROOM)
        if any(mark in text for mark in _BUSY):
            return DatabaseBusy()
    if isinstance(error, OperationalError | InterfaceError):
        return DatabaseBusy("The database cannot be reached.")
    return None
