"""A ``requests`` session whose every read of the network goes past a Watch, and that decides nothing by itself.

A read timeout only bounds the silence between two bytes. Here the wait for the status line, for headers and for each
part of a body is cut into slices, so that deadline, pace and tick hold in all of them.
"""

from __future__ import annotations

import io
import socket
from functools import partial
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import wait_for_read

from skillmeat_site.upstream.watch import Watch

__all__ = ["Credentials", "WatchedSession"]


class _WatchedReader(io.RawIOBase):
    """The socket's side of a response."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, watch: Watch) -> None:
        super().__init__()
        self._raw, self._socket, self._watch = raw, sock, watch

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._watch.wait(self._ready)
        count: int | None = self._raw.readinto(buffer)
        self._watch.received(count or 0)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()

    def _ready(self, seconds: float) -> bool:
        # TLS may have decrypted more than was read, and then nothing arrives at the socket.
        pending = getattr(self._socket, "pending", None)
        return bool(pending and pending()) or wait_for_read(self._socket, seconds)


class _WatchedResponse(HTTPResponse):
    """A response of the standard library that reads through a Watch."""

    def __init__(self, sock: socket.socket, *args: Any, watch: Watch, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp: io.BufferedReader = io.BufferedReader(_WatchedReader(self.fp.detach(), sock, watch))


class _WatchedAdapter(HTTPAdapter):
    """Gives every connection, direct or by a proxy, responses that read through the Watch."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if "response_class" not in vars(pool.ConnectionCls):
            watched = staticmethod(partial(_WatchedResponse, watch=self._watch))
            pool.ConnectionCls = type("WatchedConnection", (pool.ConnectionCls,), {"response_class": watched})
        return pool


class Credentials(AuthBase):
    """A token, or explicitly none: without this, requests would look for a password in a ``.netrc``."""

    def __init__(self, token: str = "") -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class WatchedSession(requests.Session):
    """Follows no redirect, keeps no cookie, and takes proxies and certificates from the environment."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.auth = Credentials()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, _WatchedAdapter(watch))

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Name none: requests would read the whole body of a redirect, however long it is."""
        return None
