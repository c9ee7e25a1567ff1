"""Directories for tests of the history: made from plain data, and read back to it."""

from __future__ import annotations

import os
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def later(**delta: float) -> datetime:
    return NOW + timedelta(**delta)


def write(root: Path, files: dict[str, bytes | str | None]) -> None:
    """Bytes are files, text is the target of a link, None deletes; a path that ends with ``*`` is executable."""
    for name, content in files.items():
        path = root / name.rstrip("*")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.is_file():
            path.unlink()
        if isinstance(content, bytes):
            path.write_bytes(content)
            path.chmod(0o755 if name.endswith("*") else 0o644)
        elif isinstance(content, str):
            path.symlink_to(content)


def state(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and link below a folder: mode and bytes."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in [*files, *folders]:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                found[os.path.relpath(path, root)] = (mode, os.fsencode(os.readlink(path)))
            elif stat.S_ISREG(mode):
                with open(path, "rb") as file:
                    found[os.path.relpath(path, root)] = (mode, file.read())
    return found


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments],
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"], "HOME": str(repository), "GIT_CONFIG_NOSYSTEM": "1"},
    )
    return done.stdout.decode("utf-8", "surrogateescape")


def fsck(repository: Path) -> None:
    """Raises CalledProcessError where git finds an error."""
    git(repository, "fsck", "--full", "--strict")
