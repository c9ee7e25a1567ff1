"""manage.py exclude_entries"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from marketplace.jobs import bulk_update_entries
from marketplace.management.selecting import ENTRY_FILTERS, USAGE, add_entry_options, select_entries
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import BulkResult


class Command(Base):
    help = "Exclude entries from what is shown and imported, or restore them. A scan never changes that."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("entries", nargs="*", type=int, metavar="ENTRY", help="id")
        parser.add_argument("--reason", default="", help="why, at most 500 characters")
        parser.add_argument("--restore", action="store_true", help="take the exclusion back")
        add_entry_options(parser)

    def run(self, options: Mapping[str, Any]) -> int:
        filtered = any(options[name] for name in ENTRY_FILTERS)
        if bool(options["entries"]) == filtered:
            raise CommandError("Name entries by id, or choose them by filters.", returncode=USAGE)
        ids = options["entries"] or self.chosen(options)
        params = {"ids": ids, "excluded": not options["restore"], "reason": options["reason"]}
        result = self.run_job(bulk_update_entries, params, dry_run=options["dry_run"]) if ids else BulkResult(())
        return self.finish_bulk(result)

    def chosen(self, options: Mapping[str, Any]) -> list[int]:
        shown = [*options["include"], "excluded"] if options["restore"] else options["include"]
        return list(select_entries({**options, "include": shown}).values_list("pk", flat=True))
