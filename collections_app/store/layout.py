"""Where everything stands: paths of a home, of a collection, of a folder that transactions change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from collections_app.domain.lockfile import LOCK_NAME
from collections_app.domain.manifest import MANIFEST_NAME
from collections_app.domain.names import check_slug

WORK = ".skillmeat"
"""The hidden working folder, beside what it serves: on the same file system, part of no snapshot, id or index."""


@dataclass(frozen=True, slots=True)
class Home:
    """SKILLMEAT_HOME as seen by the store."""

    path: Path

    @property
    def collections(self) -> Path:
        """The folder that holds one folder per collection."""
        return self.path / "collections"

    @property
    def history(self) -> Path:
        """The bare repository with the history of all collections."""
        return self.path / "store.git"

    @property
    def journal(self) -> Path:
        """One file per unfinished disk transaction."""
        return self.path / "journal"

    @property
    def trash(self) -> Path:
        """Deleted collections, and what recovery would not decide to throw away."""
        return self.path / "trash"

    def collection(self, slug: str) -> Path:
        """The folder of a collection; raises ``unsafe_path`` for what is no slug."""
        return self.collections / check_slug(slug)

    def root_of(self, slug: str) -> Root:
        """What a transaction on the collection is begun on."""
        return Root(self.collection(slug))

    def root_of_home(self) -> Root:
        """What a transaction is begun on that moves a whole collection (targets ``collections/<slug>``)."""
        return Root(self.path)


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that transactions change. ``work``: its working folder, relative to it.

    A collection: ``Root(folder)``; a project: ``Root(project, work=".claude/.skillmeat")``.
    """

    path: Path
    work: str = WORK


def manifest_path(collection: Path) -> Path:
    """The collection's collection.toml."""
    return collection / MANIFEST_NAME


def lock_path(collection: Path) -> Path:
    """The collection's collection.lock."""
    return collection / LOCK_NAME
