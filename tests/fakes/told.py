"""A loopback server that is told of changes: it answers well, badly, slowly, or by drips."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Told:
    """What it answers, and what it was told. ``wait``: seconds before the answer; ``drips``: bytes, one each 0.1 s."""

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0
    drips: int = 0
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [path for _, path, _, _ in self.requests]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        told: Told = self.server.told  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        told.requests.append((self.command, self.path, headers, body))
        told.done.wait(told.wait)
        self.send_response_only(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(told.drips or 2))
        self.end_headers()
        for _ in range(told.drips):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.1)
            if told.done.is_set():
                return
        if not told.drips:
            self.wfile.write(b"{}")

    do_GET = do_POST  # noqa: N815 - the name is the base class's

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """Whoever went away does not matter."""


@contextmanager
def told(**answer: object) -> Iterator[Told]:
    server = _Server(("127.0.0.1", 0), _Handler)
    state = Told(port=server.server_address[1], **answer)  # type: ignore[arg-type]
    server.told = state  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True).start()
    try:
        yield state
    finally:
        state.done.set()
        server.shutdown()
        server.server_close()
