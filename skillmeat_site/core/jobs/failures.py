"""Which unexpected exceptions are no bugs: the world ran out of something. Everything else stays ``internal``."""

from __future__ import annotations

import errno

from django.db import DatabaseError, InterfaceError, OperationalError

from skillmeat_site.core.errors import DatabaseBusy, DiskFull, DomainError

_FULL = ("disk is full", "no space left", "could not extend file")
_BUSY = ("database is locked", "database table is locked", "deadlock detected", "lock timeout")


def as_domain_error(error: BaseException) -> DomainError | None:
    """The domain error an exception stands for, or None for a bug."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull()
    if isinstance(error, DatabaseError):
        text = str(error).lower()
        if any(mark in text for mark in _FULL):
            return DiskFull()
        if any(mark in text for mark in _BUSY):
            return DatabaseBusy()
    if isinstance(error, OperationalError | InterfaceError):
        return DatabaseBusy("The database cannot be reached.")
    return None
