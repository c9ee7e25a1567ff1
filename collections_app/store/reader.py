"""What is in a collection: its two files, and the artifacts found on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from collections_app.domain.lockfile import Lock
from collections_app.domain.manifest import ArtifactRecord, Manifest
from collections_app.domain.types import ArtifactRef, Problem
from collections_app.store.content_ids import DEFAULT_LIMITS, Content, Limits
from collections_app.store.stat_cache import StatCache


@dataclass(frozen=True, slots=True)
class Found:
    """An artifact: on disk, in the manifest, or both.

    ``record`` None: not in the manifest (added by hand). ``content`` None: ``problem`` says why (``not_found``: the
    manifest names it and it is gone). ``path`` relative to the collection.
    """

    ref: ArtifactRef
    path: str
    record: ArtifactRecord | None = None
    content: Content | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class CollectionOnDisk:
    """A collection, read. ``manifest_oid`` and ``lock_oid``: blob ids of the files as read, None where missing.

    ``artifacts`` is sorted by type and name, each once; ``problems`` are those of no single artifact.
    ``raw_manifest`` and ``raw_lock``: the bytes, for the copy that a migration keeps.
    """

    manifest: Manifest | None
    lock: Lock
    manifest_oid: str | None
    lock_oid: str | None
    raw_manifest: bytes
    raw_lock: bytes
    artifacts: tuple[Found, ...]
    problems: tuple[Problem, ...] = ()


def read_collection(
    folder: Path, *, limits: Limits = DEFAULT_LIMITS, cache: StatCache | None = None
) -> CollectionOnDisk:
    """Read manifest and lock, find the artifacts on disk, compute each one's content id once.

    Raises ``not_found`` (no folder), ``manifest_invalid`` (either file), ``disk_denied``: what concerns one artifact is
    a row instead. Unknown types keep their record and get no row.
    """
    raise NotImplementedError


def read_files(folder: Path) -> tuple[Manifest | None, Lock, bytes, bytes]:
    """Only manifest and lock, with their bytes (empty where missing)."""
    raise NotImplementedError
