"""A real git server on loopback: ``git http-backend`` behind a threaded HTTP server that counts and misbehaves.

Faults are functions of the request: they answer it themselves and return True, or let it through with False.
"""

from __future__ import annotations

import base64
import gzip
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """One request as the server saw it."""

    method: str
    path: str
    query: str
    authorization: str
    sent: int
    """Bytes of the answer's body that left the server before this request was logged (0 for faults)."""


Fault = Callable[["Handler"], bool]


def status(code: int, body: str = "no", **headers: str) -> Fault:
    """Answer every request with this status. Header names are written with underscores."""

    def fault(handler: Handler) -> bool:
        handler.answer(code, body.encode(), {name.replace("_", "-"): value for name, value in headers.items()})
        return True

    return fault


HANGS = 60
"""Seconds that ``hang`` keeps a client waiting. Who gave up by itself took less than half of it, on any machine."""


def hang(handler: Handler) -> bool:
    """Never answer, until the server stops."""
    handler.git.stopping.wait(HANGS)
    handler.close_connection = True
    return True


def drop(handler: Handler) -> bool:
    """Close the connection without a word."""
    handler.close_connection = True
    return True


def drip(handler: Handler) -> bool:
    """Send an answer that never ends, a byte at a time."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
    handler.end_headers()
    while not handler.git.stopping.wait(0.1):
        handler.wfile.write(b"0")
    handler.close_connection = True
    return True


def cut_packs(handler: Handler) -> bool:
    """Let everything through but cut the answers to POST requests in half."""
    if handler.command == "POST":
        handler.cut = True
    return False


@dataclass
class GitHttp:
    """The server. ``root`` holds bare repositories at ``owner/name.git`` or ``owner/name``."""

    root: Path
    token: str = ""
    """If set, requests without it as Basic password are answered 401, as a private repository's host does."""
    fault: Fault | None = None
    moved: dict[str, str] = field(default_factory=dict)
    """Paths of repositories (``/owner/name``) that answer 301, with the URL they moved to."""
    config: dict[str, str] = field(
        default_factory=lambda: {"uploadpack.allowFilter": "true", "uploadpack.allowAnySHA1InWant": "true"}
    )
    protocol: bool = True
    """Whether the client's ``Git-Protocol`` header is heard; without it the server speaks version 0."""
    requests: list[Request] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, action: Callable[[], object]) -> int:
        """Run the action and return how many requests it made."""
        before = len(self.requests)
        action()
        return len(self.requests) - before


class Handler(BaseHTTPRequestHandler):
    """Passes requests to ``git http-backend``, a CGI program."""

    protocol_version = "HTTP/1.1"
    cut = False

    @property
    def git(self) -> GitHttp:
        return self.server.git  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the log is ``GitHttp.requests``."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        authorization = self.headers.get("Authorization", "")
        body = self._body()
        self.git.requests.append(Request(self.command, parts.path, parts.query, authorization, len(body)))
        if self.git.fault and self.git.fault(self):
            return
        if self.git.token and not self._authorized(authorization):
            self.answer(401, b"private", {"WWW-Authenticate": 'Basic realm="git"'})
            return
        for old, new in self.git.moved.items():
            if parts.path.startswith(old + "/"):
                self.answer(301, b"", {"Location": f"{new}{parts.path[len(old) :]}?{parts.query}"})
                return
        self._backend(parts.path, parts.query, body)

    do_POST = do_GET  # noqa: N815 - the name is the base class's

    def answer(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _authorized(self, authorization: str) -> bool:
        expected = base64.b64encode(f"x-access-token:{self.git.token}".encode()).decode()
        return authorization == f"Basic {expected}"

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b"".join(self._chunks())
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _backend(self, path: str, query: str, body: bytes) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_CONFIG_COUNT": str(len(self.git.config) + 1),
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        for index, (key, value) in enumerate(self.git.config.items(), start=1):
            environment[f"GIT_CONFIG_KEY_{index}"], environment[f"GIT_CONFIG_VALUE_{index}"] = key, value
        if self.git.protocol:
            environment["GIT_PROTOCOL"] = self.headers.get("Git-Protocol", "")
        done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=environment, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        code = int(headers.pop("Status", "200").split()[0])
        self._send(code, headers, content)

    def _send(self, code: int, headers: dict[str, str], content: bytes) -> None:
        if not self.cut:
            self.answer(code, content, headers)
            return
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True


@contextmanager
def serve(root: Path, *, token: str = "") -> Iterator[GitHttp]:
    """Run a server for the repositories below ``root``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    git = GitHttp(root=root, token=token, port=server.server_address[1])
    server.git = git  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
    thread.start()
    try:
        yield git
    finally:
        git.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait for the condition, and tell whether it came."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
