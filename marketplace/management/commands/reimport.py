"""manage.py reimport"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from collections_app.models import Artifact
from marketplace.jobs import bulk_reimport
from marketplace.management.selecting import add_entry_options, named_or_chosen
from marketplace.models import CatalogEntry
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import UNWELL, BulkResult


class Command(Base):
    help = "Import anew what was imported before, each into itself, after a snapshot."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("entries", nargs="*", type=int, metavar="ENTRY", help="id")
        parser.add_argument(
            "--keep-deployments",
            action="store_true",
            help="keep id, tags, pin and deployments, of which those that nobody edited follow",
        )
        parser.add_argument("--collection", default="", help="which, of an entry that is imported into several")
        add_entry_options(parser)

    def run(self, options: Mapping[str, Any]) -> int:
        imported = CatalogEntry.objects.imported(into=options["collection"])
        params = {
            "ids": named_or_chosen(options, imported, all_of_them=False),
            "keep_deployments": options["keep_deployments"],
            "collection": options["collection"],
        }
        dry_run = options["dry_run"]
        result = self.run_job(bulk_reimport, params, dry_run=dry_run) if params["ids"] else BulkResult((), dry_run)
        done = [str((row.detail or {}).get("artifact_id")) for row in result.rows if row.outcome not in UNWELL]
        made = Artifact.objects.filter(pk__in=[] if dry_run else done)
        self.changed_collections |= set(made.values_list("collection__slug", flat=True))
        return self.finish_bulk(result)

    def describe(self, row: Mapping[str, Any], label: str) -> str:
        notes = [str(row["message"])]
        notes += ["local changes are in the snapshot"] if row["local_changes"] else []
        notes += [f"snapshot {row['snapshot_id']}"] if row["snapshot_id"] else []
        notes += ["dry run"] if row["dry_run"] else []
        return f"{row['outcome']}  {label}  ({'; '.join(notes)})"
