"""A person's decisions about entries: exclude and restore. The one door to their user-owned columns."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from marketplace.models import CatalogEntry
from marketplace.services.sources import not_found_row
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import FieldProblem, InvalidParameter
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.results import BulkResult, ItemOutcome, ObjectRef, Row
from skillmeat_site.core.text import storable
from skillmeat_site.core.transactions import repeatably

MAX_REASON = 500


def entry_ref(pk: int, label: str) -> ObjectRef:
    return ObjectRef("entry", str(pk), label)


def set_excluded(
    ids: Sequence[int], *, excluded: bool, reason: str = "", actor: Actor, dry_run: bool = False
) -> BulkResult:
    """Exclude entries from what is shown and imported, or restore them; each row settles by itself.

    Idempotent: an entry that is as wanted (with the same reason) is ``unchanged``; excluding again with another
    reason keeps the first date. One transaction, a constant number of statements. Raises InvalidParameter for a
    reason over 500 characters.
    """
    reason = storable(reason).strip()
    if len(reason) > MAX_REASON:
        detail = f"must have at most {MAX_REASON} characters"
        raise InvalidParameter(f"reason: {detail}", errors=(FieldProblem("/reason", "max_length", detail),))
    wanted = list(dict.fromkeys(ids))
    return repeatably(lambda: _set_excluded(wanted, excluded, reason, actor, dry_run))


def _set_excluded(wanted: Sequence[int], excluded: bool, reason: str, actor: Actor, dry_run: bool) -> BulkResult:
    entries = {
        entry.pk: entry
        for entry in CatalogEntry.objects.filter(pk__among=wanted)
        .order_by("pk")
        .select_for_update(of=("self",))
        .only("pk", "type", "name", "namespace", "excluded_at", "excluded_reason")
    }
    rows, changed = [], []
    for pk in wanted:
        entry = entries.get(pk)
        if entry is None:
            rows.append(not_found_row("entry", pk))
            continue
        as_wanted = (entry.excluded_at is not None) == excluded
        same_reason = not excluded or entry.excluded_reason == reason
        outcome = ItemOutcome.UNCHANGED if as_wanted and same_reason else ItemOutcome.UPDATED
        if outcome is ItemOutcome.UPDATED:
            changed.append(entry)
        rows.append(Row(entry_ref(pk, str(entry)), outcome))
    if changed and not dry_run:
        _write(changed, excluded=excluded, reason=reason, actor=actor)
    return BulkResult(tuple(rows), dry_run=dry_run)


def _write(entries: Sequence[CatalogEntry], *, excluded: bool, reason: str, actor: Actor) -> None:
    now = timezone.now()
    chosen = CatalogEntry.objects.filter(pk__among=[entry.pk for entry in entries])
    if excluded:
        chosen.filter(excluded_at__isnull=True).update(excluded_at=now)
        chosen.update(excluded_reason=reason, updated_at=now)
    else:
        chosen.update(excluded_at=None, excluded_reason="", updated_at=now)
    AuditEvent.record(
        actor,
        "entries.excluded" if excluded else "entries.restored",
        entries[0],
        ids=[entry.pk for entry in entries],
        reason=reason,
    )
