"""Telling a running server that collections have changed on its disk, so that it indexes them anew.

A courtesy: it takes a bounded time, follows no redirect, and whatever goes wrong is a sentence, never an exception.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote

import requests
from urllib3.exceptions import HTTPError

from skillmeat_site.core.errors import DomainError
from skillmeat_site.upstream.bounded import all_within
from skillmeat_site.upstream.errors import UpstreamAuth, UpstreamInvalid, UpstreamTimeout
from skillmeat_site.upstream.process import Deadline
from skillmeat_site.upstream.tokens import checked_token
from skillmeat_site.upstream.types import no_tick
from skillmeat_site.upstream.watch import Watch
from skillmeat_site.upstream.watched_http import Credentials, WatchedSession

ONE_SECONDS = 3.0
ALL_SECONDS = 10.0
MAX_ANSWER = 1024 * 1024
_CHUNK = 16 * 1024
_BASE = "/api/v1/user-collections"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """``url``: where it answers, without ``/api``. ``token``: of scope ``write``; "" for none."""

    url: str
    token: str = ""
    one_seconds: float = ONE_SECONDS
    all_seconds: float = ALL_SECONDS

    def tell(self, changed: Collection[str]) -> str:
        """Ask the server to index a collection anew, or all of them where more than one has changed.

        Returns "" if it did, else one line that says what went wrong; it holds no secret. A whole call takes 3 s at
        most, for all collections 10 s, however the server drips its answer.
        """
        if not changed:
            return ""
        slug = next(iter(changed)) if len(changed) == 1 else None
        path = f"{_BASE}/refresh-cache" if slug is None else f"{_BASE}/{quote(slug, safe='')}/refresh-cache"
        seconds = self.all_seconds if slug is None else self.one_seconds
        [outcome] = all_within(seconds, [lambda: self._ask(path, seconds)])
        if isinstance(outcome, UpstreamTimeout):
            return self._warning(f"it took longer than {seconds:g} s")
        if isinstance(outcome, UpstreamAuth):
            return self._warning("SKILLMEAT_API_TOKEN holds characters that no token has")
        if isinstance(outcome, DomainError):
            return self._warning("it cannot be reached")
        return self._warning(_meaning(outcome)) if not 200 <= outcome < 300 else ""

    def _ask(self, path: str, seconds: float) -> int:
        """The status of the answer, once the whole of it is here. Raises DomainError for none."""
        watch = Watch(Deadline(seconds), no_tick, slowest=0, slow_seconds=seconds)
        credentials = Credentials(checked_token(self.token))
        with WatchedSession(watch) as session:
            try:
                with session.post(
                    f"{self.url.rstrip('/')}{path}", json={}, auth=credentials, timeout=watch.remaining(),
                    stream=True, allow_redirects=False,
                ) as response:  # fmt: skip
                    _read(response)
                    return response.status_code
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                if isinstance(error, requests.exceptions.Timeout):
                    raise UpstreamTimeout from None
                raise UpstreamInvalid from None

    def _warning(self, reason: str) -> str:
        host = self.url.partition("://")[2].partition("/")[0].rpartition("@")[2]
        return f"warning: the server at {host} was not told of the change: {reason}"


def _read(response: requests.Response) -> None:
    """Wait for the end of the answer: before it the server may not be done. One that is too long is not read on."""
    size = 0
    while chunk := response.raw.read(_CHUNK, decode_content=False):
        size += len(chunk)
        if size > MAX_ANSWER:
            return


def _meaning(status: int) -> str:
    if status == 401:
        return "it refuses the token (401, SKILLMEAT_API_TOKEN)"
    if status == 403:
        return "the token may not do that (403, SKILLMEAT_API_TOKEN)"
    if 300 <= status < 400:
        return f"it redirects elsewhere ({status}); correct SKILLMEAT_API_URL"
    return f"it answered {status}"
