"""The one door to the history of collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from collections_app.store.history.types import (
    Content,
    DiffLimits,
    Favour,
    FileMerge,
    Maintained,
    Snapshot,
    StoredFile,
    TreeMerge,
    Unit,
)


class History:
    """The history of all collections in one bare repository.

    Each snapshot is a commit of its own, without parents, under ``refs/snapshots/<slug>/<id>``: to drop one is to
    delete its ref. ``refs/collections/<slug>`` points to the newest, ``refs/bases/<slug>`` keeps what was imported.

    One object belongs to one thread. Several processes may use one store at once; two of them that change the *same*
    collection are kept apart by the caller's lease. Every write is durable when it returns, and refs are written last:
    killed at any instant, the store is whole.
    """

    def __init__(self, path: Path) -> None:
        raise NotImplementedError

    def snapshot(
        self, collection_dir: Path, slug: str, *, reason: str, job: str = "", actor: str = "", now: datetime
    ) -> Snapshot:
        """Record every byte of a collection directory; what cannot be recorded is told in ``excluded``."""
        raise NotImplementedError

    def snapshots(self, slug: str) -> list[Snapshot]:
        """Return the snapshots of a collection, newest first."""
        raise NotImplementedError

    def get(self, slug: str, snapshot_id: str) -> Snapshot:
        """Return one snapshot. Raises SnapshotNotFound."""
        raise NotImplementedError

    def files(self, snapshot: Snapshot, prefix: str = "") -> list[StoredFile]:
        """Return the files and links of a snapshot below a path, sorted."""
        raise NotImplementedError

    def read(self, snapshot: Snapshot, path: str, *, max_bytes: int | None = None) -> bytes:
        """Return a file's bytes. Raises NotFound, LimitExceeded."""
        raise NotImplementedError

    def materialise(self, snapshot: Snapshot, paths: Sequence[str] | None, into: Path) -> None:
        """Write parts of a snapshot below ``into``, durably and byte for byte. Raises NotFound, FileExistsError."""
        raise NotImplementedError

    def changed_units(self, snapshot: Snapshot, collection_dir: Path) -> list[Unit]:
        """Return the artifacts and files that a restore has to swap, deletions included, and nothing else."""
        raise NotImplementedError

    def keep_base(self, slug: str, bases: Mapping[str, Content | None]) -> None:
        """Keep imported contents by key; None lets one go."""
        raise NotImplementedError

    def write_paths(self, paths: Sequence[Path]) -> list[Content]:
        """Store files and folders of the disk, all in one pack."""
        raise NotImplementedError

    def merge_file(
        self, base: bytes | None, ours: bytes, theirs: bytes, *, favour: Favour = Favour.NEITHER
    ) -> FileMerge:
        """Merge three versions of a file as git does."""
        raise NotImplementedError

    def merge_trees(
        self, base: Content | None, ours: Content, theirs: Content, *, favour: Favour = Favour.NEITHER
    ) -> TreeMerge:
        """Merge three versions of an artifact file by file."""
        raise NotImplementedError

    def retain(self, slug: str, *, keep: int = 50, daily_days: int = 30, now: datetime) -> list[str]:
        """Drop old snapshots."""
        raise NotImplementedError

    def maintain(self, *, now: datetime) -> Maintained:
        """Pack the store anew and drop what nothing leads to any more."""
        raise NotImplementedError

    def drop_collection(self, slug: str) -> None:
        """Forget a collection's snapshots and bases."""
        raise NotImplementedError


__all__ = ["DiffLimits", "History"]
