"""Where a local repository keeps its objects: a path inside the allowed roots may point to objects outside them."""

from __future__ import annotations

import os
from pathlib import Path

from skillmeat_site.upstream.errors import PathNotAllowed, UpstreamNotFound
from skillmeat_site.upstream.policy import AccessPolicy, check_path

MAX_PLACES = 20
"""Object stores that one repository may borrow from, directly and by way of others."""

_MAX_POINTER_BYTES = 64 * 1024


def check_local_repository(path: Path, policy: AccessPolicy) -> None:
    """Raise UpstreamNotFound where no repository is, PathNotAllowed where a part of it lies outside the roots.

    Follows what git follows: a ``.git`` that is a link or a pointer file, the repository a linked working tree belongs
    to, and the stores that objects are borrowed from. Whoever may write below a root can change them after the check.
    """
    try:
        git_dir = _git_dir(path)
        if not (git_dir / "HEAD").exists():
            raise UpstreamNotFound("there is no git repository at this path")
        _check_stores(git_dir, policy)
    except OSError as error:
        raise UpstreamNotFound("the repository at this path cannot be read") from error


def _git_dir(path: Path) -> Path:
    dot_git = path / ".git"
    if dot_git.is_file():
        return path / _read(dot_git).removeprefix("gitdir:").strip()
    return dot_git if dot_git.exists() else path


def _check_stores(git_dir: Path, policy: AccessPolicy) -> None:
    """Check the repository and every object store it reaches."""
    check_path(git_dir, policy)
    pointer = git_dir / "commondir"
    common = git_dir / _read(pointer).strip() if pointer.is_file() else git_dir
    waiting, seen = [common / "objects"], set()
    while waiting:
        store = Path(os.path.realpath(waiting.pop()))
        if store in seen:
            continue
        seen.add(store)
        check_path(store, policy)
        if len(seen) > MAX_PLACES:
            raise PathNotAllowed("the repository borrows objects from too many others")
        alternates = store / "info" / "alternates"
        if alternates.is_file():
            waiting += [store / line for line in _read(alternates).splitlines() if line and not line.startswith("#")]


def _read(path: Path) -> str:
    """Read a small file that holds paths. Raises OSError where it is not small."""
    with path.open("rb") as file:
        content = file.read(_MAX_POINTER_BYTES + 1)
    if len(content) > _MAX_POINTER_BYTES:
        raise OSError("too large for a file of paths")
    return os.fsdecode(content)
