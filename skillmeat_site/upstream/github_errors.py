"""What an answer of GitHub's API means that is not the one asked for: by status, headers and message together.

A 403 alone is a limit, a missing permission or a repository that was taken down. Nothing of an answer is handed on
but words that are listed here: every detail is our own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from skillmeat_site.core.errors import DomainError, PermissionDenied
from skillmeat_site.upstream.errors import (
    UpstreamAuth,
    UpstreamBlocked,
    UpstreamError,
    UpstreamInvalid,
    UpstreamNotFound,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from skillmeat_site.upstream.quota import rate_limited

TRANSIENT = frozenset({500, 502, 503, 504})
_REASONS = frozenset({"dmca", "tos", "sensitive_data", "trademark"})
LIMIT_WORDS = ("rate limit", "abuse detection")
_PERMISSION_WORDS = ("resource not accessible", "must have", "saml", "not have permission", "forbids access")


class UpstreamForbidden(UpstreamError, PermissionDenied):
    """The token is good and does not reach this repository; its code is ``permission_denied``."""

    title = "The token may not read this repository"


class Transient(Exception):
    """Internal: a failure that may be over at the next attempt; ``error`` is what it means if it is not."""

    def __init__(self, error: DomainError, *, retries: int | None = None) -> None:
        super().__init__(str(error))
        self.error, self.retries = error, retries


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. ``headers`` finds names in any case; ``body`` is unpacked, and of errors only the beginning.

    ``limit``: what a refusal means by the ledger, whose wait may be longer than the one in the headers.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    limit: UpstreamRateLimited | None = None

    def document(self) -> Mapping[str, Any]:
        """Return the body as a JSON object, or an empty one where it is something else."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    def says(self, *words: str) -> bool:
        """Tell whether the message holds one of the words (in lower case)."""
        message = str(self.document().get("message", "")).lower()
        return any(word in message for word in words)


class Refused(Exception):
    """Internal: an answer other than 200. ``meaning`` makes the error of it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.status))
        self.answer = answer


def meaning(answer: Answer, *, had_token: bool) -> DomainError:
    """Return the error that an answer other than 200 means."""
    status = answer.status
    if answer.limit is not None:
        return answer.limit
    if status == 401:
        return UpstreamAuth("GitHub refused the token" if had_token else "GitHub asks for a token")
    if status == 451 or (status == 403 and (answer.document().get("block") or answer.says("access blocked"))):
        return _blocked(answer)
    if status in (403, 429):
        return _limit_or_permission(answer)
    if status in (404, 410):
        hint = "" if had_token else " and needs a token"
        return UpstreamNotFound(f"there is no such repository, or it is private{hint}")
    if status == 407:
        return UpstreamUnreachable("the proxy asks for credentials (407)", offline=True)
    if status in TRANSIENT and status != 500:
        return UpstreamUnreachable(f"the host is not serving at the moment ({status})")
    return UpstreamInvalid(f"the host answered with status {status}")


def _blocked(answer: Answer) -> UpstreamBlocked:
    block = answer.document().get("block")
    reason = str(block.get("reason", "")) if isinstance(block, dict) else ""
    if reason not in _REASONS:
        return UpstreamBlocked()
    return UpstreamBlocked(f"The repository was taken down ({reason})", data={"reason": reason})


def _limit_or_permission(answer: Answer) -> UpstreamRateLimited | UpstreamForbidden:
    """A permission is missing for good, so its words count more than a quota that happens to be used up."""
    headers = answer.headers
    if answer.status == 429 or answer.says(*LIMIT_WORDS):
        return rate_limited(headers)
    if "x-github-sso" in headers:
        return UpstreamForbidden("the token has to be authorized for the organization (SAML)")
    if not answer.says(*_PERMISSION_WORDS) and (
        headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    ):
        return rate_limited(headers)
    return UpstreamForbidden()


def no_answer(error: Exception) -> DomainError | Transient:
    """Return what it means that no answer came. The text of ``error`` is not handed on: it may hold a secret URL."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return UpstreamUnreachable("no connection to the host in time", offline=True)
    if isinstance(error, requests.exceptions.Timeout | ReadTimeoutError):
        return UpstreamTimeout("the host was too slow")
    if isinstance(error, requests.exceptions.SSLError):
        return UpstreamUnreachable("no secure connection to the host", offline=True)
    if isinstance(error, requests.exceptions.ProxyError):
        return UpstreamUnreachable("the proxy gives no connection", offline=True)
    if isinstance(error, requests.exceptions.ConnectionError):
        broken = any(isinstance(cause, ProtocolError) for cause in error.args)
        if broken:
            return Transient(UpstreamUnreachable("the connection broke"))
        # A host that cannot be reached at all is not there a second later either.
        return UpstreamUnreachable("no connection to the host", offline=True)
    if isinstance(error, requests.exceptions.RequestException):
        return UpstreamInvalid("the host answers with something that is no HTTP")
    return Transient(UpstreamInvalid("the answer ended too early"))
