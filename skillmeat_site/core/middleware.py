"""What surrounds every request: an id that stands in every log record and in the answer; what pages may load."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from skillmeat_site.core.metrics import observe_request

log = structlog.get_logger(__name__)

# An id from a proxy is kept, if it is one: it ends up in logs and headers.
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestContextMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if ACCEPTED_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began = time.perf_counter()
        try:
            response = self.get_response(request)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
        seconds = time.perf_counter() - began
        response["X-Request-Id"] = request_id
        match = request.resolver_match
        observe_request(request.method or "", match.route if match else "", response.status_code, seconds)
        log.info(
            "request",
            request_id=request_id,
            method=request.method,
            path=request.path,
            status=response.status_code,
            duration_ms=round(seconds * 1000),
        )
        return response


ADMIN_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


class AdminPolicyMiddleware:
    """Tells browsers that pages of the admin load nothing but this site's own files, and run nothing that is inline.

    The last of three walls around what strangers wrote: it is escaped or sanitised first. The documentation of the API
    is not meant: its viewer starts itself by an inline script.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.resolver_match is not None and request.resolver_match.app_name == "admin":
            response.headers.setdefault("Content-Security-Policy", ADMIN_POLICY)
        return response
