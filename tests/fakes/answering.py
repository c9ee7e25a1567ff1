"""A loopback web server that gives one answer to everything, or none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answering:
    """What it says, and what it was asked. ``date``: its Date header, its own clock's where None, none where empty."""

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    date: str | None = None
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    @property
    def entry(self) -> str:
        """As a list of allowed hosts spells it."""
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        told: Answering = self.server.told  # type: ignore[attr-defined]
        told.requests.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.send_response_only(told.status)
        date = self.date_time_string() if told.date is None else told.date
        for name, value in ({"Date": date} if date else {}).items() | told.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(told.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told.body)

    do_HEAD = do_GET  # noqa: N815 - the name is the base class's

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def answering(**told: Any) -> Iterator[Answering]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    answer = Answering(port=server.server_address[1], **told)
    server.told = answer  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True).start()
    try:
        yield answer
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def closed_port() -> int:
    """A port where nobody is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
