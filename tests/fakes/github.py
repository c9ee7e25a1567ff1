"""A loopback GitHub: its REST API and git's smart protocol over real bare repositories, codeload on another port.

It counts, has a quota for each token, knows renamed repositories by id, and misbehaves on request. Its JSON answers
are compared with GitHub's own description; what that objects to is in ``violations``.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

from tests.fakes.git_http import Fault, GitHttp
from tests.fakes.github_graphql import PATH as GRAPHQL
from tests.fakes.github_handler import API, GitHubHandler

ANONYMOUS_LIMIT = 60
TOKEN_LIMIT = 5000
WINDOW = 3600
"""Seconds for which a quota lasts."""


@dataclass(frozen=True)
class ApiRequest:
    """One request as the servers saw it. ``kind``: api, graphql, codeload or git."""

    kind: str
    method: str
    path: str
    """With the query; of the API, without its base."""
    headers: dict[str, str]
    """Names in lower case."""
    at: float = 0
    """By the machine's monotonic clock."""


@dataclass
class RepositoryState:
    """What the API says of a repository besides its content. ``path`` is where it lies."""

    id: int
    full_name: str
    path: Path
    private: bool = False
    blocked: str = ""
    """The reason it was taken down for, if it was."""
    readers: frozenset[str] | None = None
    """The tokens that may see it, where not all may."""
    forbidden: bool = False
    """No token may read it, though it can be seen."""
    facts: dict[str, Any] = field(default_factory=lambda: {"archived": False, "disabled": False, "description": None})


@dataclass
class _Scripted:
    pattern: re.Pattern[str]
    fault: Fault
    first: int
    last: float
    seen: int = 0


