"""Taking, finding and listing snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from collections_app.store.history.commits import (
    Origin,
    commit_body,
    moment_of,
    next_id,
    read_commit,
    snapshot_id,
)
from collections_app.store.history.errors import SnapshotNotFound
from collections_app.store.history.layout import count_artifacts
from collections_app.store.history.packs import PackWriter
from collections_app.store.history.repository import BASES, INDEX_FOLDER, NEWEST, SNAPSHOTS, Store, check_slug
from collections_app.store.history.stat_cache import StatCache
from collections_app.store.history.trees import parse_commit_tree
from collections_app.store.history.types import Snapshot
from collections_app.store.history.walk import Walker, overlay
from skillmeat_site.upstream.types import FileMode


def stat_cache(store: Store, slug: str) -> StatCache:
    return StatCache(store.path / INDEX_FOLDER / f"{slug}.json")


def snapshot_ref(slug: str, identifier: str) -> str:
    return f"{SNAPSHOTS}{slug}/{identifier}"


class NewObjects:
    """Takes what a collection's refs do not lead to yet.

    Only what a ref *of this collection* leads to counts as stored. An object that merely lies in the store may be on
    the point of being dropped by a maintenance; so such a one is written again.
    """

    def __init__(self, store: Store, slug: str, pack: PackWriter) -> None:
        self._store = store
        self._slug = slug
        self._pack = pack
        self._known: set[str] = set()
        newest = store.target(NEWEST + slug)
        if newest is not None:
            collect(store, parse_commit_tree(store.read(newest)), self._known)
        self._bases_known = False

    def wants(self, oid: str) -> bool:
        if oid in self._known or oid in self._pack:
            return False
        if not self._bases_known:
            self._bases_known = True
            bases = self._store.target(BASES + self._slug)
            if bases is not None:
                collect(self._store, bases, self._known)
        return oid not in self._known

    def add(self, kind: str, body: bytes, oid: str) -> object:
        return self._pack.add(kind, body, oid)

    def add_stream(self, source: BinaryIO, size: int, oid: str) -> None:
        self._pack.add_stream(source, size, oid)


def collect(store: Store, tree: str, into: set[str]) -> None:
    """Add the ids of a tree and of everything in it. Raises HistoryDamaged."""
    if tree in into:
        return
    into.add(tree)
    for node in store.tree(tree):
        if node.mode == FileMode.TREE:
            collect(store, node.oid, into)
        else:
            into.add(node.oid)


def take(store: Store, collection: Path, slug: str, origin: Origin, now: datetime) -> Snapshot:
    """Record a collection directory. See ``History.snapshot``."""
    check_slug(slug)
    cache = stat_cache(store, slug)
    with PackWriter(store.pack_folder()) as pack:
        walked = Walker(cache, NewObjects(store, slug, pack)).walk(collection)
        count = count_artifacts(walked.root, overlay(walked, store.tree))
        body = commit_body(walked.root, now, origin, artifacts=count, excluded=walked.excluded)
        commit = pack.add("commit", body)
    identifier = snapshot_id(now)
    while not store.create_ref(snapshot_ref(slug, identifier), commit):
        identifier = next_id(identifier)
    store.edit_ref(NEWEST + slug, lambda _: commit)
    cache.save()
    return read_commit(slug, identifier, commit, body)


def identifiers(store: Store, slug: str) -> Iterator[tuple[str, str]]:
    """Yield ids and commits of a collection's snapshots, oldest first; foreign refs among them are passed over."""
    check_slug(slug)
    prefix = snapshot_ref(slug, "")
    for name, commit in store.refs(prefix):
        identifier = name.removeprefix(prefix)
        try:
            moment_of(identifier)
        except ValueError:
            continue
        yield identifier, commit


def slugs(store: Store) -> list[str]:
    """Return the collections of which there is a snapshot; foreign refs are passed over."""
    found = (name.removeprefix(SNAPSHOTS).split("/") for name, _ in store.refs(SNAPSHOTS))
    return sorted({parts[0] for parts in found if len(parts) == 2})


def every(store: Store, slug: str) -> list[Snapshot]:
    """Return a collection's snapshots, newest first."""
    found = [read_commit(slug, identifier, oid, store.read(oid)) for identifier, oid in identifiers(store, slug)]
    return found[::-1]


def find(store: Store, slug: str, identifier: str) -> Snapshot:
    """Return one snapshot. Raises SnapshotNotFound."""
    check_slug(slug)
    try:
        moment_of(identifier)
    except ValueError as error:
        raise SnapshotNotFound() from error
    oid = store.target(snapshot_ref(slug, identifier))
    if oid is None:
        raise SnapshotNotFound()
    return read_commit(slug, identifier, oid, store.read(oid))
