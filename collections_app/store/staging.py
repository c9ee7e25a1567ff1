"""New content, written beside its target, whole and verified before anything is swapped."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from collections_app.domain.names import check_relative, collision_key
from collections_app.domain.types import FileMode
from collections_app.errors import SpecialFile, UnsafePath
from collections_app.store.checkpoints import checkpoint
from collections_app.store.content_ids import (
    DEFAULT_LIMITS,
    NO_LIMITS,
    Content,
    Limits,
    Tally,
    blob_oid,
    check_links,
    tree_oid,
)
from collections_app.store.content_on_disk import content_at, content_of
from collections_app.store.disk import FOLDER_FLAGS, fsync_folder, lstat, meaning, open_folder, remove
from skillmeat_site.upstream.errors import ContentMismatch

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_Write = Callable[[int, str], None]
_PERMISSIONS = {FileMode.FILE: 0o644, FileMode.EXECUTABLE: 0o755}


class NewFile(NamedTuple):
    """A file to be. ``path`` is relative to the artifact; ``data`` of a link is its target."""

    path: str
    data: bytes
    mode: FileMode = FileMode.FILE


class Staged(NamedTuple):
    """Staged content, as it was read back from the disk. ``path`` is relative to the transaction's root."""

    path: str
    content: Content

    @property
    def oid(self) -> str:
        """Its content id, as git has it."""
        return self.content.oid


