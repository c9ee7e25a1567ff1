"""Domain errors: a stable code, an HTTP status and data. Pure Python, so that every room may raise them.

An error is raised where it is understood and turned into HTTP (``core.api.problems``), an exit code
(``core.management.base``) or a message (``core.admin``) in exactly one place each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

REGISTRY: dict[str, type[DomainError]] = {}
"""Every code that the faces can answer, with the class that carries it. Documented in docs/errors.md."""


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
    """An expected failure. ``detail`` is shown to people: it never holds a secret or a path of the server."""

    code: ClassVar[str] = "internal"
    defers: ClassVar[bool] = False
    """True: nothing went wrong, it is only not the time. The item is deferred, and a retry takes it up."""
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

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
        super().__init__(detail or self.title)
        self.detail = detail or self.title
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


class UnknownField(DomainError):
    """A name that is no field of the body, no filter and no parameter; the nearest known one is suggested."""

    code = "unknown_field"
    status = 400
    title = "A field is not known"


class NotFound(DomainError):
    code = "not_found"
    status = 404
    title = "Not found"


class NotAuthenticated(DomainError):
    code = "not_authenticated"
    status = 401
    title = "Authentication is needed"


class PermissionDenied(DomainError):
    code = "permission_denied"
    status = 403
    title = "Permission denied"


class MethodNotAllowed(DomainError):
    code = "method_not_allowed"
    status = 405
    title = "Method not allowed"


class NotAcceptable(DomainError):
    """The client takes only formats that there are none of; answers are JSON."""

    code = "not_acceptable"
    status = 406
    title = "No such format"


class UnsupportedMediaType(DomainError):
    code = "unsupported_media_type"
    status = 415
    title = "Unsupported media type"


class BodyTooLarge(DomainError):
    code = "body_too_large"
    status = 413
    title = "The request is too large"


class PreconditionFailed(DomainError):
    """If-Match names a state that is no longer the current one."""

    code = "precondition_failed"
    status = 412
    title = "The object has changed meanwhile"


class LeaseLost(DomainError):
    """Another worker took the object over; nothing of this attempt was written."""

    code = "lease_lost"
    status = 409
    title = "The lease was taken over"


class JobFinished(DomainError):
    code = "job_finished"
    status = 409
    title = "The job has finished"


class JobActive(DomainError):
    """The job still runs, so it cannot be retried; or an equal one is on its way."""

    code = "job_active"
    status = 409
    title = "The job is still active"


class NothingToRetry(DomainError):
    code = "nothing_to_retry"
    status = 409
    title = "No item of the job failed or was deferred"


class WorkerLost(DomainError):
    """The process that ran the job died more often than the job may be attempted."""

    code = "worker_lost"
    status = 500
    title = "The worker was lost"


class JobTimeout(DomainError):
    code = "job_timeout"
    status = 500
    title = "The job took longer than it may"


class Cancelled(DomainError):
    """Somebody asked the job to stop; what was finished before stays."""

    code = "cancelled"
    status = 409
    title = "The job was cancelled"


class LimitExceeded(DomainError):
    """Something is larger than the configured limit."""

    code = "limit_exceeded"
    status = 413
    title = "A limit was exceeded"


class DiskFull(DomainError):
    code = "disk_full"
    status = 507
    title = "The disk is full"


class DatabaseBusy(DomainError):
    """The database was locked longer than the busy timeout; nothing was written."""

    code = "database_busy"
    status = 503
    title = "The database is busy"
