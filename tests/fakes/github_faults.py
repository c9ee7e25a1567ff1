"""What may go wrong between GitHub and a client. A fault answers and returns True, or prepares and returns False."""

from __future__ import annotations

import gzip
import socket
import struct
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from tests.fakes.git_http import Fault, drop, hang, status

if TYPE_CHECKING:
    from tests.fakes.git_http import Handler

__all__ = [
    "cut_body",
    "cut_chunk",
    "cut_gzip",
    "drop",
    "endless",
    "gzip_bomb",
    "hang",
    "mangled",
    "reset",
    "status",
    "trickle",
    "unplug",
]

Mangle = Callable[["Handler", int, bytes, dict[str, str]], None]


def _sending(mangle: Mangle) -> Fault:
    """Let the request be answered, and send the answer in this way."""

    def fault(handler: Handler) -> bool:
        handler.mangle = mangle  # type: ignore[attr-defined]
        return False

    return fault


def mangled(change: Callable[[bytes], bytes]) -> Fault:
    """Answer with a changed body, unpacked."""

    def send(handler: Handler, code: int, body: bytes, headers: dict[str, str]) -> None:
        plain = gzip.decompress(body) if headers.pop("Content-Encoding", "") else body
        handler.send_plainly(code, change(plain), headers)  # type: ignore[attr-defined]

    return _sending(send)


def reset(handler: Handler) -> bool:
    """Tear the connection down (RST) instead of answering."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True
    return True


def unplug(handler: Handler) -> bool:
    """The server goes away in the middle of a request: this connection is torn down, and nobody listens any more."""
    handler.hub.unplug()  # type: ignore[attr-defined]
    return reset(handler)


def _start(handler: Handler, code: int, headers: dict[str, str], **more: str) -> None:
    handler.send_response(code)
    for name, value in {**headers, **more}.items():
        handler.send_header(name, value)
    handler.end_headers()


def _cut_body(handler: Handler, code: int, body: bytes, headers: dict[str, str]) -> None:
    _start(handler, code, headers, **{"Content-Length": str(len(body))})
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def _cut_chunk(handler: Handler, code: int, body: bytes, headers: dict[str, str]) -> None:
    _start(handler, code, headers, **{"Transfer-Encoding": "chunked"})
    handler.wfile.write(f"{len(body):x}\r\n".encode() + body[: len(body) // 2])
    handler.close_connection = True


def _cut_gzip(handler: Handler, code: int, body: bytes, headers: dict[str, str]) -> None:
    """A gzip stream without its trailer, of the right length: most clients take it for whole."""
    packed = body if headers.get("Content-Encoding") else gzip.compress(body)
    handler.send_plainly(code, packed[:-8], {**headers, "Content-Encoding": "gzip"})  # type: ignore[attr-defined]


def _trickle(handler: Handler, code: int, body: bytes, headers: dict[str, str]) -> None:
    _start(handler, code, headers, **{"Content-Length": str(len(body))})
    for byte in body:
        if handler.git.stopping.wait(0.05):
            break
        handler.wfile.write(bytes([byte]))
    handler.close_connection = True


@cache
def _bomb() -> bytes:
    return gzip.compress(b" " * 60_000_000, 1)


def _gzip_bomb(handler: Handler, code: int, body: bytes, headers: dict[str, str]) -> None:
    handler.send_plainly(code, _bomb(), {**headers, "Content-Encoding": "gzip"})  # type: ignore[attr-defined]


def _endless(handler: Handler, code: int, body: bytes, headers: dict[str, str]) -> None:
    _start(handler, code, {name: value for name, value in headers.items() if name != "Content-Encoding"})
    while not handler.git.stopping.is_set():
        handler.wfile.write(b" " * 65536)
    handler.close_connection = True


cut_body = _sending(_cut_body)
cut_chunk = _sending(_cut_chunk)
cut_gzip = _sending(_cut_gzip)
trickle = _sending(_trickle)
gzip_bomb = _sending(_gzip_bomb)
endless = _sending(_endless)
