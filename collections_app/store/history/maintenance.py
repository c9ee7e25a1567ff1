"""Packing the store anew, and dropping what nothing leads to.

Safe beside any writer, without a lock, because

- every pack has a name of its own, and only what was listed before the refs were read is ever removed;
- a writer relies on no stored object but those that refs of its own collection lead to (``NewObjects``); those are in
  the new pack;
- what no ref leads to *yet* is young, and stays for two weeks from when it was written, git's own default.

Killed at any instant it leaves objects twice, never less than once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pygit2

from collections_app.store.history.errors import HistoryDamaged
from collections_app.store.history.packs import TEMPORARY, fsync_folder, new_pack_name, packed_objects, place_pack
from collections_app.store.history.repository import Store
from collections_app.store.history.snapshots import collect
from collections_app.store.history.trees import parse_commit_tree
from collections_app.store.history.types import Maintained

GRACE_SECONDS = 14 * 24 * 3600
"""How long an object lives that nothing leads to; git's ``gc.pruneExpire``."""
MANY_PACKS = 50
_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class _Pack:
    index: Path
    written_at: float

    @property
    def file(self) -> Path:
        return self.index.with_suffix(".pack")


def is_due(store: Store) -> bool:
    """Tell whether there are so many packs that a maintenance would pay."""
    return sum(1 for _ in store.pack_folder().glob("pack-*.idx")) > MANY_PACKS


def maintain(store: Store, now: datetime) -> Maintained:
    """See ``History.maintain``."""
    store.reopen()
    moment = now.timestamp()
    before = _size(store.path)
    # The order matters: packs are listed first. One that is written from here on is not touched.
    packs, loose = _packs(store), _loose(store)
    reachable = _reachable(store)
    kept = _repack(store, reachable)
    young = _repack_young(store, packs, reachable, moment - GRACE_SECONDS)
    _remove_packs(store, packs)
    _remove_loose(loose, reachable, moment - GRACE_SECONDS)
    _sweep(store, moment - _DAY)
    store.reopen()
    with contextlib.suppress(pygit2.GitError, OSError):
        # Locked by a writer: then next time.
        store.git.compress_references()
    return Maintained(
        packs_before=len(packs),
        packs_after=len(_packs(store)),
        objects=kept,
        kept_unreachable=young,
        bytes_before=before,
        bytes_after=_size(store.path),
    )


def _packs(store: Store) -> list[_Pack]:
    found = []
    for index in sorted(store.pack_folder().glob("pack-*.idx")):
        pack = _Pack(index, 0)
        with contextlib.suppress(FileNotFoundError):
            found.append(_Pack(index, pack.file.stat().st_mtime))
    return found


def _loose(store: Store) -> dict[str, Path]:
    return {
        path.parent.name + path.name: path
        for path in (store.path / "objects").glob("[0-9a-f][0-9a-f]/*")
        if len(path.name) == 38
    }


def _reachable(store: Store) -> set[str]:
    """Return the id of everything that a ref leads to. Raises HistoryDamaged where something of it is missing."""
    found: set[str] = set()
    for _, target in store.refs("refs/"):
        commit = store.git.get(target)
        if isinstance(commit, pygit2.Commit):
            found.add(target)
            collect(store, parse_commit_tree(store.read(target)), found)
        else:
            collect(store, target, found)
    return found


def _repack(store: Store, oids: Iterable[str], mtime: float | None = None) -> int:
    """Write objects as one pack, durably, and see that it holds them all. Returns their number."""
    builder = pygit2.PackBuilder(store.git)
    wanted = set(oids)
    if not wanted:
        return 0
    for oid in sorted(wanted):
        builder.add(pygit2.Oid(hex=oid))
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=store.pack_folder()))
    try:
        builder.write(folder)
        (index,) = folder.glob("*.idx")
        if not wanted <= set(packed_objects(index)):
            raise HistoryDamaged("the new pack lacks objects")
        pack = index.with_suffix(".pack")
        if mtime is not None:
            os.utime(pack, (mtime, mtime))
        place_pack(pack, index, store.pack_folder(), new_pack_name())
    except pygit2.GitError as error:
        raise HistoryDamaged("the store cannot be packed") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return len(wanted)


def _repack_young(store: Store, packs: list[_Pack], reachable: set[str], expired: float) -> int:
    """Keep the young ones among the objects that nothing leads to: one pack per day of their age, which goes on."""
    ages: dict[str, float] = {}
    for pack in packs:
        if pack.written_at >= expired:
            for oid in packed_objects(pack.index):
                if oid not in reachable:
                    ages[oid] = max(pack.written_at, ages.get(oid, 0))
    days: dict[int, list[str]] = defaultdict(list)
    for oid, written_at in ages.items():
        days[int(written_at // _DAY)].append(oid)
    for oids in days.values():
        _repack(store, oids, max(ages[oid] for oid in oids))
    return len(ages)


def _remove_packs(store: Store, packs: list[_Pack]) -> None:
    for pack in packs:
        # The index first: readers look for that.
        for path in (pack.index, pack.file):
            path.unlink(missing_ok=True)
    fsync_folder(store.pack_folder())


def _remove_loose(loose: dict[str, Path], reachable: set[str], expired: float) -> None:
    for oid, path in loose.items():
        with contextlib.suppress(FileNotFoundError):
            if oid in reachable or path.stat().st_mtime < expired:
                path.unlink()


def _sweep(store: Store, before: float) -> None:
    """Remove what killed processes left behind."""
    for pattern in (
        f"objects/pack/{TEMPORARY}*",
        f"objects/{TEMPORARY}*",
        f"objects/??/{TEMPORARY}*",
        f"skillmeat-index/{TEMPORARY}*",
    ):
        for path in store.path.glob(pattern):
            with contextlib.suppress(FileNotFoundError):
                if path.lstat().st_mtime < before:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _size(folder: Path) -> int:
    """Return the space that a folder takes on disk."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.lstat().st_blocks * 512
    return total
