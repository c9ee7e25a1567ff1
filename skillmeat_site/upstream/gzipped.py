"""Unpacking gzip that somebody else packed: bounded, and whole or refused."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import UpstreamInvalid

_GZIP = zlib.MAX_WBITS | 16
_CHUNK = 64 * 1024


def unpack(body: bytes, max_bytes: int) -> bytes:
    """Return what is packed in ``body``.

    Raises UpstreamInvalid where it is cut off, damaged or followed by something, LimitExceeded where it is larger than
    ``max_bytes``; no more than that is ever in memory.
    """
    decoder = zlib.decompressobj(wbits=_GZIP)
    try:
        unpacked = decoder.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise UpstreamInvalid("the answer is not valid gzip") from error
    if len(unpacked) > max_bytes:
        raise LimitExceeded(f"the answer is larger than {max_bytes} bytes")
    # Without its trailer a gzip stream looks whole, though its checksum was never compared.
    if not decoder.eof or decoder.unused_data:
        raise UpstreamInvalid("the answer is cut off")
    return unpacked


class GunzipStream:
    """Unpacks a stream as it is read. ``read_packed`` gives up to so many bytes, and none at the end."""

    def __init__(self, read_packed: Callable[[int], bytes], *, max_packed: int, max_bytes: int) -> None:
        self._read_packed = read_packed
        self._decoder = zlib.decompressobj(wbits=_GZIP)
        self._packed_left, self._left = max_packed, max_bytes
        self._waiting = b""

    def read(self, size: int) -> bytes:
        """Return exactly ``size`` bytes.

        Raises UpstreamInvalid where the stream ends before or is damaged, LimitExceeded where it is larger than
        allowed, packed or unpacked.
        """
        parts, missing = [], size
        while missing:
            part = self._some(missing)
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes. Raises what ``read`` raises."""
        while size:
            size -= len(self._some(min(size, _CHUNK)))

    def _some(self, most: int) -> bytes:
        """Return at least one byte and at most ``most``."""
        while True:
            try:
                # Also with nothing to feed: what was fed before may give more than was asked for then.
                part = self._decoder.decompress(self._waiting, most)
            except zlib.error as error:
                raise UpstreamInvalid("the archive is not valid gzip") from error
            self._waiting = self._decoder.unconsumed_tail
            if part:
                self._left -= len(part)
                if self._left < 0:
                    raise LimitExceeded("the archive is larger than allowed when unpacked")
                return part
            if self._decoder.eof:
                raise UpstreamInvalid("the archive is cut off")
            self._waiting = self._waiting or self._more()

    def _more(self) -> bytes:
        packed = self._read_packed(_CHUNK)
        if not packed:
            raise UpstreamInvalid("the archive is cut off")
        self._packed_left -= len(packed)
        if self._packed_left < 0:
            raise LimitExceeded("the archive is larger than allowed")
        return packed