class Stage:
    """The staging folder of one disk transaction. Files and folders are on the disk (fsync) when a method returns."""

    def __init__(self, root_fd: int, folder: str, place: Path) -> None:
        self._root_fd = root_fd
        self._place = place
        self._folder = folder
        self._count = 0

    def add_folder(
        self, files: Iterable[NewFile], *, expected_oid: str | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> Staged:
        """Stage a folder with these files; nothing of it stays if this raises.

        Raises ``unsafe_path`` (also paths that differ only in case, or that are file and folder at once),
        ``unsafe_link``, ``special_file``, ``limit_exceeded``, ``content_mismatch`` (not ``expected_oid``),
        ``disk_full``, ``disk_denied``.
        """

        def write(fd: int, name: str) -> None:
            os.mkdir(name, 0o755, dir_fd=fd)
            folder = os.open(name, FOLDER_FLAGS, dir_fd=fd)
            try:
                _write_folder(folder, files, limits)
            finally:
                os.close(folder)

        return self._add(write, expected_oid, limits)

    def add_file(
        self,
        data: bytes,
        *,
        expected_oid: str | None = None,
        executable: bool = False,
        permissions: int | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Staged:
        """Stage a single file; raises as ``add_folder``. ``permissions``: other than the usual ones."""
        Tally(limits).add("", len(data))
        mode = FileMode.EXECUTABLE if executable else FileMode.FILE
        bits = _PERMISSIONS[mode] if permissions is None else permissions
        return self._add(lambda fd, name: _write_file(fd, name, data, bits), expected_oid, limits)

    def add_copy(self, source: Path, *, expected_oid: str | None = None, limits: Limits = DEFAULT_LIMITS) -> Staged:
        """Stage a copy of a file or folder on disk; raises as ``add_folder`` and ``content_of``."""
        content = content_of(source, limits=limits)
        if expected_oid not in (None, content.oid):
            raise ContentMismatch(f"{source.name} is {content.oid}, not {expected_oid}")
        files = _read_files(source, content)
        if content.is_folder:
            return self.add_folder(files, expected_oid=content.oid, limits=limits)
        only = next(files)
        executable = only.mode is FileMode.EXECUTABLE
        return self.add_file(only.data, expected_oid=content.oid, executable=executable, limits=limits)

    def add_made(self, make: Callable[[Path], None], *, expected_oid: str) -> Staged:
        """Stage what ``make`` writes at the path it is given, durably: a file, a link or a folder.

        For giving back what was there before, exactly: links that leave it and a large size are no reason to refuse.
        Raises ``content_mismatch`` and what ``make`` raises.
        """
        return self._add(
            lambda fd, name: make(self._place / self._folder / name), expected_oid, NO_LIMITS, any_links=True
        )

    def _add(self, write: _Write, expected_oid: str | None, limits: Limits, *, any_links: bool = False) -> Staged:
        name = str(self._count)
        self._count += 1
        with meaning("staging"), open_folder(self._root_fd, self._folder.split("/")) as fd:
            try:
                checkpoint(f"staging:{name}")
                write(fd, name)
                _fsync_folders(fd, name)
                content = content_at(fd, name, limits=limits, any_links=any_links)
                assert content is not None
                if expected_oid not in (None, content.oid):
                    raise ContentMismatch(f"the content is {content.oid}, not {expected_oid}")
            except BaseException:
                remove(name, fd)
                raise
        checkpoint(f"staged:{name}")
        return Staged(f"{self._folder}/{name}", content)


class _Paths:
    """The paths of one folder so far: each once, also where letter case does not count."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}  # collision key → the path; a folder's ends in "/"

    def add(self, path: str) -> tuple[str, ...]:
        parts = check_relative(path)
        for depth in range(1, len(parts)):
            self._add(f"{'/'.join(parts[:depth])}/", path, again=True)
        self._add(path, path, again=False)
        return parts

    def _add(self, prefix: str, path: str, *, again: bool) -> None:
        key = collision_key(prefix.rstrip("/"))
        known = self._known.get(key)
        if known is not None and not (again and known == prefix):
            raise UnsafePath(f"{path!a} and {known!a} cannot stand beside each other on every file system")
        self._known[key] = prefix


class _Checked:
    """What every file of a folder has to keep to, and all of them together."""

    def __init__(self, limits: Limits) -> None:
        self._paths, self._tally = _Paths(), Tally(limits)
        self.links: dict[str, str] = {}

    def add(self, file: NewFile) -> tuple[str, ...]:
        """The parts of the file's path."""
        parts = self._paths.add(file.path)
        self._tally.add(file.path, len(file.data))
        if file.mode == FileMode.SYMLINK:
            self.links[file.path] = os.fsdecode(file.data)
        elif file.mode not in _PERMISSIONS:
            raise SpecialFile(f"{file.path!a} has the mode {file.mode}")
        return parts


def check_folder(files: Iterable[NewFile], *, expected_oid: str, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raise what ``Stage.add_folder`` would raise for these files, whatever the disk; write nothing."""
    checked = _Checked(limits)
    rows = []
    for file in files:
        checked.add(file)
        rows.append((file.path, file.mode, blob_oid(file.data)))
    check_links(checked.links)
    oid = tree_oid(rows)
    if oid != expected_oid:
        raise ContentMismatch(f"the content is {oid}, not {expected_oid}")


def _write_folder(fd: int, files: Iterable[NewFile], limits: Limits) -> None:
    """Write files, links last, so that none is there yet that a path could lead through."""
    checked = _Checked(limits)
    for file in files:
        parts = checked.add(file)
        if file.mode != FileMode.SYMLINK:
            with open_folder(fd, parts[:-1], make=[]) as folder:
                _write_file(folder, parts[-1], file.data, _PERMISSIONS[file.mode])
    check_links(checked.links)
    for path, target in checked.links.items():
        *folders, name = path.split("/")
        with open_folder(fd, folders, make=[]) as folder:
            os.symlink(target, name, dir_fd=folder)


def _write_file(dir_fd: int, name: str, data: bytes, permissions: int) -> None:
    fd = os.open(name, _NEW_FILE, 0o600, dir_fd=dir_fd)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        os.fchmod(fd, permissions)
        os.fsync(fd)
    finally:
        os.close(fd)


def _fsync_folders(dir_fd: int, name: str) -> None:
    """Make every folder from ``name`` down durable, and the entry of ``name`` itself."""
    found = lstat(name, dir_fd)
    if found is not None and stat.S_ISDIR(found.st_mode):
        for _, _, _, fd in os.fwalk(name, topdown=False, dir_fd=dir_fd):
            fsync_folder(fd)
    fsync_folder(dir_fd)


def _read_files(source: Path, content: Content) -> Iterator[NewFile]:
    """The files of what was read just now, one by one; what changed meanwhile, the id of the copy tells."""
    with meaning(source.name):
        fd = os.open(source if content.is_folder else source.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for entry in content.files:
            *folders, name = (entry.path or source.name).split("/")
            with meaning(entry.path), open_folder(fd, folders) as folder:
                yield NewFile(entry.path, _bytes_of(folder, name, entry.mode), entry.mode)
    finally:
        os.close(fd)


def _bytes_of(dir_fd: int, name: str, mode: FileMode) -> bytes:
    if mode is FileMode.SYMLINK:
        return os.fsencode(os.readlink(name, dir_fd=dir_fd))
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=dir_fd)
    with open(fd, "rb") as file:
        return file.read()
