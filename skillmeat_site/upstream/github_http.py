"""One operation's requests to GitHub's API: authorized, bounded, retried where that helps, and nothing decided.

The token goes to the API's own origin and to no other host, port or scheme.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import SplitResult, urlsplit

import requests
from urllib3.exceptions import HTTPError

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.asked import note_api
from skillmeat_site.upstream.budget import Resource, Slot
from skillmeat_site.upstream.errors import HostNotAllowed, UpstreamInvalid, UpstreamRateLimited, UpstreamUnreachable
from skillmeat_site.upstream.github_errors import TRANSIENT, Answer, Refused, Transient, meaning, no_answer
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.gzipped import unpack
from skillmeat_site.upstream.policy import DEFAULT_PORTS, AccessPolicy
from skillmeat_site.upstream.process import Deadline
from skillmeat_site.upstream.quota import rate_limited, read_quota
from skillmeat_site.upstream.tokens import checked_token
from skillmeat_site.upstream.types import Tick, no_tick
from skillmeat_site.upstream.watch import Watch
from skillmeat_site.upstream.watched_http import Credentials, WatchedSession

JSON = "application/vnd.github+json"
_REFUSALS = frozenset({401, 403, 429})
_PROXY_REFUSES = 407
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_ERROR_BYTES = 64 * 1024
"""Of the body of an error: enough for GitHub's own, and of a longer one nobody reads the rest."""
MAX_JSON_BYTES = 1024 * 1024
"""Of an answer that holds no content: GitHub's own are a few kilobytes."""

_CHUNK = 64 * 1024
_SILENCE = 30.0

_Result = TypeVar("_Result")


