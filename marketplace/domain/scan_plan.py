"""What a scan would write, from what is known and what was found. Pure: the writer applies it, a dry run shows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NewType

from marketplace.domain.deduplicate import duplicates
from marketplace.domain.doubts import Doubts
from marketplace.domain.types import ArtifactType, Detected

EntryKey = NewType("EntryKey", str)
"""Identity of an entry within its source: where it is and what it is, not what it is called."""

MAX_FREE_REMOVALS = 10
"""Up to here a scan removes without asking, whatever the share."""
MAX_REMOVED_SHARE = 0.5
"""Beyond it, a scan that would remove more than this share of what is present holds the removals."""


def entry_key(type: ArtifactType, path: str, discriminator: str = "") -> EntryKey:
    """``sha256(type NUL path bytes NUL discriminator)``: a renamed frontmatter is an update, not another entry."""
    text = f"{type.value}\0{path}\0{discriminator}"
    return EntryKey(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """What the plan has to know of a row of the catalog."""

    pk: int
    key: EntryKey
    type: str
    path: str
    name: str
    content_oid: str
    fingerprint: str
    present: bool
    plugin_pk: int | None = None
    duplicate_of_pk: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A row to be written again. ``moved``: it gets a new key; ``rewritten`` only: same content, other findings."""

    known: KnownEntry
    key: EntryKey
    content_changed: bool
    moved: bool

    @property
    def counts_as_updated(self) -> bool:
        return self.content_changed or self.moved


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """What a scan would write. ``new + returned + updated + unchanged`` is every detected artifact, once.

    ``rewritten`` are unchanged artifacts of which something else is told now (a rule changed, a warning went):
    they are written, and count as unchanged. ``removed`` is empty where nothing proves an absence, ``held`` are
    removals that wait for a person's word. ``duplicates`` and ``plugins`` link keys to keys.
    """

    found: Mapping[EntryKey, Detected]
    new: tuple[EntryKey, ...]
    returned: tuple[Change, ...]
    updated: tuple[Change, ...]
    rewritten: tuple[Change, ...]
    unchanged_count: int
    removed: tuple[KnownEntry, ...]
    held: tuple[KnownEntry, ...]
    duplicates: Mapping[EntryKey, EntryKey]
    plugins: Mapping[EntryKey, EntryKey]

    def __post_init__(self) -> None:
        parts = len(self.new) + len(self.returned) + len(self.updated) + self.unchanged_count
        if parts != len(self.found):
            raise AssertionError(f"the plan does not add up: {parts} planned, {len(self.found)} found")

    @property
    def moved(self) -> tuple[Change, ...]:
        return tuple(change for change in self.updated if change.moved)


def keyed(artifacts: Iterable[Detected]) -> dict[EntryKey, Detected]:
    """Each artifact under its key. Two under one key would be a fault of the detector."""
    found: dict[EntryKey, Detected] = {}
    for artifact in artifacts:
        key = entry_key(artifact.type, artifact.path, artifact.discriminator)
        if key in found:
            raise AssertionError(f"detected twice: {artifact.type} {artifact.path!r} {artifact.discriminator!r}")
        found[key] = artifact
    return found


