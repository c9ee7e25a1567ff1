"""Small steps on the disk that follow no link, and what the system's errors mean."""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from collections_app.errors import (
    DiskBusy,
    DiskDenied,
    DiskError,
    OtherFileSystem,
    PathBlocked,
    UnsafeLink,
    UnsafePath,
)
from skillmeat_site.core.errors import DiskFull, DomainError, NotFound

logger = logging.getLogger(__name__)

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NOREPLACE, _EXCHANGE = 1, 2

_MEANING: dict[int, type[DomainError]] = {
    errno.ENOSPC: DiskFull,
    errno.EDQUOT: DiskFull,
    errno.EFBIG: DiskFull,
    errno.EACCES: DiskDenied,
    errno.EPERM: DiskDenied,
    errno.EROFS: DiskDenied,
    errno.EXDEV: OtherFileSystem,
    errno.EBUSY: DiskBusy,
    errno.ETXTBSY: DiskBusy,
    errno.ENOTDIR: PathBlocked,
    errno.EISDIR: PathBlocked,
    errno.EEXIST: PathBlocked,
    errno.ENOTEMPTY: PathBlocked,
    errno.ENOENT: NotFound,
    errno.ELOOP: UnsafeLink,
    errno.ENAMETOOLONG: UnsafePath,
}


@contextmanager
def meaning(what: str) -> Iterator[None]:
    """Turn an OSError into the error that says what it means. ``what``: a path relative to its root, for people."""
    try:
        yield
    except OSError as error:
        # What is not there is an answer as often as a fault, and whoever asked tells it: a line for each is noise.
        logger.log(logging.DEBUG if error.errno == errno.ENOENT else logging.INFO, "%s: %s", what, error)
        kind = _MEANING.get(error.errno or 0, DiskError)
        raise kind(f"{what}: {os.strerror(error.errno or errno.EIO)}") from error


def fsync_folder(fd: int) -> None:
    """Make names in an open folder durable; a file system that knows no such thing is taken to do so anyway."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


@contextmanager
def open_folder(root_fd: int, parts: Sequence[str], *, make: list[str] | None = None) -> Iterator[int]:
    """Open a folder below ``root_fd``, part by part, following no link.

    ``make``: missing ones are made, durably, and their paths added to the list *before* each is made. Raises OSError.
    """
    fd = os.dup(root_fd)
    try:
        for depth, part in enumerate(parts, 1):
            try:
                below = os.open(part, FOLDER_FLAGS, dir_fd=fd)
            except FileNotFoundError:
                if make is None:
                    raise
                make.append("/".join(parts[:depth]))
                os.mkdir(part, 0o755, dir_fd=fd)
                fsync_folder(fd)
                below = os.open(part, FOLDER_FLAGS, dir_fd=fd)
            except NotADirectoryError:
                if is_link(part, fd):
                    raise OSError(errno.ELOOP, "a link", part) from None
                raise
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def is_link(name: str, dir_fd: int) -> bool:
    """Whether the name is a symbolic link."""
    found = lstat(name, dir_fd)
    return found is not None and stat.S_ISLNK(found.st_mode)


def lstat(name: str, dir_fd: int) -> os.stat_result | None:
    """What stands at the name itself, None where nothing does."""
    try:
        return os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _find_renameat2() -> Any:
    try:
        return ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None


_renameat2 = _find_renameat2()


def _rename_with(flag: int, source: tuple[int, str], target: tuple[int, str]) -> bool:
    """Rename with a flag of Linux; False where system or file system does not know it."""
    if _renameat2 is None:
        return False
    if _renameat2(source[0], os.fsencode(source[1]), target[0], os.fsencode(target[1]), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), target[1])


def exchange(one: tuple[int, str], other: tuple[int, str]) -> bool:
    """Let two things change places in one instant: (folder fd, name) each. False where the system cannot."""
    return _rename_with(_EXCHANGE, one, other)


def move(source: tuple[int, str], target: tuple[int, str]) -> None:
    """Rename to a name at which nothing may stand: FileExistsError otherwise."""
    if _rename_with(_NOREPLACE, source, target):
        return
    if lstat(target[1], target[0]) is not None:
        raise FileExistsError(errno.EEXIST, "exists", target[1])
    os.rename(source[1], target[1], src_dir_fd=source[0], dst_dir_fd=target[0])


def remove(name: str, dir_fd: int) -> None:
    """Remove a file, link or folder with all in it; nothing there is well. Follows no link. Raises OSError."""
    found = lstat(name, dir_fd)
    if found is None:
        return
    if stat.S_ISDIR(found.st_mode):
        _open_up(name, dir_fd)
        shutil.rmtree(name, dir_fd=dir_fd)
    else:
        os.unlink(name, dir_fd=dir_fd)


def _open_up(name: str, dir_fd: int) -> None:
    """Let the owner write in all folders below: one that was read-only could not be emptied."""
    for _, _, _, fd in os.fwalk(name, dir_fd=dir_fd):
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        if mode & 0o700 != 0o700:
            os.fchmod(fd, mode | 0o700)


def remove_empty(name: str, dir_fd: int) -> bool:
    """Remove a folder if it is empty; whether it is gone."""
    with suppress(OSError):
        os.rmdir(name, dir_fd=dir_fd)
    return lstat(name, dir_fd) is None
