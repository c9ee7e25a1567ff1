"""New content, written beside its target, whole and verified before anything is swapped."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from collections_app.domain.types import FileMode
from collections_app.store.content_ids import DEFAULT_LIMITS, Content, Limits


class NewFile(NamedTuple):
    """A file to be. ``path`` is relative to the artifact; ``data`` of a link is its target."""

    path: str
    data: bytes
    mode: FileMode = FileMode.FILE


class Staged(NamedTuple):
    """Staged content. ``path`` is relative to the transaction's root."""

    path: str
    content: Content

    @property
    def oid(self) -> str:
        """Its content id, as git has it."""
        return self.content.oid


class Stage:
    """The staging folder of one disk transaction. Files and folders are on the disk (fsync) when a method returns."""

    def __init__(self, root_fd: int, folder: str) -> None:
        raise NotImplementedError

    def add_folder(
        self, files: Iterable[NewFile], *, expected_oid: str | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> Staged:
        """Stage a folder with these files; nothing of it stays if this raises.

        Raises ``unsafe_path`` (also paths that differ only in case, or that are file and folder at once),
        ``unsafe_link``, ``limit_exceeded``, ``content_mismatch`` (not ``expected_oid``), ``disk_full``, ``disk_denied``.
        """
        raise NotImplementedError

    def add_file(
        self,
        data: bytes,
        *,
        expected_oid: str | None = None,
        executable: bool = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Staged:
        """Stage a single file; raises as ``add_folder``."""
        raise NotImplementedError

    def add_copy(self, source: Path, *, expected_oid: str | None = None, limits: Limits = DEFAULT_LIMITS) -> Staged:
        """Stage a copy of a file or folder on disk; raises as ``add_folder`` and ``content_of``."""
        raise NotImplementedError
