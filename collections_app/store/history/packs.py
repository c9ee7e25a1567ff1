"""Writing many objects as one pack file, and reading which objects a pack holds.

A snapshot writes one pack: two durable files instead of one per object, a tenth of the space of loose files, and
nothing that a reader could see before it is whole. Every pack has a name of its own, never one derived from what it
holds: a maintenance that removes a pack it once listed can then never remove one that was written since.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from collections_app.store.history.errors import HistoryDamaged, unwritable
from collections_app.store.history.repository import fsync_folder
from collections_app.store.history.trees import object_id

_TYPES = {"commit": 1, "tree": 2, "blob": 3}
_CHUNK = 1024 * 1024
_INDEX_MAGIC = b"\377tOc\0\0\0\2"
_FAR = 0x80000000
TEMPORARY = "tmp_"
"""What the name of an unfinished file begins with; git's own, so that git sweeps them too."""


def new_pack_name() -> str:
    return f"pack-{secrets.token_hex(20)}"


class PackWriter:
    """Collects objects in a temporary file; ``close`` puts them in place, ``abandon`` removes them.

    A context manager: an error abandons. Nothing is readable before ``close`` returned, everything durable after it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = new_pack_name()
        self._path = folder / f"{TEMPORARY}{self._name}"
        self._file: BinaryIO | None = None
        self._entries: dict[str, tuple[int, int]] = {}

    def __enter__(self) -> PackWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def __contains__(self, oid: str) -> bool:
        return oid in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, kind: str, body: bytes, oid: str = "") -> str:
        """Take an object (``oid``, where the caller knows it already) unless it is here, and return its id."""
        oid = oid or object_id(kind, body)
        if oid not in self._entries:
            file, start = self._begin()
            entry = _entry_header(kind, len(body)) + zlib.compress(body, 6)
            self._write(file, entry)
            self._entries[oid] = (start, zlib.crc32(entry))
        return oid

    def add_stream(self, source: BinaryIO, size: int, oid: str) -> None:
        """Take a file's bytes without loading them. Raises OSError, and takes nothing, where they are not ``oid``."""
        file, start = self._begin()
        digest = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
        packer = zlib.compressobj(6)
        piece = _entry_header("blob", size)
        checksum = 0
        while True:
            self._write(file, piece)
            checksum = zlib.crc32(piece, checksum)
            if not (chunk := source.read(_CHUNK)):
                break
            digest.update(chunk)
            piece = packer.compress(chunk)
        piece = packer.flush()
        self._write(file, piece)
        if digest.hexdigest() != oid:
            file.seek(start)
            file.truncate()
            raise OSError("the file changed while it was read")
        self._entries[oid] = (start, zlib.crc32(piece, checksum))

    def close(self) -> None:
        """Put the pack in place, durably; nothing at all where nothing was added."""
        if self._file is None:
            return
        try:
            checksum = self._seal(self._file)
            self._file.close()
            index = self._folder / f"{TEMPORARY}{self._name}.idx"
            write_durably(index, pack_index(self._entries, checksum))
            # Readers look for the index, so the pack itself comes first.
            place_pack(self._path, index, self._folder, self._name)
        except OSError as error:
            self.abandon()
            raise unwritable(error) from error

    def abandon(self) -> None:
        """Remove what was written."""
        if self._file is not None:
            # Closing flushes, and fails once more on a full disk.
            with contextlib.suppress(OSError):
                self._file.close()
        self._path.unlink(missing_ok=True)
        (self._folder / f"{TEMPORARY}{self._name}.idx").unlink(missing_ok=True)

    def _begin(self) -> tuple[BinaryIO, int]:
        if self._file is None:
            # Not read by others before the rename; 0444 as git's own.
            try:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
            except OSError as error:
                raise unwritable(error) from error
            self._file = os.fdopen(descriptor, "w+b")
            self._write(self._file, b"PACK" + struct.pack(">II", 2, 0))
        return self._file, self._file.tell()

    def _write(self, file: BinaryIO, data: bytes) -> None:
        """Not an OSError where it fails: that would read as if the source could not be read."""
        try:
            file.write(data)
        except OSError as error:
            raise unwritable(error) from error

    def _seal(self, file: BinaryIO) -> bytes:
        """Write the count and the checksum, which covers the count and so needs another reading."""
        file.seek(8)
        file.write(struct.pack(">I", len(self._entries)))
        file.seek(0)
        digest = hashlib.sha1(usedforsecurity=False)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())
        return digest.digest()


def _entry_header(kind: str, size: int) -> bytes:
    header = bytearray()
    byte = (_TYPES[kind] << 4) | (size & 15)
    size >>= 4
    while size:
        header.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    header.append(byte)
    return bytes(header)


def pack_index(entries: dict[str, tuple[int, int]], checksum: bytes) -> bytes:
    """Return the index (version 2) of a pack: offset and CRC of each object by id."""
    oids = sorted(entries)
    counts = [0] * 256
    for oid in oids:
        counts[int(oid[:2], 16)] += 1
    fan_out, seen = [], 0
    for count in counts:
        seen += count
        fan_out.append(seen)
    far = [offset for oid in oids if (offset := entries[oid][0]) >= _FAR]
    near = []
    for oid in oids:
        offset = entries[oid][0]
        near.append(offset if offset < _FAR else _FAR | far.index(offset))
    body = b"".join(
        (
            _INDEX_MAGIC,
            struct.pack(">256I", *fan_out),
            bytes.fromhex("".join(oids)),
            struct.pack(f">{len(oids)}I", *(entries[oid][1] for oid in oids)),
            struct.pack(f">{len(oids)}I", *near),
            struct.pack(f">{len(far)}Q", *far),
            checksum,
        )
    )
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def packed_objects(index: Path) -> Iterator[str]:
    """Yield the ids of the objects in a pack, from its index. Raises HistoryDamaged where it is none."""
    data = index.read_bytes()
    if data[:8] != _INDEX_MAGIC or len(data) < 1032 + 40:
        raise HistoryDamaged("a pack's index cannot be read")
    (count,) = struct.unpack(">I", data[1028:1032])
    oids = data[1032 : 1032 + 20 * count].hex()
    for start, end in pairwise(range(0, 40 * count + 1, 40)):
        yield oids[start:end]


def write_durably(path: Path, data: bytes) -> None:
    """Write a new file, read-only as git's own."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def place_pack(pack: Path, index: Path, folder: Path, name: str) -> None:
    """Rename a whole pack and its index to their names, durably, the index last: readers look for that."""
    pack.rename(folder / f"{name}.pack")
    index.rename(folder / f"{name}.idx")
    fsync_folder(folder)
