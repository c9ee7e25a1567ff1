"""Which unexpected exceptions are no bugs: the world ran out of something. Everything else stays ``internal``."""

from __future__ import annotations

import errno

from django.db import DatabaseError, InterfaceError, OperationalError

from skillmeat_site.core.errors import DatabaseBusy, DiskFull, DomainError

_FULL = ("disk is full", "no space left", "could not extend file")
_NO_ROOM_TO_OPEN = "SQLITE_IOERR_SHMSIZE"
"""What SQLite answers to who opens a database on a full disk: its words are those of a broken disk."""
_MAKE_ROOM = "The disk is full; make room, then try again."
_NO_TABLES = "no such table"
"""Nobody has migrated: as little of a database as one that cannot be opened."""
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
    if isinstance(error, OperationalError | InterfaceError) and not _refused(error):
        return DatabaseBusy("The database cannot be reached.")
    return None


def _refused(error: DatabaseError | InterfaceError) -> bool:
    """Whether the database was there and refused the statement, which no other time makes better: that is a bug.

    Both databases tell so of some statements in the class that is otherwise one of lost connections: SQLite of JSON
    that it cannot read, PostgreSQL of what is over its limits (class 54).
    """
    cause = error.__cause__
    if getattr(cause, "sqlite_errorname", "") == "SQLITE_ERROR":
        return _NO_TABLES not in str(error)
    return str(getattr(cause, "sqlstate", None) or "").startswith("54")
