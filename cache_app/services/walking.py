"""Looks for projects below folders: one ``scandir`` a folder, no link followed, nothing opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cache_app.domain.pruning import MAX_DEPTH, is_entered, is_marked
from collections_app.domain.deploy_targets import RECORD_NAME, Profile
from collections_app.errors import ProjectMissing
from collections_app.store.disk import meaning
from skillmeat_site.core.errors import DomainError, LimitExceeded, NotFound

TICK_FOLDERS = 200
_ROOTS = frozenset(profile.root for profile in Profile)


@dataclass(slots=True)
class Walked:
    """``projects``: folders with a record, in the order of their paths; ``broken``: those that could not be read."""

    projects: list[str] = field(default_factory=list)
    broken: dict[str, DomainError] = field(default_factory=dict)
    folders: int = 0


def walk(roots: Iterable[Path], *, skip: Path, tick: Callable[[], None]) -> Walked:
    """Every project below the roots, each once, roots included; ``skip`` is not entered.

    What cannot be read is told and passed over; a root that is not there as well. Raises what ``tick`` raises.
    """
    walked = Walked()
    real = sorted({os.path.realpath(root) for root in roots})
    skipped = os.path.realpath(skip)
    entered: set[str] = set()
    for root in real:
        if not stat_is_folder(root):
            walked.broken[root] = ProjectMissing("An allowed root is not there (SKILLMEAT_PROJECT_ROOTS).")
            continue
        _walk_root(root, skipped, walked, entered, tick)
    walked.projects.sort()
    return walked


def stat_is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except OSError:
        return False


def _walk_root(root: str, skipped: str, walked: Walked, entered: set[str], tick: Callable[[], None]) -> None:
    waiting = [(root, 0)]
    while waiting:
        path, depth = waiting.pop()
        if path == skipped or path in entered:
            continue
        entered.add(path)
        walked.folders += 1
        if walked.folders % TICK_FOLDERS == 0:
            tick()
        try:
            inside = _folders_in(path, walked)
        except DomainError as error:
            walked.broken[path] = error
            continue
        if inside and depth == MAX_DEPTH:
            walked.broken[path] = LimitExceeded(f"Folders lie more than {MAX_DEPTH} deep.")
            continue
        waiting += [(f"{path.rstrip('/')}/{name}", depth + 1) for name in inside]


def _folders_in(path: str, walked: Walked) -> list[str]:
    """The names to enter next; none of a virtual environment or a cache. Notes the folder if it is a project."""
    try:
        with meaning("folder"), os.scandir(path) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except NotFound:
        return []  # deleted meanwhile
    if is_marked({name for name, _ in found}):
        return []
    folders = [name for name, is_folder in found if is_folder]
    if any(_has_record(f"{path}/{name}") for name in folders if name in _ROOTS):
        walked.projects.append(path)
    return [name for name in folders if name not in _ROOTS and is_entered(name)]


def _has_record(root: str) -> bool:
    """Whether there is anything of the record's name: what it is, the reader will see.

    Raises DomainError where it cannot be told.
    """
    try:
        with meaning(os.path.basename(root)):
            os.lstat(f"{root}/{RECORD_NAME}")
    except NotFound:
        return False
    return True


def is_gone(path: str, roots: Iterable[Path], device: str) -> bool:
    """Whether nothing is at a project's path any more, told by what is left of the way to it.

    False where it cannot be told: no root is left above it, a folder on the way cannot be read, or the nearest that is
    there lies on another file system than the project did (``device``, "" if that was never seen): a mount is away.
    """
    if os.path.realpath(path) != path:
        return True  # a link leads elsewhere, to what is a project of its own
    tops = {os.path.realpath(root) for root in roots}
    here = path
    while True:
        try:
            found = os.lstat(here)
        except (FileNotFoundError, NotADirectoryError):
            if here in tops or here == os.path.dirname(here):
                return False
            here = os.path.dirname(here)
            continue
        except OSError:
            return False
        if here == path:
            return not stat.S_ISDIR(found.st_mode)
        return device in ("", str(found.st_dev))
