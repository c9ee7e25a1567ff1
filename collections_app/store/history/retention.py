"""Which snapshots stay."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from collections_app.store.history.commits import moment_of
from collections_app.store.history.repository import BASES, INDEX_FOLDER, NEWEST, Store
from collections_app.store.history.snapshots import identifiers, snapshot_ref


def to_drop(snapshots: Iterable[str], *, keep: int, daily_days: int, now: datetime) -> list[str]:
    """Return the ids to drop: all but the last ``keep`` and the last of each of ``daily_days`` days (UTC)."""
    newest_first = sorted(snapshots, reverse=True)
    stay = set(newest_first[:keep])
    days = set()
    for identifier in newest_first:
        moment = moment_of(identifier)
        if moment > now - timedelta(days=daily_days) and moment.date() not in days:
            days.add(moment.date())
            stay.add(identifier)
    return [identifier for identifier in reversed(newest_first) if identifier not in stay]


def retain(store: Store, slug: str, *, keep: int, daily_days: int, now: datetime) -> list[str]:
    """Drop what need not stay; never the one taken last, whatever the clock said. See ``History.retain``."""
    found = dict(identifiers(store, slug))
    newest = store.target(NEWEST + slug)
    dropped = [
        identifier
        for identifier in to_drop(found, keep=keep, daily_days=daily_days, now=now)
        if found[identifier] != newest
    ]
    for identifier in dropped:
        store.delete_ref(snapshot_ref(slug, identifier))
    return dropped


def drop_collection(store: Store, slug: str) -> None:
    """Forget a collection. See ``History.drop_collection``."""
    for identifier, _ in list(identifiers(store, slug)):
        store.delete_ref(snapshot_ref(slug, identifier))
    store.delete_ref(NEWEST + slug)
    store.delete_ref(BASES + slug)
    with contextlib.suppress(FileNotFoundError):
        (store.path / INDEX_FOLDER / f"{slug}.json").unlink()