def plan_scan(
    known: Sequence[KnownEntry],
    artifacts: Iterable[Detected],
    *,
    complete: bool,
    allow_removals: bool = False,
    hold_removals: bool = False,
    doubts: Doubts | None = None,
) -> ScanPlan:
    """Compare the catalog with one listing.

    An incomplete listing never removes: what it does not show may still be there. ``hold_removals`` holds whatever
    would be removed (the repository is empty, the root folder is gone) unless ``allow_removals``; ``doubts`` hold
    those where nobody could look.
    """
    found = keyed(artifacts)
    by_key = {entry.key: entry for entry in known}
    missing = [entry for entry in known if entry.present and entry.key not in found] if complete else []
    moves = _moves(missing, [key for key in found if key not in by_key], found)
    moved = {entry.pk for entry in moves.values()}
    gone = [entry for entry in missing if entry.pk not in moved]
    present = sum(entry.present for entry in known)
    if allow_removals:
        held = []
    elif hold_removals or _is_too_much(len(gone), present):
        held = gone
    else:
        held = [entry for entry in gone if doubts is not None and doubts.about(entry.path) is not None]
    held_pks = {entry.pk for entry in held}
    new: list[EntryKey] = []
    returned: list[Change] = []
    updated: list[Change] = []
    rewritten: list[Change] = []
    unchanged = 0
    for key, artifact in found.items():
        entry = moves.get(key) or by_key.get(key)
        if entry is None:
            new.append(key)
            continue
        change = Change(entry, key, entry.content_oid != artifact.content_oid, moved=key in moves)
        if not entry.present:
            returned.append(change)
        elif change.counts_as_updated:
            updated.append(change)
        else:
            unchanged += 1
            if entry.fingerprint != fingerprint(artifact):
                rewritten.append(change)
    return ScanPlan(
        found=found,
        new=tuple(new),
        returned=tuple(returned),
        updated=tuple(updated),
        rewritten=tuple(rewritten),
        unchanged_count=unchanged,
        removed=tuple(entry for entry in gone if entry.pk not in held_pks),
        held=tuple(held),
        duplicates=duplicates(found),
        plugins=_plugin_links(found),
    )


def fingerprint(artifact: Detected) -> str:
    """32 hex digits over everything a scan tells of an artifact: equal means that the row needs no write."""
    text = json.dumps(told(artifact), sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def told(artifact: Detected) -> dict[str, Any]:
    """What the catalog keeps of an artifact, as JSON values, by column name."""
    return {
        "type": artifact.type.value,
        "path": artifact.path,
        "file": artifact.file,
        "discriminator": artifact.discriminator,
        "name": artifact.name,
        "namespace": artifact.namespace,
        "content_oid": artifact.content_oid,
        "confidence": artifact.confidence,
        "basis": artifact.basis.value,
        "signals": list(artifact.signals),
        "title": artifact.title,
        "description": artifact.description,
        "tags": list(artifact.tags),
        "metadata": dict(artifact.metadata),
        "warnings": [{"code": w.code, "detail": w.detail, "path": w.path} for w in artifact.warnings],
        "client": artifact.client,
        "manual": artifact.manual,
    }


def _is_too_much(removals: int, present: int) -> bool:
    return removals > MAX_FREE_REMOVALS and removals > present * MAX_REMOVED_SHARE


def _moves(
    missing: Sequence[KnownEntry], arrived: Sequence[EntryKey], found: Mapping[EntryKey, Detected]
) -> dict[EntryKey, KnownEntry]:
    """Pair what is gone with what came under the same type and content: same name first, then by path."""
    moves: dict[EntryKey, KnownEntry] = {}
    taken: set[int] = set()
    for same_name in (True, False):
        left: dict[tuple[str, ...], list[KnownEntry]] = {}
        for entry in sorted(missing, key=lambda entry: entry.path, reverse=True):
            if entry.content_oid and entry.pk not in taken:
                left.setdefault((entry.type, entry.content_oid, *((entry.name,) if same_name else ())), []).append(
                    entry
                )
        for key in sorted(arrived, key=lambda key: found[key].path):
            artifact = found[key]
            kind = (artifact.type.value, artifact.content_oid, *((artifact.name,) if same_name else ()))
            if key not in moves and left.get(kind):
                moves[key] = left[kind].pop()
                taken.add(moves[key].pk)
    return moves


def _plugin_links(found: Mapping[EntryKey, Detected]) -> dict[EntryKey, EntryKey]:
    """Each artifact that lies in a plugin, with the plugin's key (of several at one path, the first)."""
    plugins: dict[str, EntryKey] = {}
    for key, artifact in found.items():
        if artifact.type is ArtifactType.PLUGIN:
            plugins.setdefault(artifact.path, key)
    return {
        key: plugins[artifact.plugin]
        for key, artifact in found.items()
        if artifact.plugin is not None and plugins.get(artifact.plugin, key) != key
    }
