"""Bare repositories that tests write commits to."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skillmeat_site.upstream.sample import commit, create_repository

Files = Mapping[str, str | None]


@dataclass
class Repository:
    """A bare repository that a test writes commits to."""

    path: Path
    time: int = field(default=1_767_225_600)

    @property
    def url(self) -> str:
        return f"file://{self.path}"

    def commit(self, files: Files, message: str = "change") -> None:
        """Files with new content; None deletes."""
        self.time += 60
        commit(self.path, files, message, time=self.time)


class Templates:
    """Repositories of one commit at most, made once for each content. The same files give the same ids wherever."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[tuple[str, str | None], ...], Repository] = {}

    def copy(self, path: Path, files: Files | None = None) -> Repository:
        """A repository of its own there, with these files in a first commit; without any, it is empty."""
        made = self._of(files or {})
        shutil.copytree(made.path, path)
        return Repository(path, made.time)

    def _of(self, files: Files) -> Repository:
        key = tuple(sorted(files.items()))
        if key not in self._made:
            made = Repository(self._folder / f"{len(self._made)}.git")
            create_repository(made.path)
            if files:
                made.commit(files, "first")
            self._made[key] = made
        return self._made[key]
