"""What is in a collection: its two files, and the artifacts found on disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from collections_app.domain.lockfile import LOCK_NAME, Lock, parse_lock
from collections_app.domain.manifest import MANIFEST_NAME, ArtifactRecord, Manifest, parse_manifest
from collections_app.domain.names import FOLDERS, artifact_at, check_relative, collision_key
from collections_app.domain.toml_fields import MAX_BYTES
from collections_app.domain.types import ArtifactKind, ArtifactRef, Problem
from collections_app.errors import ManifestInvalid, PathBlocked, UnsafeLink, UnsafePath
from collections_app.store.content_ids import DEFAULT_LIMITS, Content, Limits, blob_oid
from collections_app.store.content_on_disk import content_at
from collections_app.store.disk import FOLDER_FLAGS, lstat, meaning, open_folder
from collections_app.store.stat_cache import StatCache
from skillmeat_site.core.errors import DomainError, LimitExceeded, NotFound

_NAMESPACE_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Found:
    """An artifact: on disk, in the manifest, or both.

    ``record`` None: not in the manifest (added by hand). ``content`` None: ``problem`` says why (``not_found``: the
    manifest names it and it is gone). ``path`` relative to the collection.
    """

    ref: ArtifactRef
    path: str
    record: ArtifactRecord | None = None
    content: Content | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """The two files of a collection. The ids are blob ids, None for a file that is missing (``raw`` is empty then)."""

    manifest: Manifest | None
    lock: Lock
    raw_manifest: bytes
    raw_lock: bytes
    manifest_oid: str | None
    lock_oid: str | None


@dataclass(frozen=True, slots=True)
class CollectionOnDisk:
    """A collection, read. ``artifacts`` by type and name, each once; ``problems`` are those of no single artifact."""

    files: Files
    artifacts: tuple[Found, ...]
    problems: tuple[Problem, ...] = ()


def read_collection(
    folder: Path, *, limits: Limits = DEFAULT_LIMITS, cache: StatCache | None = None, with_lock: bool = True
) -> CollectionOnDisk:
    """Read manifest and lock, find the artifacts on disk, compute each one's content id once.

    Without ``with_lock`` the lock reads as a missing one: parsing it is a third of the work.

    Raises ``not_found`` (no folder), ``manifest_invalid`` (either file), ``disk_denied``. What concerns one artifact
    is a row instead. Records of unknown types stay in the manifest and get no row.
    """
    with _opened(folder) as fd:
        files = _read_files(fd, with_lock=with_lock)
        reader = _Reader(fd, str(folder), limits, cache)
        return reader.read(files)


def read_files(folder: Path, *, known: Files | None = None) -> Files:
    """Only manifest and lock. Raises as ``read_collection``; a missing folder reads as empty.

    ``known``: an earlier reading, which is given back where not a byte has changed: parsing takes longer than reading.
    """
    try:
        with _opened(folder) as fd:
            return _read_files(fd, known=known)
    except NotFound:
        return Files(None, Lock(), b"", b"", None, None)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    with meaning(folder.name):
        if folder.is_symlink():
            raise UnsafeLink(f"{folder.name} is a link")
        fd = os.open(folder, FOLDER_FLAGS)
    try:
        yield fd
    finally:
        os.close(fd)


def _read_files(fd: int, *, with_lock: bool = True, known: Files | None = None) -> Files:
    raw_manifest, raw_lock = _read(fd, MANIFEST_NAME), _read(fd, LOCK_NAME) if with_lock else None
    if known is not None and (raw_manifest or b"", raw_lock or b"") == (known.raw_manifest, known.raw_lock):
        return known
    return Files(
        manifest=None if raw_manifest is None else parse_manifest(raw_manifest),
        lock=Lock() if raw_lock is None else parse_lock(raw_lock),
        raw_manifest=raw_manifest or b"",
        raw_lock=raw_lock or b"",
        manifest_oid=None if raw_manifest is None else blob_oid(raw_manifest),
        lock_oid=None if raw_lock is None else blob_oid(raw_lock),
    )


def _read(dir_fd: int, name: str) -> bytes | None:
    with meaning(name):
        found = lstat(name, dir_fd)
        if found is None:
            return None
        if not stat.S_ISREG(found.st_mode):
            raise ManifestInvalid(f"{name} is no file")
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=dir_fd)
        with open(fd, "rb") as file:
            return file.read(MAX_BYTES + 1)


class _Reader:
    """Reads the artifacts of one collection."""

    def __init__(self, fd: int, place: str, limits: Limits, cache: StatCache | None) -> None:
        self.fd = fd
        self.place = place
        self.limits = limits
        self.cache = cache
        self.problems: list[Problem] = []

    def read(self, files: Files) -> CollectionOnDisk:
        found: dict[ArtifactRef, Found] = {}
        paths: set[str] = set()
        for record in files.manifest.records if files.manifest else ():
            if record.ref.kind is not None:
                row = self.recorded(record, record.ref.kind)
                found[row.ref] = row
                paths.add(row.path)
        for path in self.on_disk():
            if path not in paths:
                self.added(path, found)
        self.collisions(found)
        return CollectionOnDisk(files, tuple(found[ref] for ref in sorted(found)), tuple(self.problems))

    def recorded(self, record: ArtifactRecord, kind: ArtifactKind) -> Found:
        path = record.path.rstrip("/")
        try:
            content = self.content(path, kind)
        except DomainError as error:
            return Found(record.ref, path, record, None, Problem(error.code, error.detail, path))
        return Found(record.ref, path, record, content)

    def content(self, path: str, kind: ArtifactKind) -> Content:
        *folders, name = check_relative(path)
        prefix = "/".join((self.place, *folders))
        with meaning(path), open_folder(self.fd, folders) as fd:
            content = content_at(fd, name, limits=self.limits, cache=self.cache, prefix=prefix)
        if content is None:
            raise NotFound(f"{path}: nothing is there")
        if content.is_folder != kind.is_folder:
            raise PathBlocked(f"{path}: a {'folder' if kind.is_folder else 'file'} is due there")
        return content

    def added(self, path: str, found: dict[ArtifactRef, Found]) -> None:
        try:
            ref = artifact_at(path)
        except DomainError as error:
            self.problems.append(Problem(error.code, error.detail, path))
            return
        if ref is None or ref.kind is None:
            return
        if ref in found:
            detail = f"{ref} is another path in {MANIFEST_NAME}: {found[ref].path[:200]!a}"
            self.problems.append(Problem(PathBlocked.code, detail, path))
            return
        try:
            content = self.content(path, ref.kind)
        except DomainError as error:
            found[ref] = Found(ref, path, None, None, Problem(error.code, error.detail, path))
            return
        if content.files:
            found[ref] = Found(ref, path, None, content)

    def on_disk(self) -> Iterator[str]:
        """Paths at which artifacts may stand: not hidden, of the right shape and suffix."""
        for kind, folder in FOLDERS.items():
            depth = _NAMESPACE_DEPTH if kind in (ArtifactKind.COMMAND, ArtifactKind.AGENT) else 1
            yield from self.below(folder, kind, depth)

    def below(self, path: str, kind: ArtifactKind, depth: int) -> Iterator[str]:
        try:
            with meaning(path), open_folder(self.fd, path.split("/")) as fd:
                entries = sorted(os.scandir(fd), key=lambda entry: entry.name)
                rows = [(entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink()) for entry in entries]
        except NotFound:
            return
        except DomainError as error:
            self.problems.append(Problem(error.code, error.detail, path))
            return
        for name, is_folder, is_link in rows:
            inner = f"{path}/{name}"
            if name.startswith("."):
                continue
            if kind.is_folder or not is_folder:
                if is_folder or is_link or not kind.is_folder:
                    yield inner
            elif depth > 1:
                yield from self.below(inner, kind, depth - 1)
            elif depth == 1 and kind in (ArtifactKind.COMMAND, ArtifactKind.AGENT):
                detail = f"namespaces more than {_NAMESPACE_DEPTH} deep"
                self.problems.append(Problem(LimitExceeded.code, detail, inner))

    def collisions(self, found: dict[ArtifactRef, Found]) -> None:
        seen: dict[str, Found] = {}
        for row in found.values():
            other = seen.setdefault(collision_key(row.path), row)
            if other is not row:
                detail = f"{other.path[:200]!a} and {row.path[:200]!a} are one path on some file systems"
                self.problems.append(Problem(UnsafePath.code, detail, row.path))
