"""Domain errors: a stable code, an HTTP status and data. Pure Python, so that every room may raise them.

An error is raised where it is understood and turned into HTTP (``core.api.problems``), an exit code
(``core.management.base``) or a message (``core.admin``) in exactly one place each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from skillmeat_site.core.text import storable

REGISTRY: dict[str, type[DomainError]] = {}
"""Every code that the faces can answer, with the class that carries it. Documented in docs/errors.md."""
RESULT_HINTS: dict[str, str] = {}
"""What to do about codes that stand in results and are no errors. Documented in the same place."""


def result_code(code: str, *, hint: str) -> str:
    """Declare a code of results, with what to do about it. Gives the code."""
    if RESULT_HINTS.setdefault(code, hint) != hint:
        raise TypeError(f"result code {code!r} is declared twice")
    return code


def hint_of(code: str) -> str:
    """What to do about a code: a sentence, words to be typed in backquotes; "" for a code that is not known."""
    return REGISTRY[code].hint if code in REGISTRY else RESULT_HINTS.get(code, "")


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong input. ``pointer`` is a JSON pointer into the body, or the name of a query parameter or option."""

    pointer: str
    code: str
    detail: str

    def to_json(self) -> dict[str, str]:
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail}


def json_pointer(name: str) -> str:
    """The JSON pointer (RFC 6901) to a member of the body."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


class DomainError(Exception):
    """An expected failure. ``detail`` is shown to people: it never holds a secret or a path of the server.

    Rows of jobs and collections keep it, and it may name what stands in a file: so it is storable.
    """

    code: ClassVar[str] = "internal"
    defers: ClassVar[bool] = False
    """True: nothing went wrong, it is only not the time. The item is deferred, and a retry takes it up."""
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    hint: ClassVar[str] = "Report it with the request id or the incident id; the log has the trace under it."
    """What to do now: the words of docs/errors.md (tested to agree)."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" in cls.__dict__:
            known = REGISTRY.setdefault(cls.code, cls)
            if known is not cls and known.__qualname__ != cls.__qualname__:
                raise TypeError(f"error code {cls.code!r} is taken by {known.__qualname__}")

    def __init__(
        self,
        detail: str = "",
        *,
        errors: tuple[FieldProblem, ...] = (),
        retry_after: int | None = None,
        reset_at: datetime | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self.detail = storable(detail) or self.title
        super().__init__(self.detail)
        self.errors = errors
        self.retry_after = retry_after
        self.reset_at = reset_at
        self.data = dict(data or {})

    @property
    def detail_until(self) -> str:
        """``detail``, and from when on it may be tried again where that is known: what a row of many tells."""
        return f"{self.detail} (reset at {self.reset_at:%Y-%m-%dT%H:%M:%SZ})" if self.reset_at else self.detail


class InvalidParameter(DomainError):
    """A value, a query parameter or an option that means nothing here."""

    code = "invalid_parameter"
    status = 400
    title = "A parameter is not valid"
    hint = "Correct it: the detail says what is allowed."


class UnknownField(DomainError):
    """A name that is no field of the body, no filter and no parameter; the nearest known one is suggested."""

    code = "unknown_field"
    status = 400
    title = "A field is not known"
    hint = "Correct the spelling."


class NotFound(DomainError):
    code = "not_found"
    status = 404
    title = "Not found"
    hint = "Check id and path; there is no trailing slash."


class NotAuthenticated(DomainError):
    code = "not_authenticated"
    status = 401
    title = "Authentication is needed"
    hint = "Send `Authorization: Bearer …`; `manage.py create_token` makes one."


class PermissionDenied(DomainError):
    code = "permission_denied"
    status = 403
    title = "Permission denied"
    hint = "Grant the permission, or use a token of scope `write`."


class MethodNotAllowed(DomainError):
    code = "method_not_allowed"
    status = 405
    title = "Method not allowed"
    hint = "Use one of them."


class NotAcceptable(DomainError):
    """The client takes only formats that there are none of; answers are JSON."""

    code = "not_acceptable"
    status = 406
    title = "No such format"
    hint = "Accept `application/json`."


class UnsupportedMediaType(DomainError):
    code = "unsupported_media_type"
    status = 415
    title = "Unsupported media type"
    hint = "Send `Content-Type: application/json`."


class BodyTooLarge(DomainError):
    code = "body_too_large"
    status = 413
    title = "The request is too large"
    hint = "Send less: several requests, or a `filter` instead of `ids`."


class PreconditionFailed(DomainError):
    """If-Match names a state that is no longer the current one."""

    code = "precondition_failed"
    status = 412
    title = "The object has changed meanwhile"
    hint = "Read the object again, and decide again."


class LeaseLost(DomainError):
    """Another worker took the object over; nothing of this attempt was written."""

    code = "lease_lost"
    status = 409
    title = "The lease was taken over"
    hint = "Look at the other job; retry if it did less."


class JobFinished(DomainError):
    code = "job_finished"
    status = 409
    title = "The job has finished"
    hint = "Nothing; its result stands in the job."


class JobActive(DomainError):
    """The job still runs, so it cannot be retried; or an equal one is on its way."""

    code = "job_active"
    status = 409
    title = "The job is still active"
    hint = "Wait for it, or cancel it."


class NothingToRetry(DomainError):
    code = "nothing_to_retry"
    status = 409
    title = "No item of the job failed or was deferred"
    hint = "Nothing needs doing."


class SentBefore(DomainError):
    """A form that may be sent once was sent again: by a reload, or by a second click."""

    code = "sent_before"
    status = 409
    title = "This form was sent before"
    hint = "Look for what it made then; for another one, open the form anew."


class WorkerLost(DomainError):
    """The process that ran the job died more often than the job may be attempted."""

    code = "worker_lost"
    status = 500
    title = "The worker was lost"
    hint = "Look for the reason (memory, a kill) and retry the job."


class JobTimeout(DomainError):
    code = "job_timeout"
    status = 500
    title = "The job took longer than it may"
    hint = "Retry it; if it stays, look for what is slow in the log."


class Cancelled(DomainError):
    """Somebody asked the job to stop; what was finished before stays."""

    code = "cancelled"
    status = 409
    title = "The job was cancelled"
    hint = "Retry the job to take up the rest."


class LimitExceeded(DomainError):
    """Something is larger than the configured limit."""

    code = "limit_exceeded"
    status = 413
    title = "A limit was exceeded"
    hint = "Narrow it down (a `root_hint`), or raise the limit: docs/configuration.md."


class DiskFull(DomainError):
    code = "disk_full"
    status = 507
    title = "The disk is full"
    hint = "Make room: `SKILLMEAT_MIRROR_MAX_BYTES` bounds the mirrors."


class DatabaseBusy(DomainError):
    """The database was locked longer than the busy timeout; nothing was written."""

    code = "database_busy"
    status = 503
    title = "The database is busy"
    hint = "Try again; if it happens often, use PostgreSQL."
