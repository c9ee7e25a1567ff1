"""collection.lock: what exactly was fetched, per artifact."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from collections_app.domain.toml_fields import FORMAT, Fields, block, header, line, lines, load, shown_time
from collections_app.domain.types import ArtifactRef

LOCK_NAME = "collection.lock"
OLD_LOCK_NAME = "collection.lock.v1"

_TEXTS = ("content_oid", "upstream", "resolved_sha", "resolved_version")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEntry:
    """One ``[lock.entries."name::type"]``. ``content_hash`` is required by 1.x; we write ``content_oid`` there."""

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
        """The entry of an artifact, or None. For many, ``by_ref``."""
        return next((entry for entry in self.entries if entry.ref == ref), None)

    def by_ref(self) -> dict[ArtifactRef, LockEntry]:
        """All entries by type and name."""
        return {entry.ref: entry for entry in self.entries}

    def with_entries(self, entries: Iterable[LockEntry]) -> Lock:
        """The same with these entries put in, each in the place of an older one of its artifact."""
        merged = {entry.ref: entry for entry in self.entries}
        merged.update((entry.ref, entry) for entry in entries)
        return replace(self, entries=_sorted(merged.values()))

    def without(self, refs: Collection[ArtifactRef]) -> Lock:
        """The same without the entries of these artifacts."""
        gone = set(refs)
        return replace(self, entries=tuple(entry for entry in self.entries if entry.ref not in gone))


def _sorted(entries: Iterable[LockEntry]) -> tuple[LockEntry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.ref))


def parse_lock(raw: bytes) -> Lock:
    """Read a collection.lock of format 2 or of SkillMeat 1.x; raises as ``parse_manifest`` does."""
    top, source_format = load(raw, LOCK_NAME)
    head = Fields(top.rest.pop("lock", {}), "[lock]")
    entries = [_entry(key, table) for key, table in head.table("entries").items()]
    return Lock(
        entries=_sorted(entries),
        version=head.text("version") or "1.0.0",
        lock=head.rest,
        source_format=source_format,
        extra=top.rest,
    )


def _entry(key: str, table: object) -> LockEntry:
    fields = Fields(table, f"[lock.entries] {key[:80]}")
    name, separator, type_ = key.rpartition("::")
    if not name or not separator or not type_:
        raise fields.wrong("key", "is not of the form name::type")
    return LockEntry(
        ref=ArtifactRef(type_, name),
        content_hash=fields.needed("content_hash"),
        fetched=fields.needed_time("fetched"),
        **{name: fields.text(name) for name in _TEXTS},
        extra=fields.rest,
    )


def write_lock(lock: Lock) -> bytes:
    """The file's bytes: sorted, deterministic, ``parse_lock(write_lock(x)) == x`` (its format now 2)."""
    parts = [line("format", FORMAT), lines(lock.extra), block(header("lock"), {"version": lock.version}, lock.lock)]
    parts.extend(_written(entry) for entry in _sorted(lock.entries))
    return "".join(parts).encode()


def _written(entry: LockEntry) -> str:
    own: dict[str, object] = {name: getattr(entry, name) for name in ("content_hash", *_TEXTS)}
    own["fetched"] = shown_time(entry.fetched)
    return block(header("lock", "entries", entry.ref.lock_key), own, entry.extra)