class GitHubSession:
    """The connection of one operation. To be used as a context manager: leaving it closes every connection.

    Its requests follow one another in one of the budget's slots. They have ``seconds`` altogether from when it is
    taken. Entering raises what ``Budget.slot`` raises.
    """

    _watch: Watch
    _http: WatchedSession
    _slot: Slot

    def __init__(
        self,
        settings: GitHubSettings,
        token: str,
        *,
        seconds: float,
        tick: Tick = no_tick,
        resource: Resource = Resource.CORE,
    ) -> None:
        self._settings, self._resource = settings, resource
        self._seconds, self._tick = seconds, tick
        self._token = checked_token(token)
        self._budget = settings.budgets(token)
        self._held = ExitStack()
        self.api_url = settings.api_url.rstrip("/")

    def __enter__(self) -> Self:
        settings = self._settings
        self._slot = self._held.enter_context(self._budget.slot(self._tick))
        deadline = Deadline(self._seconds)
        self._watch = Watch(deadline, self._beat, slowest=settings.slowest, slow_seconds=settings.slow_seconds)
        self._http = WatchedSession(self._watch)
        return self

    def _beat(self) -> None:
        self._slot.keep()
        self._tick()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        self._held.close()

    @property
    def has_token(self) -> bool:
        return bool(self._token)

    def get(
        self,
        path: str,
        parse: Callable[[bytes], _Result],
        *,
        accept: str = JSON,
        etag: str = "",
        max_bytes: int = MAX_JSON_BYTES,
    ) -> _Result:
        """Return what ``parse`` makes of the answer to ``path``, which follows the API's base.

        A fault that may pass is met by another attempt, a body that ``parse`` refuses (UpstreamInvalid) by one.
        Raises Refused for any status but 200, UpstreamError by kind, LimitExceeded where the body is larger than
        ``max_bytes``.
        """
        return self.attempt(lambda: self._get_once(path, parse, accept, etag, max_bytes))

    def _get_once(
        self, path: str, parse: Callable[[bytes], _Result], accept: str, etag: str, max_bytes: int
    ) -> _Result:
        with self.open(self.api_url + path, accept=accept, etag=etag) as response:
            answer = self.answer_of(response, max_bytes)
        if answer.status == 304 and not etag:
            raise Transient(UpstreamInvalid("the host answers with what it was not asked"), retries=1)
        if answer.status != 200:
            raise Refused(answer)
        try:
            return parse(answer.body)
        except UpstreamInvalid as error:
            raise Transient(error, retries=1) from None

    def post(self, body: bytes, max_bytes: int) -> Answer:
        """Post JSON to the API's base, once. What a 200 means for the budget is left to the caller.

        Raises Transient for what may pass, Refused for any status but 200, UpstreamError by kind, LimitExceeded.
        """
        with self.open(self.api_url, body=body) as response:
            answer = self.answer_of(response, max_bytes)
        if answer.status != 200:
            raise Refused(answer)
        return answer

    def keep_limit(self, headers: Mapping[str, str]) -> UpstreamRateLimited:
        """Tell the budget that an answer with these headers refuses because of a limit, and return the error."""
        error, quota = rate_limited(headers), read_quota(headers)
        used_up = quota.remaining == 0
        return self._budget.limited(self._resource if used_up else Resource.SECONDARY, error)

    def keep_quota(self, headers: Mapping[str, str]) -> None:
        """Tell the budget what an answer says is left."""
        quota = read_quota(headers)
        if quota.remaining is not None:
            self._budget.told(quota)

    def attempt(self, action: Callable[[], _Result]) -> _Result:
        """Do something, and again as long as it fails in a way that may pass, with growing pauses of random length."""
        retry = 0
        while True:
            try:
                return action()
            except Transient as failure:
                most = self._settings.attempts - 1
                if retry >= min(most, failure.retries if failure.retries is not None else most):
                    raise failure.error from None
            # Many workers that failed together should not come back together.
            self._watch.sleep(self._settings.retry_seconds * 2**retry * random.uniform(0.5, 1.5))  # noqa: S311
            retry += 1

    @contextmanager
    def open(
        self, url: str, *, accept: str = JSON, etag: str = "", body: bytes | None = None
    ) -> Iterator[requests.Response]:
        """Ask for a URL and hand out the response before its body is read. Follows no redirect.

        Raises Transient for a status that may pass, what ``no_answer`` makes of none, and what the budget objects to:
        nothing is asked then.
        """
        to_api = self._is_api(urlsplit(url))
        if to_api:
            self._budget.check(self._resource)
            self._slot.count()
        self._watch.begin()
        timeout = (min(self._settings.connect_timeout, self._watch.remaining()), _SILENCE)
        auth = Credentials(self._token if to_api else "")
        note_api()
        try:
            response = self._http.request(
                "GET" if body is None else "POST",
                url,
                data=body,
                headers=self._headers(accept, etag, to_api=to_api),
                auth=auth,
                timeout=timeout,
                stream=True,
                allow_redirects=False,
            )
        except (requests.RequestException, HTTPError) as error:
            self._watch.reraise()
            failure = no_answer(error)
            if to_api and isinstance(failure, UpstreamUnreachable):
                self._budget.unreachable(self._resource, failure)
            raise failure from None
        with response:
            if to_api:
                self._keep_reach(response)
            if to_api and self._token and response.status_code == 401:
                self._settings.on_refused(self._token)
            # What a refusal says of the budget depends on its words, and a query's answer on its body.
            if to_api and body is None and response.status_code not in _REFUSALS:
                self.keep_quota(response.headers)
            if response.status_code in TRANSIENT:
                raise Transient(meaning(Answer(response.status_code, response.headers, b""), had_token=self.has_token))
            yield response

    def _keep_reach(self, response: requests.Response) -> None:
        """Tell the budget whether the host answered, or a proxy before it."""
        if response.status_code == _PROXY_REFUSES:
            self._budget.unreachable(self._resource, UpstreamUnreachable(offline=True))
        else:
            self._budget.reached(self._resource)

    def _headers(self, accept: str, etag: str, *, to_api: bool) -> dict[str, str]:
        headers = {"User-Agent": self._settings.user_agent, "Accept": accept, "Accept-Encoding": "gzip"}
        if to_api:
            headers["X-GitHub-Api-Version"] = self._settings.api_version
        if etag:
            headers["If-None-Match"] = f'"{etag}"'
        return headers

    def answer_of(self, response: requests.Response, max_bytes: int) -> Answer:
        """Read the body of a response: whole, or of an error the first MAX_ERROR_BYTES."""
        status = response.status_code
        if status != 200:
            answer = Answer(status, response.headers, _beginning(self.read(response, MAX_ERROR_BYTES), response))
            refuses = status in _REFUSALS and self._is_api(urlsplit(response.url))
            return self._kept(answer) if refuses else answer
        stated = response.headers.get("Content-Length", "")
        if stated.isdigit() and len(stated) < 19 and int(stated) > max_bytes:
            raise LimitExceeded(f"the answer is larger than {max_bytes} bytes")
        body = bytearray()
        while chunk := self.read(response, _CHUNK):
            body += chunk
            if len(body) > max_bytes:
                raise LimitExceeded(f"the answer is larger than {max_bytes} bytes")
        try:
            return Answer(status, response.headers, _decoded(bytes(body), response, max_bytes))
        except UpstreamInvalid as error:
            raise Transient(error) from None

    def _kept(self, answer: Answer) -> Answer:
        """Tell the budget of a refusal; the answer means from then on what the budget made of it."""
        if answer.status == 401 and self.has_token:
            return answer  # the settings were told of it, and what it says of a limit is not this token's
        if isinstance(meaning(answer, had_token=self.has_token), UpstreamRateLimited):
            return replace(answer, limit=self.keep_limit(answer.headers))
        self.keep_quota(answer.headers)
        return answer

    def read(self, response: requests.Response, size: int) -> bytes:
        """Read up to so many bytes of a body as they are on the wire; none at its end."""
        try:
            chunk: bytes = response.raw.read(size, decode_content=False)
        except (HTTPError, OSError) as error:
            self._watch.reraise()
            raise no_answer(error) from None
        return chunk

    def own_path(self, url: str) -> str | None:
        """Return the path of a URL below the API's base, or None where it lies elsewhere."""
        parts = urlsplit(url)
        base = urlsplit(self.api_url).path
        return parts.path[len(base) :] if self._is_api(parts) and parts.path.startswith(base + "/") else None

    def _is_api(self, parts: SplitResult) -> bool:
        return _origin(parts) == _origin(urlsplit(self.api_url))

    def check_download(self, url: str) -> None:
        """Raise HostNotAllowed unless the settings or the policy let archives be fetched from there."""
        parts = urlsplit(url)
        scheme, host, port = _origin(parts)
        hosts = AccessPolicy(allowed_hosts=self._settings.download_hosts)
        allowed = hosts.lists(scheme, host, port) or self._settings.policy.lists(scheme, host, port)
        if scheme == "ssh" or not (allowed or self._is_api(parts)):
            raise HostNotAllowed("the host redirects to another one, which is not among the allowed hosts")


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    """Return what decides who is asked."""
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or DEFAULT_PORTS.get(parts.scheme)


def _decoded(body: bytes, response: requests.Response, max_bytes: int) -> bytes:
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding in ("identity", ""):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise UpstreamInvalid("the answer is packed in a way that was not asked for")
    return unpack(body, max_bytes)


def _beginning(body: bytes, response: requests.Response) -> bytes:
    """Unpack the body of an error as far as it can be: its status counts also where its words are lost."""
    try:
        return _decoded(body, response, MAX_ERROR_BYTES)
    except (UpstreamInvalid, LimitExceeded):
        return b""