@dataclass
class GitHub:
    """The servers' state. ``root`` holds bare repositories at ``owner/name.git``."""

    root: Path
    git: GitHttp
    codeload_port: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    """Good tokens with their limits. If there are none, every token is good."""
    clock: Callable[[], float] = time.time
    truncate_at: int = 100_000
    """Entries of a tree after which its listing is cut off."""
    requests: list[ApiRequest] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    """Bodies of what was posted to GraphQL. Faults are looked for in them as well as in paths."""
    violations: list[str] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)
    slowness: float = 0
    """Seconds that every request takes at least."""
    peak: int = 0
    """The most requests that were under way at once, on all ports."""
    plugged_in: bool = True
    """Set to False, as by ``unplug``: nobody listens any more, and what is under way is torn down."""
    _states: list[RepositoryState] = field(default_factory=list)
    _by_name: dict[str, RepositoryState] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: count(1000))
    _old_names: dict[str, int] = field(default_factory=dict)
    _script: list[_Scripted] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _window_end: float = 0
    _busy: int = 0
    _servers: list[_Server] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.git.url

    @property
    def api_url(self) -> str:
        return self.url + API

    @property
    def graphql_url(self) -> str:
        return self.url + GRAPHQL

    @property
    def codeload_host(self) -> str:
        """As a list of allowed hosts spells it."""
        return f"http://127.0.0.1:{self.codeload_port}"

    def on(self, pattern: str, fault: Fault, *, nth: int = 1, times: float = 1) -> None:
        """From the nth request whose path matches on, apply the fault to so many of them."""
        self._script.append(_Scripted(re.compile(pattern), fault, nth, nth + times - 1))

    def always(self, pattern: str, fault: Fault) -> None:
        self.on(pattern, fault, times=float("inf"))

    def behave(self) -> None:
        """Forget all faults."""
        self._script.clear()

    def count(self, action: Callable[[], object]) -> int:
        """Run the action and return how many requests it made."""
        before = len(self.requests)
        action()
        return len(self.requests) - before

    def log(self, kind: str, method: str, path: str, headers: dict[str, str]) -> None:
        self.requests.append(ApiRequest(kind, method, path, headers, time.monotonic()))

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count a request as under way."""
        with self._lock:
            self._busy += 1
            self.peak = max(self.peak, self._busy)
        try:
            if self.slowness:
                time.sleep(self.slowness)
            yield
        finally:
            with self._lock:
                self._busy -= 1

    def unplug(self) -> None:
        """Pull the plug: stop listening. To be called in a thread that serves a request, or in the test's."""
        self.plugged_in = False
        while self._servers:
            server = self._servers.pop()
            server.shutdown()
            server.server_close()

    def plug_in(self) -> None:
        """Come back, at the same ports."""
        self.plugged_in = True
        ports = {"api": self.git.port, "codeload": self.codeload_port}
        self._servers += [_start(self, kind, port) for kind, port in ports.items()]

    def paths(self, kind: str = "") -> list[str]:
        return [request.path for request in self.requests if kind in ("", request.kind)]

    def repository(self, full_name: str) -> RepositoryState | None:
        """Return the repository that has this name now; one found on disk gets an id."""
        with self._lock:
            known = self._by_name.get(full_name.lower())
            if known is not None:
                return known
            for path in (self.root / f"{full_name}.git", self.root / full_name):
                if (path / "HEAD").exists():
                    return self.add(full_name, path)
        return None

    def add(self, full_name: str, path: Path) -> RepositoryState:
        """A repository under a name that its folder does not have: many may share one."""
        state = RepositoryState(next(self._ids), full_name, path)
        self._states.append(state)
        self._by_name[full_name.lower()] = state
        return state

    def by_id(self, number: int) -> RepositoryState | None:
        return next((state for state in self._states if state.id == number), None)

    def moved(self, full_name: str) -> int | None:
        """Return the id of the repository that had this name, if no other has it now."""
        return self._old_names.get(full_name.lower())

    def rename(self, old: str, new: str) -> None:
        """Give a repository another name. The old one leads to its id, also for git, until another takes it."""
        state = self.repository(old)
        assert state is not None
        target = self.root / f"{new}.git"
        target.parent.mkdir(parents=True, exist_ok=True)
        state.path.rename(target)
        del self._by_name[state.full_name.lower()]
        state.full_name, state.path = new, target
        self._by_name[new.lower()] = state
        self._old_names[old.lower()] = state.id
        self.git.moved[f"/{old}"] = f"{self.url}/{new}"

    def rename_only(self, old: str, new: str) -> None:
        """Like ``rename``, for a repository that shares its folder with others; git does not learn of it."""
        state = self._by_name.pop(old.lower())
        state.full_name = new
        self._by_name[new.lower()] = state
        self._old_names[old.lower()] = state.id

    def delete(self, full_name: str) -> None:
        """Forget a repository, though not its folder's name."""
        state = self.repository(full_name)
        assert state is not None
        self._states.remove(state)
        del self._by_name[state.full_name.lower()]
        state.path.rename(state.path.with_suffix(".deleted"))

    def fault_for(self, path: str) -> Fault | None:
        with self._lock:
            for scripted in self._script:
                if scripted.pattern.search(path):
                    scripted.seen += 1
                    if scripted.first <= scripted.seen <= scripted.last:
                        return scripted.fault
        return None

    def limit_of(self, token: str) -> int:
        return self.tokens.get(token, TOKEN_LIMIT) if token else ANONYMOUS_LIMIT

    def purse(self, token: str, resource: str) -> str:
        """Where the use of a resource by a token is counted; of ``core`` under the token itself."""
        return token if resource == "core" else f"{resource} {token}"

    def spend(self, token: str, cost: int, resource: str = "core") -> bool:
        """Take from the quota of a token (empty = anonymous), and tell whether there was enough."""
        purse = self.purse(token, resource)
        with self._lock:
            if self.clock() >= self._window_end:
                self._window_end = self.clock() + WINDOW
                self.used.clear()
            if self.used.get(purse, 0) + cost > self.limit_of(token):
                return False
            self.used[purse] = self.used.get(purse, 0) + cost
            return True

    def quota_headers(self, token: str, resource: str = "core") -> dict[str, str]:
        limit, used = self.limit_of(token), self.used.get(self.purse(token, resource), 0)
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(limit - used),
            "X-RateLimit-Used": str(used),
            "X-RateLimit-Reset": str(int(self._window_end)),
            "X-RateLimit-Resource": resource,
        }


class _Server(ThreadingHTTPServer):
    """One port of a GitHub."""

    daemon_threads = True

    def __init__(self, hub: GitHub, kind: str, port: int) -> None:
        super().__init__(("127.0.0.1", port), GitHubHandler)
        self.hub, self.git, self.kind = hub, hub.git, kind

    def handle_error(self, request: object, client_address: object) -> None:
        """Be quiet about clients that hang up; tell of everything else as a violation."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError | ValueError):
            self.hub.violations.append(repr(error))


def _start(hub: GitHub, kind: str, port: int = 0) -> _Server:
    server = _Server(hub, kind, port)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True).start()
    return server


@contextmanager
def serve_github(root: Path) -> Iterator[GitHub]:
    """Run a GitHub for the repositories below ``root``. Fails afterwards if an answer was none of GitHub's."""
    hub = GitHub(root, GitHttp(root=root))
    hub._servers += [_start(hub, "api"), _start(hub, "codeload")]
    hub.git.port, hub.codeload_port = (server.server_address[1] for server in hub._servers)
    try:
        yield hub
    finally:
        hub.git.stopping.set()
        hub.unplug()
    assert not hub.violations, hub.violations
