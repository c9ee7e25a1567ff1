"""Finding blobs in a tar.gz by their ids, while it streams by.

Neither names nor links of the archive are looked at, and nothing is written to disk: a file is what its bytes hash to.
So it does not matter what a hostile archive calls its members. That an archive lacks or rewrites files (attributes
``export-ignore`` and ``export-subst``) shows as blobs that are not found in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import UpstreamInvalid
from skillmeat_site.upstream.gzipped import GunzipStream

_BLOCK = 512
_CHUNK = 256 * 1024
_SIZE = slice(124, 136)
_CHECKSUM = slice(148, 156)
_TYPE = slice(156, 157)
_REGULAR = (b"0", b"\0", b"7")


class ArchivedBlob(NamedTuple):
    """A file of the archive by its id; ``content`` is None where it is larger than asked for."""

    oid: str
    content: bytes | None


def archived_blobs(stream: GunzipStream, *, max_bytes: int, max_members: int) -> Iterator[ArchivedBlob]:
    """Give every regular file of the archive, in its order; those larger than ``max_bytes`` without content.

    Memory holds one file of at most ``max_bytes`` at a time. Raises UpstreamInvalid where the archive is cut off or no
    tar, LimitExceeded where it has more than ``max_members`` members or is larger than the stream allows.
    """
    for _ in range(max_members):
        header = stream.read(_BLOCK)
        if not header.strip(b"\0"):
            return
        size = _size_of(header)
        if header[_TYPE] in _REGULAR:
            yield _read_file(stream, size, max_bytes)
        else:
            stream.skip(size)
        stream.skip(-size % _BLOCK)
    raise LimitExceeded(f"the archive has more than {max_members} members")


def _size_of(header: bytes) -> int:
    """Return the size that a header states. Raises UpstreamInvalid where its checksum says that it is no header."""
    blanked = header[: _CHECKSUM.start] + b" " * 8 + header[_CHECKSUM.stop :]
    try:
        stated = int(header[_CHECKSUM].strip(b"\0 "), 8)
        # Sizes of 8 GiB and more are written in another way; nothing as large is read here.
        size = int(header[_SIZE].strip(b"\0 ") or b"0", 8)
    except ValueError as error:
        raise UpstreamInvalid("the archive is no tar") from error
    if stated != sum(blanked) or size < 0:
        raise UpstreamInvalid("the archive is damaged")
    return size


def _read_file(stream: GunzipStream, size: int, max_bytes: int) -> ArchivedBlob:
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    kept = bytearray()
    left = size
    while left:
        chunk = stream.read(min(left, _CHUNK))
        digest.update(chunk)
        left -= len(chunk)
        if size <= max_bytes:
            kept += chunk
    return ArchivedBlob(digest.hexdigest(), bytes(kept) if size <= max_bytes else None)
