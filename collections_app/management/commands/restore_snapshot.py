"""manage.py restore_snapshot"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from collections_app.jobs import restore
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import Summary


class Command(Base):
    help = "Give back every byte of a collection as it was, after a snapshot of what it is now."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("collection", metavar="COLLECTION")
        parser.add_argument("snapshot", metavar="SNAPSHOT", help="an id that `snapshots` lists")

    def run(self, options: Mapping[str, Any]) -> int:
        params = {"slug": options["collection"], "snapshot_id": options["snapshot"]}
        result = self.run_job(restore, params, dry_run=options["dry_run"])
        if result.changed:
            self.changed_collections.add(options["collection"])
        row = {"label": options["collection"], **result.to_json()}
        return self.finish([row], Summary.of([result.item_outcome]))

    def describe(self, row: Mapping[str, Any], label: str) -> str:
        if "changed" not in row:
            return super().describe(row, label)
        safety = f"  (before that: snapshot {row['safety_snapshot_id']})" if row["safety_snapshot_id"] else ""
        return f"{row['outcome']}  {label}  {len(row['changed'])} artifacts and files{safety}"
