"""What went wrong, from git's words: its exit code says no more than that something did.

Git runs with LC_ALL=C, so its sentences are stable; and with a trace of HTTP headers, so statuses are read as numbers.
Nothing of either is handed on: every detail below is written here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from skillmeat_site.core.errors import DiskFull, DomainError
from skillmeat_site.upstream.errors import (
    UpstreamAuth,
    UpstreamBlocked,
    UpstreamInvalid,
    UpstreamNotFound,
    UpstreamRateLimited,
    UpstreamRefNotFound,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from skillmeat_site.upstream.types import RepositoryAddress

MAX_RETRY_AFTER = 7200
"""Seconds: what a host asks for beyond this is not believed."""

_HEADER = re.compile(r"^[\d:.]+ http\.c:\d+\s+<= Recv header: (?!HTTP/)([A-Za-z0-9-]+):[ \t]*(.*?)\s*$")
_STATUS = re.compile(r"^[\d:.]+ http\.c:\d+\s+<= Recv header: HTTP/[\d.]+ (\d{3})\b")
_NOT_THERE = re.compile(r"(?:not our ref|unadvertised object) ([0-9a-f]{40})")
_TRACE = re.compile(r"^[\d:.]+ http\.c:\d+")


class MirrorSuspect(UpstreamInvalid):
    """Git failed in a way that a damaged mirror would explain: worth one more try with a fresh one."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status and headers (names in lower case) of the last answer in a trace; status 0 where there was none."""

    status: int
    headers: dict[str, str]


def last_answer(stderr: str) -> HttpAnswer:
    """Read the last HTTP answer out of git's trace."""
    status = 0
    headers: dict[str, str] = {}
    for line in stderr.splitlines():
        started = _STATUS.match(line)
        if started:
            status, headers = int(started[1]), {}
            continue
        header = _HEADER.match(line)
        if header:
            headers[header[1].lower()] = header[2]
    return HttpAnswer(status, headers)


def words(stderr: str) -> str:
    """Return what git itself said, without the trace."""
    return "\n".join(line for line in stderr.splitlines() if not _TRACE.match(line))


def _offline(detail: str, **more: Any) -> UpstreamUnreachable:
    return UpstreamUnreachable(detail, offline=True, **more)


# In order: the first that is found decides. Compared with git's words in lower case.
_SENTENCES: tuple[tuple[Callable[..., DomainError], str, tuple[str, ...]], ...] = (
    (
        DiskFull,
        "the disk that holds the mirrors is full; make room, or lower SKILLMEAT_MIRROR_MAX_BYTES",
        ("no space left on device", "disk quota exceeded"),
    ),
    (
        UpstreamRefNotFound,
        "the repository has no such commit",
        ("not our ref", "couldn't find remote ref", "unadvertised object", "no such remote ref"),
    ),
    (
        _offline,
        "the name of the host does not resolve",
        ("could not resolve host", "could not resolve hostname", "name or service not known"),
    ),
    (
        _offline,
        "no secure connection to the host",
        ("ssl certificate", "certificate verif", "gnutls", "ssl connect", "ssl_error", "host key verification failed"),
    ),
    (UpstreamTimeout, "the host was too slow", ("operation too slow", "timed out", "operation timed out")),
    (
        UpstreamAuth,
        "the host refused the credentials",
        ("authentication failed", "permission denied (", "could not read password", "invalid credentials"),
    ),
    (
        _offline,
        "no connection to the host",
        (
            *("connection refused", "failed to connect", "couldn't connect", "could not connect"),
            *("network is unreachable", "no route to host", "proxy"),
        ),
    ),
    (
        UpstreamUnreachable,
        "no connection to the host",
        ("empty reply", "connection reset", "connection closed by"),
    ),
    (
        UpstreamNotFound,
        "there is no such repository, or it is private",
        ("not found", "does not appear to be a git repository", "no such file or directory", "does not exist"),
    ),
    (
        UpstreamInvalid,
        "the answer ended too early",
        (
            "early eof",
            "rpc failed",
            "unexpected disconnect",
            "unexpectedly",
            "hung up",
            "expected flush",
            "protocol error",
        ),
    ),
    (
        UpstreamInvalid,
        "the host does not speak git's smart protocol",
        ("dumb http transport", "not valid: is this a git repository", "invalid server response"),
    ),
    (UpstreamInvalid, "git's own check refused what the host sent", ("fsck error", "in packed object: ")),
)


def classify(stderr: str, address: RepositoryAddress, *, had_token: bool) -> DomainError:
    """Return the error that a failed call of git means.

    UpstreamRefNotFound carries the ids that the host named as missing, as ``data["oids"]``.
    """
    answer = last_answer(stderr)
    said = words(stderr).lower()
    if answer.status >= 400:
        return _by_status(answer, had_token=had_token)
    if "could not read username" in said:
        return _refused(had_token=had_token)
    for kind, detail, signs in _SENTENCES:
        if any(sign in said for sign in signs):
            data = {"oids": _NOT_THERE.findall(said)} if kind is UpstreamRefNotFound else None
            return kind(f"{detail} ({address.host})" if address.host else detail, data=data)
    return MirrorSuspect("git could not make sense of the answer")


def _by_status(answer: HttpAnswer, *, had_token: bool) -> DomainError:
    status, retry_after = answer.status, read_retry_after(answer.headers)
    if status == 429 or (status == 403 and (retry_after or answer.headers.get("x-ratelimit-remaining") == "0")):
        return UpstreamRateLimited("the host asks for a pause", retry_after=retry_after)
    if status == 401:
        return _refused(had_token=had_token)
    if status == 403:
        return UpstreamAuth("the host denies access to the repository (403)")
    if status in (404, 410):
        return UpstreamNotFound("there is no such repository, or it is private")
    if status == 451:
        return UpstreamBlocked()
    if status == 407:
        return UpstreamUnreachable("the proxy asks for credentials (407)", offline=True)
    if status in (502, 503, 504):
        return UpstreamUnreachable(f"the host is not serving at the moment ({status})", retry_after=retry_after)
    return UpstreamInvalid(f"the host answered with status {status}")


def _refused(*, had_token: bool) -> DomainError:
    """GitHub answers a missing repository with a request for credentials: without a token nobody can tell which."""
    if had_token:
        return UpstreamAuth("the host refused the token")
    return UpstreamNotFound("there is no such repository, or it is private and needs a token")


def read_retry_after(headers: Mapping[str, str]) -> int | None:
    """Read a Retry-After header, seconds or a date by the host's own clock, as seconds from now. None if neither.

    The result is within 1 and MAX_RETRY_AFTER.
    """
    text = headers.get("retry-after", "")
    try:
        seconds = int(text) if text.isascii() and text.isdigit() else _seconds_until(text, server_time(headers))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(1, min(seconds, MAX_RETRY_AFTER))


def server_time(headers: Mapping[str, str]) -> datetime:
    """Return the time by the server's clock, or by ours where it does not tell."""
    try:
        return _moment(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return datetime.now(UTC)


def _seconds_until(text: str, now: datetime) -> int:
    return math.ceil((_moment(text) - now).total_seconds())


def _moment(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
