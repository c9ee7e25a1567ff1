"""manage.py list_artifacts"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from collections_app.api.serializers import ArtifactSerializer
from collections_app.management.selecting import add_artifact_filters, filter_artifacts
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.text import printable


class Command(Base):
    help = "List the artifacts of collections with their state."

    def add_options(self, parser: ArgumentParser) -> None:
        add_artifact_filters(parser)

    def run(self, options: Mapping[str, Any]) -> int:
        artifacts = filter_artifacts(options)
        rows = [ArtifactSerializer(artifact).data for artifact in artifacts]
        updates = artifacts.update_available().count()
        if self.as_json:
            self.print_json({"results": rows, "summary": {"total": len(rows), "updates_available": updates}})
            return 0
        for row in rows:
            name = printable(f"{row['type']}:{row['name']}")
            notes = [f"pinned to {row['pin']}"] if row["pinned"] else []
            notes += [row["problem"]["code"]] if row["problem"] else []
            notes += [row["check_code"]] if row["check_code"] else []
            line = f"{row['state']:18}  {row['collection']:12}  {name}  {printable(', '.join(notes))}"
            self.stdout.write(line.rstrip())
        self.stdout.write(f"{len(rows)} artifacts, {updates} with updates")
        return 0
