"""The one door to the history of collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from collections_app.store.history import (
    bases,
    differences,
    maintenance,
    merging,
    reading,
    retention,
    snapshots,
    units,
)
from collections_app.store.history.commits import Origin
from collections_app.store.history.differences import Diff
from collections_app.store.history.errors import HistoryDamaged
from collections_app.store.history.repository import Store
from collections_app.store.history.types import (
    Content,
    Favour,
    FileMerge,
    Maintained,
    Snapshot,
    StoredFile,
    TreeMerge,
    Unit,
)
from collections_app.store.history.walk import Walked, Walker, overlay
from skillmeat_site.core.errors import NotFound
from skillmeat_site.upstream.types import FileMode


class History:
    """The history of all collections in one bare repository, which is made when it is first needed.

    Each snapshot is a commit of its own, without parents, under ``refs/snapshots/<slug>/<id>``: to drop one is to
    delete its ref. ``refs/collections/<slug>`` points to the newest, ``refs/bases/<slug>`` keeps what was imported.

    One object belongs to one thread. Several processes may use one store at once; two that change the *same*
    collection are kept apart by the caller's lease. Every write is durable when it returns, and refs are written last:
    killed at any instant, the store is whole. Every method raises HistoryDamaged where the store is, and those that
    write HistoryBusy and DiskFull.
    """

    def __init__(self, path: Path) -> None:
        self._store = Store(path)

    def snapshot(
        self, collection: Path, slug: str, *, reason: str, job: str = "", actor: str = "", now: datetime
    ) -> Snapshot:
        """Record every byte of a collection directory, without its working folder ``.skillmeat``.

        What cannot be recorded is told in ``excluded``. A file that is written to meanwhile is recorded in one of its
        states, or excluded. Raises NotFound where there is no directory, InvalidParameter for a slug that is none.
        """
        return snapshots.take(self._store, collection, slug, Origin(reason, job, actor), now)

    def snapshots(self, slug: str) -> list[Snapshot]:
        """Return the snapshots of a collection, newest first."""
        return snapshots.every(self._store, slug)

    def identifiers(self, slug: str) -> list[str]:
        """Return the ids of a collection's snapshots, oldest first, without reading any."""
        return [identifier for identifier, _ in snapshots.identifiers(self._store, slug)]

    def slugs(self) -> list[str]:
        """Return the collections that have snapshots, existing or not."""
        return snapshots.slugs(self._store)

    def get(self, slug: str, identifier: str) -> Snapshot:
        """Return one snapshot. Raises SnapshotNotFound."""
        return snapshots.find(self._store, slug, identifier)

    def files(self, snapshot: Snapshot, prefix: str = "") -> list[StoredFile]:
        """Return the files and links of a snapshot at or below a path, sorted. Raises NotFound."""
        return list(reading.stored_files(self._store, _root(snapshot), prefix))

    def read(self, snapshot: Snapshot, path: str, *, max_bytes: int | None = None) -> bytes:
        """Return a file's bytes, or a link's target. Raises NotFound, LimitExceeded."""
        return reading.read_file(self._store, _root(snapshot), path, max_bytes)

    def materialise(self, snapshot: Snapshot, paths: Sequence[str] | None, into: Path) -> None:
        """Write parts of a snapshot (None: all of it) at their paths below ``into``, a folder of the caller's own.

        Bytes, links and executable bits are those that were recorded; modes are 0644 and 0755. All is durable when it
        returns. Raises NotFound before anything is written, FileExistsError where something is in the way; nothing is
        ever replaced, no link followed.
        """
        reading.materialise(self._store, _root(snapshot), paths, into)

    def diff(self, old: Snapshot | None, new: Snapshot | Path, *, slug: str = "", prefix: str = "") -> Diff:
        """Compare a snapshot (None: nothing) with another, or with a collection directory, file by file.

        ``slug`` tells whose directory it is, and spares reading files that have not changed.
        """
        before = None if old is None else _root(old)
        stored = differences.stored_side(self._store)
        if isinstance(new, Snapshot):
            changes = differences.changes(before, _root(new), self._store.tree)
            other = stored
        else:
            walked = self._walk(new, slug)
            changes = differences.changes(before, _tree(walked.root), overlay(walked, self._store.tree))
            other = differences.disk_side(new)
        below = prefix.rstrip("/")
        wanted = [change for change in changes if not below or _is_below(change.path, below)]
        return Diff(wanted, stored, other)

    def changed_units(self, snapshot: Snapshot, collection: Path) -> list[Unit]:
        """Return the artifacts and files that a restore has to swap, deletions included, and nothing else.

        A skill or plugin is one unit, a command or agent file another, whatever its namespace. Raises NotFound where
        there is no directory.
        """
        walked = self._walk(collection, snapshot.slug)
        read = overlay(walked, self._store.tree)
        return units.changed_units(_tree(walked.root), _root(snapshot), read, walked.excluded)

    def units_between(self, old: Snapshot | None, new: Snapshot) -> list[Unit]:
        """Return the artifacts and files in which two snapshots differ: ``now`` is the older side (None: nothing)."""
        before = None if old is None else _root(old)
        return units.changed_units(before, _root(new), self._store.tree)

    def content_at(self, snapshot: Snapshot, path: str) -> Content | None:
        """Return the file or folder at a path of a snapshot, None where nothing is."""
        try:
            return reading.lookup(self._store, _root(snapshot), path)
        except NotFound:
            return None

    def write_blob(self, data: bytes) -> Content:
        """Store a file. It lives two weeks from now, or as long as a snapshot or base leads to it."""
        return Content(FileMode.FILE, self._store.write_blob(data))

    def write_tree(self, files: Mapping[str, tuple[FileMode, bytes]]) -> Content:
        """Store a folder of files and links by path; its id is git's. Lives as ``write_blob``'s.

        Raises InvalidParameter for a path that git could not hold.
        """
        return bases.write_tree(self._store, files)

    def write_paths(self, slug: str, paths: Sequence[Path]) -> list[Content]:
        """Store files and folders of the disk in one pack, whatever their number; in the order of ``paths``.

        Raises NotFound where nothing of one can be stored. They live as ``write_blob``'s.
        """
        return bases.write_paths(self._store, slug, paths)

    def keep_base(self, slug: str, contents: Mapping[str, Content | None]) -> None:
        """Keep stored contents for good under keys of the caller's; None lets one go. All at once, or none.

        Keys are letters, digits, ``-`` and ``_`` (an artifact's uuid). Raises InvalidParameter for another key,
        HistoryDamaged for content that is not stored.
        """
        bases.keep_base(self._store, slug, contents)

    def bases(self, slug: str) -> dict[str, Content]:
        """Return what ``keep_base`` keeps for a collection."""
        return bases.bases(self._store, slug)

    def read_content(self, content: Content, path: str = "", *, max_bytes: int | None = None) -> bytes:
        """Return a file of a stored content, such as a base. Raises NotFound, LimitExceeded."""
        return reading.read_file(self._store, content, path, max_bytes)

    def has(self, content: Content) -> bool:
        """Tell whether a content is stored, whether or not anything leads to it."""
        try:
            self._store.size(content.oid)
        except HistoryDamaged:
            return False
        return True

    def content_files(self, content: Content) -> list[StoredFile]:
        """Return the files and links of a stored content, sorted; of a file one, whose path is ""."""
        return list(reading.stored_files(self._store, content, ""))

    def materialise_content(self, content: Content, target: Path) -> None:
        """Write a stored content, such as the outcome of a merge, to a path that does not exist yet.

        Raises FileExistsError; as durable and as true to the byte as ``materialise``.
        """
        reading.write_content(self._store, content, target)

    def merge_file(
        self, base: bytes | None, ours: bytes, theirs: bytes, *, favour: Favour = Favour.NEITHER
    ) -> FileMerge:
        """Merge three versions of a file as git does. ``favour`` settles conflicting hunks and binary files only."""
        return merging.merge_file(self._store, base, ours, theirs, favour)

    def merge_trees(
        self, base: Content | None, ours: Content, theirs: Content, *, favour: Favour = Favour.NEITHER
    ) -> TreeMerge:
        """Merge three versions of an artifact file by file, and store the outcome.

        A path that stays in conflict keeps ours and is told. Links are never merged line by line.
        """
        return merging.TreeMerger(self._store, favour).merge(base, ours, theirs)

    def retain(self, slug: str, *, keep: int = 50, daily_days: int = 30, now: datetime) -> list[str]:
        """Drop all snapshots but the last ``keep`` and one a day for ``daily_days``; return the ids that went."""
        return retention.retain(self._store, slug, keep=keep, daily_days=daily_days, now=now)

    def drop_collection(self, slug: str) -> None:
        """Forget a collection's snapshots and bases. Their space is freed by a maintenance two weeks later."""
        retention.drop_collection(self._store, slug)

    def needs_maintenance(self) -> bool:
        """Tell whether there are so many packs that a maintenance would pay."""
        return maintenance.is_due(self._store)

    def maintain(self, *, now: datetime) -> Maintained:
        """Pack everything anew and drop what nothing has led to for two weeks. Safe beside any other use."""
        return maintenance.maintain(self._store, now)

    def _walk(self, collection: Path, slug: str) -> Walked:
        if not slug:
            return Walker().walk(collection)
        # Read only: a file that changed is read, and not remembered.
        return Walker(snapshots.stat_cache(self._store, slug)).walk(collection)


def _root(snapshot: Snapshot) -> Content:
    return _tree(snapshot.tree_oid)


def _tree(oid: str) -> Content:
    return Content(FileMode.TREE, oid)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")
