"""What stands in a project's folder, looked at without following a single link, and without writing anything."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from collections_app.domain.deploy_plan import ABSENT, Found, Presence
from collections_app.errors import PathBlocked, SpecialFile, UnsafeLink, UnsafePath
from collections_app.store.content_ids import DEFAULT_LIMITS, Content, Limits
from collections_app.store.content_on_disk import content_at
from collections_app.store.disk import FOLDER_FLAGS, lstat, meaning, open_folder
from skillmeat_site.core.errors import LimitExceeded

MAX_DOCUMENT = 16 * 1024 * 1024
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class ProjectDisk:
    """A project's folder, opened. Paths are relative to it, with slashes."""

    def __init__(self, folder: Path, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._folder = folder
        self._limits = limits
        self._fd = -1

    def __enter__(self) -> Self:
        """Raises ``not_found``, ``path_blocked``, ``unsafe_link``, ``disk_denied``."""
        with meaning(self._folder.name):
            self._fd = os.open(self._folder, FOLDER_FLAGS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def look(self, path: str) -> Found:
        """What is at the path, and its content id; none for what has no id (links that lead out, ``.git`` inside).

        Raises ``disk_denied`` and ``changed_on_disk`` (being written to) where it cannot be told.
        """
        *folders, name = path.split("/")
        with meaning(path):
            try:
                with open_folder(self._fd, folders) as fd:
                    return self._look(fd, name)
            except FileNotFoundError:
                return ABSENT
            except NotADirectoryError:
                return Found(Presence.BLOCKED)
            except OSError as error:
                if error.errno == errno.ELOOP:
                    return Found(Presence.LINKED_PARENT)
                raise

    def _look(self, dir_fd: int, name: str) -> Found:
        found = lstat(name, dir_fd)
        if found is None:
            return ABSENT
        if stat.S_ISLNK(found.st_mode):
            return Found(Presence.LINK)
        if not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)):
            return Found(Presence.SPECIAL)
        oid = None
        with suppress(UnsafeLink, UnsafePath, SpecialFile, LimitExceeded):
            content = content_at(dir_fd, name, limits=self._limits)
            oid = content.oid if content else None
        return Found(Presence.DIRECTORY if stat.S_ISDIR(found.st_mode) else Presence.FILE, oid)

    def content(self, path: str) -> Content | None:
        """The files of what is at the path, links told and none followed; None where nothing is.

        Raises ``unsafe_link`` (something on the way), ``path_blocked``, ``unsafe_path`` (``.git`` inside),
        ``special_file``, ``limit_exceeded``, ``disk_denied``, ``changed_on_disk``.
        """
        *folders, name = path.split("/")
        with meaning(path):
            try:
                with open_folder(self._fd, folders) as fd:
                    return content_at(fd, name, limits=self._limits, any_links=True)
            except FileNotFoundError:
                return None

    def read(self, path: str) -> bytes | None:
        """The bytes of a small file, None where nothing is. ``MAX_DOCUMENT`` is the most.

        Raises ``unsafe_link`` (it, or something on the way), ``path_blocked`` (no file, or no folder on the way),
        ``limit_exceeded``, ``disk_denied``.
        """
        *folders, name = path.split("/")
        with meaning(path):
            try:
                with open_folder(self._fd, folders) as fd:
                    return self._read(fd, name, path)
            except FileNotFoundError:
                return None

    def _read(self, dir_fd: int, name: str, path: str) -> bytes:
        with open(os.open(name, _FLAGS, dir_fd=dir_fd), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PathBlocked(f"{path}: a file is due there")
            data = file.read(MAX_DOCUMENT + 1)
        if len(data) > MAX_DOCUMENT:
            raise LimitExceeded(f"{path} is larger than {MAX_DOCUMENT} bytes")
        return data

    def entries(self, path: str) -> list[tuple[str, bool]]:
        """The names in a folder, sorted, and whether each is a folder; links and special files are left out.

        Empty where there is no such folder, or a link on the way. Raises ``disk_denied``.
        """
        with meaning(path):
            try:
                with open_folder(self._fd, path.split("/")) as fd, os.scandir(fd) as found:
                    return sorted(
                        (entry.name, entry.is_dir(follow_symlinks=False))
                        for entry in found
                        if not entry.is_symlink()
                        and (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False))
                    )
            except (FileNotFoundError, NotADirectoryError):
                return []
            except OSError as error:
                if error.errno == errno.ELOOP:
                    return []
                raise

    def permissions(self, path: str) -> int | None:
        """The mode bits of a file, so that a new version of it keeps them; None where nothing is."""
        *folders, name = path.split("/")
        with meaning(path):
            try:
                with open_folder(self._fd, folders) as fd:
                    found = lstat(name, fd)
            except FileNotFoundError:
                return None
        return None if found is None else stat.S_IMODE(found.st_mode) & 0o777
