"""manage.py remove_artifact"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from collections_app.jobs import remove
from collections_app.management.selecting import add_artifact_arguments, select_artifacts
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import BulkResult


class Command(Base):
    help = "Take artifacts out of their collections, after a snapshot of each collection."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        add_artifact_arguments(parser)

    def run(self, options: Mapping[str, Any]) -> int:
        chosen = select_artifacts(options)
        result = BulkResult(())
        if chosen.artifacts:
            result = self.run_job(remove, {"ids": chosen.ids}, dry_run=options["dry_run"])
        self.changed_collections |= chosen.changed(result)
        return self.finish_bulk(result, chosen.rows)
