"""manage.py pin"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from collections_app.jobs import edit
from collections_app.management.selecting import add_artifact_arguments, select_artifacts
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import BulkResult

USAGE = 2


class Command(Base):
    help = "Pin artifacts to a commit, a tag or a branch, so that no sync touches them; or take the pin back."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        add_artifact_arguments(parser)
        parser.add_argument("--to", metavar="REF", help="a commit, a tag or a branch")
        parser.add_argument("--reason", metavar="TEXT", help="why, at most 500 characters")
        parser.add_argument("--unpin", action="store_true", help="take the pin back")

    def run(self, options: Mapping[str, Any]) -> int:
        if options["unpin"] == (options["to"] is not None) or (options["unpin"] and options["reason"]):
            raise CommandError("Say either --to REF, with a --reason perhaps, or --unpin.", returncode=USAGE)
        chosen = select_artifacts(options)
        said = {"pin": ""} if options["unpin"] else {"pin": options["to"], "pin_reason": options["reason"] or ""}
        if not options["unpin"] and not options["to"].strip():
            raise CommandError("--to wants a ref; --unpin takes a pin back.", returncode=USAGE)
        result = BulkResult(())
        if chosen.artifacts:
            result = self.run_job(edit, {"ids": chosen.ids, **said}, dry_run=options["dry_run"])
        self.changed_collections |= chosen.changed(result)
        return self.finish_bulk(result, chosen.rows)
