"""manage.py refresh_auto_tags"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from marketplace.management.selecting import select_sources
from marketplace.services.forecast import SweepForecast, forecast_topics, in_words, left_in_words
from marketplace.tag_jobs import bulk_refresh_auto_tags
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import BulkResult


class Command(Base):
    help = "Bring suggested tags up to the topics that repositories have on GitHub."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("sources", nargs="*", metavar="SOURCE", help="id, URL, path or owner/name")
        parser.add_argument("--all", action="store_true", help="all enabled sources that are not backing off")

    def run(self, options: Mapping[str, Any]) -> int:
        chosen = select_sources({**options, "stale": None, "tag": []})
        ids = [source.pk for source in chosen.sources]
        result = BulkResult(())
        if ids:
            self.tell(forecast_topics(chosen.sources))
            refreshed = self.run_job(bulk_refresh_auto_tags, {"ids": ids}, dry_run=options["dry_run"])
            result = BulkResult(refreshed.rows, dry_run=refreshed.dry_run)
        code = self.finish_bulk(result, chosen.rows)
        left = "" if self.as_json else left_in_words(chosen.sources)
        if left:
            self.stdout.write(left)
        return code

    def tell(self, forecast: SweepForecast | None) -> None:
        """What the run will take, to people and before it begins."""
        if forecast is not None and not self.as_json:
            self.stdout.write(in_words(forecast))

    def describe(self, row: Mapping[str, Any], label: str) -> str:
        if "tags_found" not in row or row["code"]:
            return f"{row['outcome']}  {label}  {row.get('code') or ''}".rstrip()
        counts = ", ".join(f"{row[f'tags_{name}']} {name}" for name in ("found", "added", "updated", "gone"))
        return f"{row['outcome']}  {label}  {counts}"
