"""manage.py adopt_collections"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from collections_app.services.adopting import adopt_from, adopt_in_place
from marketplace.services.adoption_links import link_adopted
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import BulkResult, ItemOutcome, Row


class Command(Base):
    help = "Take over collections that are there already. What is adopted from elsewhere is copied and left as it is."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from",
            dest="source",
            metavar="PATH",
            help="a SkillMeat 1.x home, a collection, or a .claude folder; without it: what lies below the home",
        )

    def run(self, options: Mapping[str, Any]) -> int:
        report = SilentReport()
        common = {"actor": COMMAND_LINE, "report": report, "dry_run": options["dry_run"]}
        source = options["source"]
        result = adopt_from(Path(source), **common) if source else adopt_in_place(**common)
        if not options["dry_run"]:
            result = BulkResult(tuple(self.linked(row, report) for row in result.rows))
        written = (ItemOutcome.CREATED, ItemOutcome.UPDATED)
        changed = (row for row in result.rows if row.object.type == "collection" and row.outcome in written)
        self.changed_collections |= {row.object.id for row in changed}
        return self.finish_bulk(result)

    def linked(self, row: Row, report: SilentReport) -> Row:
        """The row of a collection, after its artifacts were matched with the catalog."""
        if row.object.type != "collection" or row.outcome is ItemOutcome.FAILED:
            return row
        try:
            linked = link_adopted(row.object.id, actor=COMMAND_LINE, report=report)
        except DomainError as error:
            return Row(row.object, ItemOutcome.FAILED, error.code, error.detail, row.detail)
        return replace(row, detail={**(row.detail or {}), "linked": linked})
