"""The whole catalog in a few counts, each of which a list can show: read from indexes, never row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Count, F, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from marketplace.domain.advice import EntryFacts, SourceFacts
from marketplace.errors import REMOVALS_HELD
from marketplace.models import CatalogEntry, EntryImport, ScanRun, Source, SourceTag
from marketplace.querysets import EntryStatus, SourceHealth
from skillmeat_site.core.results import ItemOutcome

PLAIN = Q(excluded_at__isnull=True, duplicate_of__isnull=True)


@dataclass(frozen=True, slots=True)
class SourceTally:
    """Every source is in exactly one of ``healths``. ``held`` are among those that fail; ``waiting`` back off.

    ``waiting_tags``: suggested tags that nobody has decided on.
    """

    healths: Mapping[SourceHealth, int]
    held: int
    waiting: int
    waiting_tags: int

    @property
    def total(self) -> int:
        return sum(self.healths.values())

    @property
    def facts(self) -> SourceFacts:
        healths = self.healths
        return SourceFacts(
            self.total,
            never_scanned=healths[SourceHealth.NEVER_SCANNED],
            failing=healths[SourceHealth.FAILING] + healths[SourceHealth.UNREACHABLE] - self.held,
            held=self.held,
            stale=healths[SourceHealth.STALE],
            waiting_tags=self.waiting_tags,
        )


@dataclass(frozen=True, slots=True)
class EntryTally:
    """Every entry is in exactly one of ``statuses``; ``types`` are of those that are present.

    ``updates``: imported ones with other content now. ``importable``: what an import of everything would take.
    """

    statuses: Mapping[EntryStatus, int]
    types: Mapping[str, int]
    updates: int
    importable: int

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    @property
    def facts(self) -> EntryFacts:
        return EntryFacts(self.importable, self.statuses[EntryStatus.IMPORTED], self.updates)


@dataclass(frozen=True, slots=True)
class DayOfScans:
    """The scans of one day (UTC), and what they changed."""

    scans: int
    failed: int
    new: int
    updated: int
    removed: int


def tally_sources(user: Any) -> SourceTally:
    """One statement: without sources there are no tags either."""
    tags = SourceTag.objects.for_user(user).waiting().order_by().annotate(one=Value(1)).values("one")
    rows: Any = (
        Source.objects.for_user(user)
        .with_health()
        .order_by()
        .annotate(tags_waiting=Coalesce(Subquery(tags.annotate(n=Count("*")).values("n")), 0))
        .values("health", "tags_waiting")
        .annotate(
            n=Count("pk"),
            held=Count("pk", filter=Q(enabled=True, last_error_code=REMOVALS_HELD)),
            waiting=Count("pk", filter=Q(enabled=True, not_before__gt=timezone.now())),
        )
    )
    found = {row["health"]: row for row in rows}
    return SourceTally(
        {health: found.get(health, {}).get("n", 0) for health in SourceHealth},
        held=sum(row["held"] for row in found.values()),
        waiting=sum(row["waiting"] for row in found.values()),
        waiting_tags=next((row["tags_waiting"] for row in found.values()), 0),
    )


def tally_entries(user: Any) -> EntryTally:
    """Two statements: over an index of the entries, and over what was imported."""
    statuses: Counter[EntryStatus] = Counter()
    types: Counter[str] = Counter()
    importable = 0
    rows = (
        CatalogEntry.objects.for_user(user)
        .order_by()
        # In the order of the index entry_tally, so that nothing is sorted.
        .values("type", "presence", "changed_since_first_seen")
        .annotate(n=Count("*"), excluded=Count("excluded_at"), plain=Count("type", filter=PLAIN))
    )
    for row in rows:
        present, usual = row["presence"] == "present", row["n"] - row["excluded"]
        statuses[EntryStatus.EXCLUDED] += row["excluded"]
        if not present:
            statuses[EntryStatus.REMOVED] += usual
            continue
        statuses[EntryStatus.UPDATED if row["changed_since_first_seen"] else EntryStatus.NEW] += usual
        types[row["type"]] += row["n"]
        if row["type"] != "marketplace":
            importable += row["plain"]
    imported = _imported(user)
    # Counted above as new or updated, as if nothing had been imported.
    statuses[EntryStatus.UPDATED] -= imported["changed"]
    statuses[EntryStatus.NEW] -= imported["n"] - imported["changed"]
    statuses[EntryStatus.IMPORTED] = imported["n"]
    return EntryTally(
        {status: statuses[status] for status in EntryStatus}, dict(types), imported["updates"], importable
    )


def _imported(user: Any) -> dict[str, int]:
    """Entries of which something was imported, neither removed nor excluded; the same conditions as the list's."""
    usual = EntryImport.objects.filter(entry__presence="present", entry__excluded_at__isnull=True)
    older = ~Q(entry__content_oid="") & ~Q(artifact__base_oid=F("entry__content_oid"))
    entries = partial(Count, "entry", distinct=True)
    return usual.order_by().aggregate(
        n=entries(), changed=entries(filter=Q(entry__changed_since_first_seen=True)), updates=entries(filter=older)
    )


def scans_by_day(days: int, now: datetime) -> dict[date, DayOfScans]:
    """The last so many days, today included, of which there are any scans. One statement over an index."""
    rows: Any = (
        ScanRun.objects.order_by()
        .filter(day__gt=now.date() - timedelta(days=days))
        .values("day")
        .annotate(
            scans=Count("*"),
            failed=Count("outcome", filter=Q(outcome=ItemOutcome.FAILED.value)),
            new=Sum("new_count"),
            updated=Sum("updated_count"),
            removed=Sum("removed_count"),
        )
    )
    return {row.pop("day"): DayOfScans(**row) for row in rows}
