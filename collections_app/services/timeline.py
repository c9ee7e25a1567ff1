"""The snapshots of a collection one after the other: who took each, why, and what had changed since the one before.

Reads only. Of a snapshot that the store no longer has whole its row is told all the same, with what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from collections_app.models import Artifact, Snapshot
from collections_app.services.file_views import ComparedFiles
from collections_app.services.homes import history, home
from collections_app.store.history import History
from collections_app.store.history.differences import Diff
from collections_app.store.history.types import Content, Unit
from collections_app.store.history.types import Snapshot as Stored
from skillmeat_site.core.errors import DomainError, NotFound

MAX_NAMED = 3
"""Artifacts of one moment that are named; of the rest their number is told."""
MAX_VERSIONS = 200
"""Snapshots that are looked through for one artifact's history."""


@dataclass(frozen=True, slots=True)
class Moment:
    """``added``, ``changed``, ``removed``: paths of artifacts, since ``previous`` (None: none is kept before it).

    ``actor`` is empty where nobody noted it. ``problem``: the store does not tell.
    """

    snapshot: Snapshot
    previous: Snapshot | None
    actor: str = ""
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    problem: DomainError | None = None

    @property
    def named(self) -> tuple[str, ...]:
        return (*self.changed, *self.added, *self.removed)[:MAX_NAMED]

    @property
    def more(self) -> int:
        return max(0, len(self.added) + len(self.changed) + len(self.removed) - MAX_NAMED)


@dataclass(frozen=True, slots=True)
class Version:
    """A snapshot in which an artifact was another than in the one before. ``oid`` empty: it was not there."""

    snapshot: Snapshot
    oid: str
    was_there: bool


def moments(rows: Sequence[Snapshot], before: Snapshot | None) -> list[Moment]:
    """What happened up to each of ``rows``, the newest first; ``before`` is the one before the last of them."""
    if not rows:
        return []
    store = history()
    return [_moment(store, row, previous) for row, previous in pairwise((*rows, before)) if row is not None]


def _moment(store: History, row: Snapshot, previous: Snapshot | None) -> Moment:
    try:
        new = _stored(store, row)
        units = store.units_between(_stored(store, previous) if previous else None, new)
    except DomainError as error:
        return Moment(row, previous, problem=error)
    told = [unit for unit in units if "/" in unit.path]  # the rest are the collection's own files
    return Moment(
        row,
        previous,
        new.actor,
        added=_paths(unit for unit in told if unit.now is None),
        changed=_paths(unit for unit in told if unit.now is not None and unit.then is not None),
        removed=_paths(unit for unit in told if unit.then is None),
    )


def _paths(units: Iterator[Unit]) -> tuple[str, ...]:
    return tuple(unit.path for unit in units)


def _stored(store: History, row: Snapshot) -> Stored:
    return store.get(row.collection.slug, row.key)


def previous_of(snapshot: Snapshot) -> Snapshot | None:
    """The one before it, of the same collection, that is still kept."""
    older = Snapshot.objects.filter(collection_id=snapshot.collection_id, key__lt=snapshot.key)
    return older.select_related("collection").order_by("-key").first()


def changes_in(snapshot: Snapshot, previous: Snapshot | None, *, below: str = "") -> ComparedFiles:
    """From the snapshot before (None: from nothing) to this one, file by file.

    Raises SnapshotNotFound, HistoryDamaged.
    """
    store = history()
    old = _stored(store, previous) if previous else None
    return _told(store.diff(old, _stored(store, snapshot), prefix=below))


def changes_since(snapshot: Snapshot, other: Snapshot | None, *, below: str = "") -> ComparedFiles:
    """From this snapshot to another, or (None) to the collection as it is now.

    Raises as ``changes_in``, and NotFound where the collection has no folder.
    """
    if other is not None:
        return changes_in(other, snapshot, below=below)
    slug = snapshot.collection.slug
    store = history()
    folder = home().collection(slug)
    if not folder.is_dir():
        raise NotFound(f"The collection {slug} has no folder to compare with.")
    return _told(store.diff(_stored(store, snapshot), folder, slug=slug, prefix=below))


def _told(diff: Diff) -> ComparedFiles:
    """Artifacts first: the collection's own files change with each of them."""
    diff.changes.sort(key=lambda change: ("/" not in change.path, change.path))
    return ComparedFiles(diff)


def versions_of(artifact: Artifact) -> tuple[list[Version], bool]:
    """The snapshots that changed an artifact, newest first, and whether older ones were not looked at.

    By its path of today. Raises HistoryDamaged.
    """
    rows = Snapshot.objects.filter(collection_id=artifact.collection_id).for_list().select_related("job")
    found = list(rows.order_by("-key")[: MAX_VERSIONS + 1])
    store = history()
    contents = [_content(store, row, artifact.path) for row in found]
    versions = []
    for number, (row, content) in enumerate(zip(found, contents, strict=True)):
        last = number == len(found) - 1
        before = None if last else contents[number + 1]
        if number < MAX_VERSIONS and content != before:
            versions.append(Version(row, content.oid if content else "", before is not None))
    return versions, len(found) > MAX_VERSIONS


def _content(store: History, row: Snapshot, path: str) -> Content | None:
    return store.content_at(_stored(store, row), path)
