"""Errors as ``application/problem+json`` (RFC 9457). The only place where an error becomes HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import set_rollback

from skillmeat_site.core import errors
from skillmeat_site.core.errors import DomainError, FieldProblem, json_pointer
from skillmeat_site.core.jobs.failures import as_domain_error
from skillmeat_site.core.redaction import redact

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPE_BASE = "https://skillmeat.invalid/problems/"
"""A stable identifier, not an address: RFC 9457 lets a type be one that cannot be fetched."""

_BY_STATUS: dict[int, type[DomainError]] = {
    400: errors.InvalidParameter,
    401: errors.NotAuthenticated,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    406: errors.NotAcceptable,
    413: errors.BodyTooLarge,
    415: errors.UnsupportedMediaType,
}


def problem(error: DomainError, request_id: str) -> dict[str, Any]:
    """The body of an answer, also printed by commands and kept by nobody."""
    body: dict[str, Any] = {
        "type": TYPE_BASE + error.code,
        "title": error.title,
        "status": error.status,
        "detail": redact(error.detail),
        "code": error.code,
        "errors": [entry.to_json() for entry in error.errors],
        "request_id": request_id,
    }
    body |= {name: value for name, value in error.data.items() if name not in body}
    if error.retry_after is not None:
        body["retry_after"] = error.retry_after
    if error.reset_at is not None:
        body["reset_at"] = error.reset_at.isoformat().replace("+00:00", "Z")
    return body


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> Response:
    """Turn whatever a view raised into a problem. A bug becomes 500 with the request id; the trace is in the log."""
    set_rollback()
    request = context.get("request")
    request_id = getattr(request, "request_id", "") if request is not None else ""
    error = to_domain_error(exception)
    if error is None:
        log.exception("request.bug", exc_info=exception)
        error = DomainError("An unexpected error occurred. The log tells more under the request id.")
    if request is not None:  # whatever the view else answers with, a problem is JSON
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    response = Response(problem(error, request_id), status=error.status, content_type=CONTENT_TYPE)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        response["WWW-Authenticate"] = getattr(exception, "auth_header", None) or 'Bearer realm="skillmeat"'
    if isinstance(exception, exceptions.MethodNotAllowed):
        view = context.get("view")
        response["Allow"] = ", ".join(getattr(view, "allowed_methods", []))
    return response


def to_domain_error(exception: BaseException) -> DomainError | None:
    """The domain error for an exception of ours, of Django or of REST framework; None for a bug."""
    if isinstance(exception, Http404):
        return errors.NotFound()
    if isinstance(exception, DjangoPermissionDenied):
        return errors.PermissionDenied()
    if isinstance(exception, RequestDataTooBig):
        return errors.BodyTooLarge()
    if isinstance(exception, exceptions.ValidationError):
        return _validation_error(exception)
    if isinstance(exception, exceptions.APIException):
        kind = _BY_STATUS.get(exception.status_code, DomainError)
        return kind(str(exception.detail))
    return as_domain_error(exception)


def _validation_error(exception: exceptions.ValidationError) -> DomainError:
    found = tuple(_flatten(exception.detail, ""))
    kind = errors.UnknownField if any(entry.code == "unknown_field" for entry in found) else errors.InvalidParameter
    detail = "; ".join(f"{entry.pointer.lstrip('/') or 'body'}: {entry.detail}" for entry in found[:5])
    return kind(detail, errors=found)


def _flatten(detail: Any, pointer: str) -> Iterator[FieldProblem]:
    """REST framework nests details by field name and, for lists, by index (a list, or since 3.18 a dict)."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else json_pointer(str(name))
            yield from _flatten(inner, pointer + step)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from _flatten(inner, f"{pointer}/{index}" if nested else pointer)
    else:
        code = getattr(detail, "code", "invalid")
        yield FieldProblem(pointer, code if code == "unknown_field" else f"{code}", str(detail))


def _plain(request: HttpRequest, error: DomainError) -> JsonResponse:
    body = problem(error, getattr(request, "request_id", ""))
    return JsonResponse(body, status=error.status, content_type=CONTENT_TYPE)


@csrf_exempt  # whatever the method, the answer is the same
def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """For paths below /api that no view serves."""
    return _plain(request, errors.NotFound("There is no such path."))
