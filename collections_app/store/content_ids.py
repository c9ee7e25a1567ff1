"""Content ids of what is on disk or about to be: equal to git's.

``git hash-object`` for a file, ``git mktree`` for a folder. Bytes are taken as they are: .gitattributes, .gitignore and
filters change nothing. Empty folders count for nothing, as in git.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from collections_app.domain.types import FileMode
from collections_app.store.stat_cache import StatCache


@dataclass(frozen=True, slots=True)
class Limits:
    """How large one artifact may be. ``depth``: folders within folders, the artifact's own counted as 1."""

    files: int = 10_000
    bytes: int = 256 * 1024 * 1024
    depth: int = 32


DEFAULT_LIMITS = Limits()


class FileEntry(NamedTuple):
    """One file or link of a folder. ``path`` relative to it; as stored, with undecodable bytes as surrogates."""

    path: str
    mode: FileMode
    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class Content:
    """What stands at a path. ``files`` is sorted by path; for a single file it is one entry whose path is ""."""

    oid: str
    is_folder: bool
    files: tuple[FileEntry, ...]
    size: int


def blob_oid(data: bytes) -> str:
    """The id git gives to a file of these bytes."""
    raise NotImplementedError


def tree_oid(files: Iterable[tuple[str, str, str]]) -> str:
    """The id git gives to a folder with these files: ``(path, mode, oid)`` each, in any order.

    Raises ValueError where one path is a file and a folder, or comes twice.
    """
    raise NotImplementedError


def content_of(path: Path, *, limits: Limits = DEFAULT_LIMITS, cache: StatCache | None = None) -> Content:
    """Read what stands at ``path``: an ordinary file or a folder; no link is ever followed, ``path`` itself neither.

    Raises ``not_found``; ``unsafe_link`` (links that leave the folder or go in circles; ``path`` being one);
    ``unsafe_path`` (``.git`` and its disguises); ``special_file``; ``limit_exceeded``; ``disk_denied`` for what
    cannot be read; ``changed_on_disk`` where a file is written to all the while. Never passes over anything.
    """
    raise NotImplementedError


def content_oid(path: Path, *, limits: Limits = DEFAULT_LIMITS, cache: StatCache | None = None) -> str | None:
    """The id of what stands at ``path``, None where nothing does; raises as ``content_of``."""
    raise NotImplementedError
