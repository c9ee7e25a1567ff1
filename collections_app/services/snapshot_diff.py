"""What differs between a snapshot and another one, or the collection as it is now. Reads only."""

from __future__ import annotations

from collections_app.models import Snapshot
from collections_app.services.differences import FileDifferences
from collections_app.services.homes import history, home
from skillmeat_site.core.errors import NotFound


def snapshot_diff(snapshot: Snapshot, against: Snapshot | None, *, below: str = "") -> FileDifferences:
    """From ``snapshot`` to ``against``, or to the collection on disk; ``below``: only at or below this path.

    Raises SnapshotNotFound, HistoryDamaged, NotFound where the collection has no folder.
    """
    slug = snapshot.collection.slug
    store = history()
    old = store.get(slug, snapshot.key)
    if against is not None:
        return FileDifferences(store.diff(old, store.get(slug, against.key), prefix=below))
    folder = home().collection(slug)
    if not folder.is_dir():
        raise NotFound(f"The collection {slug} has no folder to compare with.")
    return FileDifferences(store.diff(old, folder, slug=slug, prefix=below))
