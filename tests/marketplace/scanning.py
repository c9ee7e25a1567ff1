"""Scanning in tests: every scan is checked to add up, and whole tables are compared, not samples of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.apps import apps

from marketplace.models import CatalogEntry, Manifest, Source
from marketplace.services.rescan import ScanOptions, rescan_source
from marketplace.services.results import ScanResult
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import UpstreamSlot
from skillmeat_site.core.reporting import SilentReport

PARTS = {
    "new": "new_count",
    "updated": "updated_count",
    "removed": "removed_count",
    "unchanged": "unchanged_count",
    "within": "duplicates_within_source",
    "cross": "duplicates_cross_source",
}


def scan(source: Source, *, report: Any = None, **options: bool) -> ScanResult:
    """Scan, and check what holds for every scan whatever it found."""
    result = rescan_source(
        source.pk, actor=COMMAND_LINE, options=ScanOptions(**options), report=report or SilentReport()
    )
    told = result.to_json()
    assert told["artifacts_found"] == told["total_detected"]
    assert told["artifacts_found"] == told["new_count"] + told["updated_count"] + told["unchanged_count"]
    assert told["total_unique"] == (
        told["total_detected"] - told["duplicates_within_source"] - told["duplicates_cross_source"]
    )
    source.refresh_from_db()
    assert source.lease_token is None
    if result.listing_complete and not result.dry_run:
        present = source.entries.present()
        assert present.count() == told["artifacts_found"] + result.held
        if not result.held:
            assert present.filter(duplicate_of__isnull=False).count() == told["duplicates_within_source"]
            assert source.counts == counted(present)
    return result


def counted(entries: Any) -> dict[str, int]:
    """How many of each type."""
    counts: dict[str, int] = {}
    for type_ in entries.order_by("type").values_list("type", flat=True):
        counts[type_] = counts.get(type_, 0) + 1
    return counts


def counters(result: ScanResult | Mapping[str, Any]) -> dict[str, int]:
    """The counters that are not zero."""
    told = result if isinstance(result, Mapping) else result.to_json()
    return {name: told[field] for name, field in PARTS.items() if told[field]}


def entry(source: Source, path: str, **more: Any) -> CatalogEntry:
    """The one entry at a path, with its status."""
    return CatalogEntry.objects.with_status().get(source=source, path=path, **more)


def statuses(source: Source) -> dict[str, str]:
    """Path → status of every entry."""
    return dict(CatalogEntry.objects.with_status().filter(source=source).values_list("path", "status"))


def dump(source: Source | None = None) -> list[tuple[Any, ...]]:
    """Every column of every entry, in a fixed order: equal dumps mean that nothing was touched."""
    entries = CatalogEntry.objects.order_by("pk")
    columns = [field.attname for field in CatalogEntry._meta.concrete_fields]
    return list((entries.filter(source=source) if source else entries).values_list(*columns))


def row_counts() -> dict[str, int]:
    """How many rows every table has, but for the parse cache and the places to ask from."""
    counted = (model for model in apps.get_models() if model not in (Manifest, UpstreamSlot))
    return {model._meta.label: model._default_manager.count() for model in counted}


class Interfering(SilentReport):
    """Does something at the moment when the scan tells that it has come to ``label``."""

    def __init__(self, label: str, action: Callable[[], object]) -> None:
        super().__init__()
        self.label, self.action, self.done = label, action, False

    def progress(self, done: int, total: int, label: str = "") -> None:
        super().progress(done, total, label)
        if not self.done and label.startswith(self.label):
            self.done = True
            self.action()


WRITING = "writing the catalog"
DETECTING = "detecting"
