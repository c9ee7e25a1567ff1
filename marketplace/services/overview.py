"""The whole catalog in a few counts, each of which a list can show: read from indexes, never row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Case, Count, F, Q, Sum, TextField, Value, When
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from marketplace.domain.advice import EntryFacts, SourceFacts
from marketplace.errors import REMOVALS_HELD
from marketplace.models import CatalogEntry, EntryImport, ScanRun, Source, SourceTag
from marketplace.querysets import EntryStatus, SourceHealth
from skillmeat_site.core.results import ItemOutcome

EXCLUDED = Case(When(excluded_at__isnull=True, then=Value(False)), default=Value(True), output_field=BooleanField())


@dataclass(frozen=True, slots=True)
class SourceTally:
    """Every source is in exactly one of ``healths``. ``held`` are among those that fail; ``waiting`` back off."""

    healths: Mapping[SourceHealth, int]
    held: int
    waiting: int

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

    def facts(self, waiting_tags: int) -> EntryFacts:
        return EntryFacts(self.importable, self.statuses[EntryStatus.IMPORTED], self.updates, waiting_tags)


@dataclass(frozen=True, slots=True)
class DayOfScans:
    """The scans of one day (UTC), and what they changed."""

    scans: int
    failed: int
    new: int
    updated: int
    removed: int


def tally_sources(user: Any) -> SourceTally:
    """One statement."""
    rows = (
        Source.objects.for_user(user)
        .with_health()
        .order_by()
        .values("health")
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
    )


def tally_entries(user: Any) -> EntryTally:
    """Two statements: over an index of the entries, and over what was imported."""
    statuses: Counter[EntryStatus] = Counter()
    types: Counter[str] = Counter()
    importable = 0
    rows = (
        CatalogEntry.objects.for_user(user)
        .order_by()
        .annotate(excluded=EXCLUDED)
        .values("type", "presence", "changed_since_first_seen", "excluded")
        .annotate(n=Count("*"), duplicates=Count("duplicate_of"))
    )
    for row in rows:
        present = row["presence"] == "present"
        if present:
            types[row["type"]] += row["n"]
        if present and not row["excluded"] and row["type"] != "marketplace":
            importable += row["n"] - row["duplicates"]
        if row["excluded"]:
            statuses[EntryStatus.EXCLUDED] += row["n"]
        elif not present:
            statuses[EntryStatus.REMOVED] += row["n"]
        else:
            changed = row["changed_since_first_seen"]
            statuses[EntryStatus.UPDATED if changed else EntryStatus.NEW] += row["n"]
    # Counted above as new or updated, as if nothing had been imported.
    updates = 0
    for row in _imported(user):
        changed = row["entry__changed_since_first_seen"]
        statuses[EntryStatus.UPDATED if changed else EntryStatus.NEW] -= row["n"]
        statuses[EntryStatus.IMPORTED] += row["n"]
        updates += row["updates"]
    return EntryTally({status: statuses[status] for status in EntryStatus}, dict(types), updates, importable)


def _imported(user: Any) -> Any:
    """Entries of which something was imported, neither removed nor excluded; the same conditions as the list's."""
    usual = EntryImport.objects.filter(entry__presence="present", entry__excluded_at__isnull=True)
    older = ~Q(entry__content_oid="") & ~Q(artifact__base_oid=F("entry__content_oid"))
    return (
        usual.order_by()
        .values("entry__changed_since_first_seen")
        .annotate(n=Count("entry", distinct=True), updates=Count("entry", distinct=True, filter=older))
    )


def waiting_tags(user: Any) -> int:
    return SourceTag.objects.for_user(user).waiting().count()


def scans_by_day(days: int, now: datetime) -> dict[date, DayOfScans]:
    """The last so many days, today included, of which there are any scans. One statement over an index."""
    first = (now - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    # The first ten characters of a time are its day, in both databases; their own date functions are slow on SQLite.
    day = Substr(Cast("created_at", TextField()), 1, 10)
    rows = (
        ScanRun.objects.order_by()
        .filter(created_at__gte=first)
        .values(day=day)
        .annotate(
            scans=Count("*"),
            failed=Count("outcome", filter=Q(outcome=ItemOutcome.FAILED.value)),
            new=Sum("new_count"),
            updated=Sum("updated_count"),
            removed=Sum("removed_count"),
        )
    )
    return {date.fromisoformat(row.pop("day")): DayOfScans(**row) for row in rows}
