"""The three-way merge of an artifact that was edited here and changed upstream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collections_app.domain.refresh_options import Strategy
from collections_app.domain.refresh_plan import Mine
from collections_app.domain.types import FileMode as Mode
from collections_app.errors import ChangedOnDisk
from collections_app.services.bases import base_of
from collections_app.services.homes import history
from collections_app.store.history import History
from collections_app.store.history.types import Content, Favour, FileMerge
from collections_app.store.staging import NewFile
from skillmeat_site.upstream.types import FileMode

MAX_HUNK = 4_000
MAX_CONFLICTS = 50
_FAVOURS = {Strategy.OURS: Favour.OURS, Strategy.THEIRS: Favour.THEIRS}

Conflicts = tuple[Mapping[str, Any], ...]


class MergeConflict(Exception):
    """Both sides changed the same; ``conflicts`` tells where. Nothing was written."""

    def __init__(self, reason: str, conflicts: Conflicts = ()) -> None:
        super().__init__(reason)
        self.reason, self.conflicts = reason, conflicts


@dataclass(frozen=True, slots=True)
class Merged:
    """``base`` is upstream's version, stored: what the next merge starts from."""

    oid: str
    files: tuple[NewFile, ...]
    base: Content


def merge(mine: Mine, slug: str, folder: Path, theirs: Sequence[NewFile], strategy: Strategy) -> Merged:
    """Merge. Reads the collection and writes only to the history's object store.

    Raises MergeConflict, also where the base is unknown; ChangedOnDisk where the files are no longer those of the
    plan; HistoryDamaged, DiskFull.
    """
    kind = mine.ref.kind
    base = base_of(kind, mine.base) if kind else None
    if base is None:
        raise MergeConflict("The version it was imported with is not known, so nothing tells who changed what.")
    store = history()
    (ours,) = store.write_paths(slug, [folder / mine.path])
    if ours.oid != mine.current:
        raise ChangedOnDisk(f"{mine.path} has changed meanwhile.")
    upstream = _stored(store, theirs)
    merged = store.merge_trees(base, ours, upstream, favour=_FAVOURS.get(strategy, Favour.NEITHER))
    if merged.conflicts:
        told = tuple(_told(path, one) for path, one in sorted(merged.conflicts.items())[:MAX_CONFLICTS])
        number = len(merged.conflicts)
        what = "A file was" if number == 1 else f"{number} files were"
        raise MergeConflict(f"{what} changed on both sides.", told)
    if merged.content is None:
        raise MergeConflict("Nothing would be left of it.")
    return Merged(merged.content.oid, _files(store, merged.content), upstream)


def _stored(store: History, files: Sequence[NewFile]) -> Content:
    if len(files) == 1 and not files[0].path:
        return Content(FileMode(files[0].mode.value), store.write_blob(files[0].data).oid)
    return store.write_tree({file.path: (FileMode(file.mode.value), file.data) for file in files})


def _files(store: History, content: Content) -> tuple[NewFile, ...]:
    return tuple(
        NewFile(file.path, store.read_content(content, file.path), Mode(file.mode.value))
        for file in store.content_files(content)
    )


def _told(path: str, merge: FileMerge | None) -> Mapping[str, Any]:
    if merge is None:
        return {"path": path, "kind": "deleted_or_retyped", "hunks": []}
    hunks = [
        {"line": hunk.line, "ours": _text(hunk.ours), "theirs": _text(hunk.theirs)}
        for hunk in merge.conflicts[:MAX_CONFLICTS]
    ]
    return {"path": path, "kind": "binary" if merge.binary else "text", "hunks": hunks}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\0", "\ufffd")[:MAX_HUNK]
