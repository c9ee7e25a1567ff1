"""manage.py snapshots"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from collections_app.models import Snapshot
from collections_app.services.holding import find_collection
from collections_app.services.results import snapshot_json
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.text import printable


class Command(Base):
    help = "List the snapshots of a collection, newest first."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("collection", metavar="COLLECTION")

    def run(self, options: Mapping[str, Any]) -> int:
        collection = find_collection(options["collection"])
        rows = [snapshot_json(row) for row in Snapshot.objects.filter(collection=collection).for_list()]
        if self.as_json:
            self.print_json({"results": rows, "summary": {"total": len(rows)}})
            return 0
        for row in rows:
            count = f"{row['artifact_count']} artifacts"
            self.stdout.write(f"{row['id']}  {row['created_at']}  {count:>15}  {printable(row['reason'])}")
        self.stdout.write(f"{len(rows)} snapshots")
        return 0
