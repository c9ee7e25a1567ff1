"""manage.py import_entries"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from collections_app.domain.import_plan import Strategy
from collections_app.services.holding import DEFAULT
from marketplace.jobs import bulk_import
from marketplace.management.selecting import add_entry_options, named_or_chosen
from marketplace.models import CatalogEntry, Source
from marketplace.services.import_results import BulkImportResult
from marketplace.services.sources import source_ref
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import UNWELL, ItemOutcome, Summary
from skillmeat_site.core.text import printable

COUNTED = ("success", "skipped", "conflict", "error")


class Command(Base):
    help = "Import catalog entries into a collection: those named, or all importable ones that the filters leave."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("entries", nargs="*", type=int, metavar="ENTRY", help="id")
        parser.add_argument("--all", action="store_true", help="every importable entry, of --source or of all sources")
        parser.add_argument("--collection", default=DEFAULT, help="made where there is none")
        parser.add_argument(
            "--strategy", default=Strategy.SKIP.value, choices=list(Strategy), help="where the name is taken"
        )
        parser.add_argument("--source-ref", default="", help="branch, tag or commit, not what the catalog shows")
        add_entry_options(parser)

    def run(self, options: Mapping[str, Any]) -> int:
        ids = named_or_chosen(options, CatalogEntry.objects.importable(), all_of_them=options["all"])
        params = {
            "ids": ids,
            "collection": options["collection"],
            "strategy": options["strategy"],
            "source_ref": options["source_ref"],
        }
        dry_run = options["dry_run"]
        result = self.run_job(bulk_import, params, dry_run=dry_run) if ids else BulkImportResult((), (), dry_run)
        if any(row.outcome in (ItemOutcome.CREATED, ItemOutcome.UPDATED) for row in result.rows):
            self.changed_collections.add(options["collection"])
        return self.tell(result)

    def tell(self, result: BulkImportResult) -> int:
        """One result per source; what belongs to none is a row of its own. The summary counts entries."""
        sources = Source.objects.in_bulk([imported.source_id for imported in result.imports])
        rows = [
            {"label": source_ref(sources[imported.source_id]).label, **imported.to_json()}
            for imported in result.imports
            if imported.source_id in sources
        ]
        told = {entry.entry_id for imported in result.imports for entry in imported.entries}
        rows += [{"label": row.object.id, **row.to_json()} for row in result.rows if int(row.object.id) not in told]
        return self.finish(rows, Summary.of(row.outcome for row in result.rows))

    def print_row(self, row: Mapping[str, Any]) -> None:
        if "entries" not in row:
            super().print_row(row)
            return
        counts = ", ".join(f"{row[f'{name}_count']} {name}" for name in COUNTED if row[f"{name}_count"])
        dry = "  (dry run)" if row["dry_run"] else ""
        self.stdout.write(f"{row['outcome']}  {printable(row['label'])} → {row['collection']}  {counts}{dry}")
        for entry in row["entries"]:
            if entry["outcome"] in UNWELL:
                why = entry["error"] or entry["conflict_with"] or ""
                self.stderr.write(f"entry {entry['entry_id']}: {entry['code']}: {printable(why)}")
