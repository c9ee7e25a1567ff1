"""Which exceptions are the world's fault, and which are bugs."""

from __future__ import annotations

import errno
import sqlite3

import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, ProgrammingError

from skillmeat_site.core.errors import REGISTRY, DomainError, LimitExceeded
from skillmeat_site.core.jobs.failures import as_domain_error


def _refused(words: str, **cause: str | None) -> OperationalError:
    """As Django hands on what the database answered to a statement."""
    error = OperationalError(words)
    error.__cause__ = type("Cause", (Exception,), cause)()
    return error


def _opened_on_a_full_disk(name: str) -> OperationalError:
    """As Django hands on what SQLite answers, with SQLite's own name of it."""
    error, cause = OperationalError("disk I/O error"), sqlite3.OperationalError("disk I/O error")
    cause.sqlite_errorname = name
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LimitExceeded(), "limit_exceeded"),
        (OSError(errno.ENOSPC, "No space left"), "disk_full"),
        (OSError(errno.EDQUOT, "Quota exceeded"), "disk_full"),
        (OperationalError("database or disk is full"), "disk_full"),
        (OperationalError("could not extend file base/1: No space left on device"), "disk_full"),
        (_opened_on_a_full_disk("SQLITE_IOERR_SHMSIZE"), "disk_full"),
        (_opened_on_a_full_disk("SQLITE_IOERR_READ"), "database_busy"),
        (OperationalError("database is locked"), "database_busy"),
        (OperationalError("deadlock detected\nDETAIL: Process 1"), "database_busy"),
        (DatabaseError("canceling statement due to lock timeout"), "database_busy"),
        (OperationalError("server closed the connection unexpectedly at /var/run"), "database_busy"),
        (InterfaceError("connection already closed"), "database_busy"),
        (_refused("too many clients already", sqlstate="53300"), "database_busy"),
        (_refused("connection timeout expired", sqlstate=None), "database_busy"),
        (_refused("no such table: core_job", sqlite_errorname="SQLITE_ERROR"), "database_busy"),
        (_refused("malformed JSON", sqlite_errorname="SQLITE_ERROR"), None),
        (_refused("index row size 4000 exceeds maximum", sqlstate="54000"), None),
        (IntegrityError("UNIQUE constraint failed"), None),
        (ProgrammingError("syntax error"), None),
        (OSError(errno.ENOENT, "no such file"), None),
        (PermissionError(errno.EACCES, "denied"), None),
        (ZeroDivisionError(), None),
        (MemoryError(), None),
    ],
)
def test_as_domain_error(error, code):
    found = as_domain_error(error)
    assert (found.code if found else None) == code
    if found and not isinstance(error, DomainError):
        assert "/var" not in found.detail


def test_two_errors_cannot_have_one_code():
    with pytest.raises(TypeError, match="limit_exceeded"):
        type("Other", (DomainError,), {"code": "limit_exceeded", "__qualname__": "Other"})
    assert REGISTRY["limit_exceeded"] is LimitExceeded


def test_an_error_says_its_title_where_it_has_no_detail():
    assert (LimitExceeded().detail, str(LimitExceeded("more"))) == ("A limit was exceeded", "more")


def test_the_detail_of_an_error_can_be_stored():
    assert LimitExceeded("a\0b\ud800c").detail == str(LimitExceeded("a\0b\ud800c")) == "abc"
