"""collection.lock: what exactly was fetched, per artifact."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collections_app.domain.manifest import FORMAT
from collections_app.domain.types import ArtifactRef

LOCK_NAME = "collection.lock"
OLD_LOCK_NAME = "collection.lock.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEntry:
    """One ``[lock.entries."name::type"]``. ``content_hash`` is required by 1.x; in what we write it is ``content_oid``."""

    ref: ArtifactRef
    content_hash: str
    fetched: datetime
    content_oid: str | None = None
    upstream: str | None = None
    resolved_sha: str | None = None
    resolved_version: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A collection.lock, read. ``entries`` are sorted by type and name. ``Lock()`` is what a missing file reads as."""

    entries: tuple[LockEntry, ...] = ()
    version: str = "1.0.0"
    source_format: int = FORMAT
    lock: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def get(self, ref: ArtifactRef) -> LockEntry | None:
        """The entry of an artifact, or None."""
        raise NotImplementedError

    def with_entries(self, entries: Iterable[LockEntry]) -> Lock:
        """The same with these entries put in, each in the place of an older one of its artifact."""
        raise NotImplementedError

    def without(self, refs: Collection[ArtifactRef]) -> Lock:
        """The same without the entries of these artifacts."""
        raise NotImplementedError


def parse_lock(raw: bytes) -> Lock:
    """Read a collection.lock of format 2 or of SkillMeat 1.x; raises ``manifest_invalid`` as ``parse_manifest`` does."""
    raise NotImplementedError


def write_lock(lock: Lock) -> bytes:
    """The file's bytes: sorted, deterministic, ``parse_lock(write_lock(x)) == x`` (its format now 2)."""
    raise NotImplementedError
