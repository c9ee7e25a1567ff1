"""Writes a scan plan to the catalog. The only writer of scan-owned columns; must run inside the scan's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from marketplace.domain.scan_plan import Change, EntryKey, KnownEntry, ScanPlan, fingerprint, told
from marketplace.domain.search import entry_words
from marketplace.models import CatalogEntry, Source
from marketplace.models.entry import SCAN_OWNED, Presence
from skillmeat_site.core.bulk import insert_rows, update_rows

NAME_LENGTH = 300
NAMESPACE_LENGTH = 500

_TOLD = (
    "type", "path", "file", "discriminator", "name", "namespace", "content_oid", "confidence", "basis", "signals",
    "title", "description", "tags", "metadata", "warnings", "client", "manual",
)  # fmt: skip
_WRITTEN = (
    *_TOLD, "key", "commit", "fingerprint", "search_text", "presence", "removed_at", "changed_since_first_seen",
    "moved_from", "updated_at",
)  # fmt: skip
if not SCAN_OWNED.issuperset(_WRITTEN):
    raise AssertionError("the scan writes a column that is not its own")


def known_entries(source: Source) -> list[KnownEntry]:
    """Every row of the source, as little of each as a plan needs: one statement."""
    columns = (
        "pk", "key", "type", "path", "name", "content_oid", "fingerprint", "presence", "plugin_id", "duplicate_of_id",
    )  # fmt: skip
    return [
        KnownEntry(pk, EntryKey(key), type_, path, name, oid, mark, presence == Presence.PRESENT, plugin, duplicate)
        for pk, key, type_, path, name, oid, mark, presence, plugin, duplicate in source.entries.values_list(*columns)
    ]


def write_plan(source: Source, plan: ScanPlan, known: Sequence[KnownEntry], *, commit: str, now: datetime) -> None:
    """Bring the catalog to what the plan says. The number of statements does not grow with single rows.

    What it writes it locks first, in the order of ids as everybody does: two that lock crosswise wait for ever.
    """
    changes = [*plan.returned, *plan.updated, *plan.rewritten]
    rows = [_changed_row(plan, change, commit, now) for change in changes]
    if rows or plan.removed:
        _lock_and_keep_history(plan, {row["pk"]: row for row in rows})
    _insert(source, plan, commit, now)
    _free_keys(plan.moved)
    if rows:
        update_rows(CatalogEntry, rows, _WRITTEN)
    if plan.removed:
        CatalogEntry.objects.filter(pk__among=[entry.pk for entry in plan.removed]).update(
            presence=Presence.REMOVED, removed_at=now, updated_at=now, plugin=None, duplicate_of=None
        )
    _link(source, plan, known, now)


def _insert(source: Source, plan: ScanPlan, commit: str, now: datetime) -> None:
    fixed = {"source_id": source.pk, "first_seen_at": now, "excluded_at": None, "excluded_reason": ""}
    rows = ({**_row(plan, key, commit, now), **fixed} for key in plan.new)
    insert_rows(CatalogEntry, rows, (*_WRITTEN, *fixed))


def _row(plan: ScanPlan, key: EntryKey, commit: str, now: datetime) -> dict[str, Any]:
    """What every written row gets, by column."""
    artifact = plan.found[key]
    columns = told(artifact)
    columns["name"] = columns["name"][:NAME_LENGTH]
    columns["discriminator"] = columns["discriminator"][:NAME_LENGTH]
    columns["namespace"] = columns["namespace"][:NAMESPACE_LENGTH]
    return {
        **columns,
        "key": key,
        "commit": commit,
        "fingerprint": fingerprint(artifact),
        "search_text": entry_words(columns),
        "presence": Presence.PRESENT,
        "removed_at": None,
        "changed_since_first_seen": False,
        "moved_from": "",
        "updated_at": now,
    }


def _changed_row(plan: ScanPlan, change: Change, commit: str, now: datetime) -> dict[str, Any]:
    row = {"pk": change.known.pk, **_row(plan, change.key, commit, now)}
    if change.moved and change.known.path != row["path"]:
        row["moved_from"] = change.known.path
    return row


def _lock_and_keep_history(plan: ScanPlan, rows: dict[int, dict[str, Any]]) -> None:
    """What a row remembers of its past: that it changed, where it came from, at which commit its content was new.

    A returned entry counts as new and starts afresh. Locks these rows and those to be removed.
    """
    updated = {change.known.pk: change for change in plan.updated}
    kept = {change.known.pk for change in (*plan.updated, *plan.rewritten)}
    locked = CatalogEntry.objects.select_for_update(no_key=True).order_by("pk")
    remembered = locked.filter(pk__among=[*rows, *(entry.pk for entry in plan.removed)]).values_list(
        "pk", "commit", "changed_since_first_seen", "moved_from"
    )
    for pk, commit, changed, moved_from in remembered:
        if pk not in kept:
            continue
        row = rows[pk]
        row["changed_since_first_seen"] = changed or pk in updated
        row["moved_from"] = row["moved_from"] or moved_from
        if pk not in updated or not updated[pk].content_changed:
            row["commit"] = commit


def _free_keys(moved: Iterable[Change]) -> None:
    """Swapped paths would collide on the unique key: moved rows let go of theirs first."""
    rows = [{"pk": change.known.pk, "key": f"moving:{change.known.pk}"} for change in moved]
    if rows:
        update_rows(CatalogEntry, rows, ["key"])


def _link(source: Source, plan: ScanPlan, known: Sequence[KnownEntry], now: datetime) -> None:
    """Set plugin and duplicate links where they differ from what stands there."""
    if not (plan.plugins or plan.duplicates or any(k.plugin_pk or k.duplicate_of_pk for k in known)):
        return
    pks: dict[EntryKey, int]
    if plan.new or plan.moved:
        pks = {EntryKey(key): pk for key, pk in source.entries.filter(presence="present").values_list("key", "pk")}
    else:
        pks = {entry.key: entry.pk for entry in known}
    before = {entry.pk: (entry.plugin_pk, entry.duplicate_of_pk) for entry in known}
    rows = []
    for key in plan.found:
        pk = pks[key]
        plugin, duplicate = plan.plugins.get(key), plan.duplicates.get(key)
        links = (pks[plugin] if plugin else None, pks[duplicate] if duplicate else None)
        if before.get(pk, (None, None)) != links:
            rows.append({"pk": pk, "plugin_id": links[0], "duplicate_of_id": links[1], "updated_at": now})
    if rows:
        update_rows(CatalogEntry, rows, ["plugin_id", "duplicate_of_id", "updated_at"])
