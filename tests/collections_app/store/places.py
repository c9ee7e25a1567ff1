"""Helpers of the store's tests: pictures of a folder, processes that die."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

from collections_app.store import checkpoints


def picture(folder: Path) -> dict[str, object]:
    """Everything below a folder: path → bytes and mode of a file, target of a link, None for a folder."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_dir():
            found[name] = None
        elif path.is_file():
            found[name] = (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
        else:
            found[name] = "special"
    return found


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def dies_at(number: int, work: Callable[[], object], *, prefix: str = "") -> bool:
    """Do ``work`` in a process that kills itself (SIGKILL) at the n-th checkpoint (of such a name); whether it did."""
    pid = os.fork()
    if pid == 0:
        left = [number]

        def reached(name: str) -> None:
            left[0] -= name.startswith(prefix)
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        code = 70
        try:
            checkpoints.reached = reached
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed by itself"
    return False
