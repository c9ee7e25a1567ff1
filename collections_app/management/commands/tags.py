"""manage.py tags"""

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
    help = "Add tags to artifacts, or remove them. They are yours from then on: no refresh changes them."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        add_artifact_arguments(parser)
        parser.add_argument("--add", action="append", default=[], metavar="TAG", help="repeatable")
        parser.add_argument("--remove", action="append", default=[], metavar="TAG", help="repeatable")

    def run(self, options: Mapping[str, Any]) -> int:
        if not options["add"] and not options["remove"]:
            raise CommandError("Say what to --add or to --remove.", returncode=USAGE)
        chosen = select_artifacts(options)
        said = {"add_tags": options["add"], "remove_tags": options["remove"]}
        result = BulkResult(())
        if chosen.artifacts:
            result = self.run_job(edit, {"ids": chosen.ids, **said}, dry_run=options["dry_run"])
        self.changed_collections |= chosen.changed(result)
        return self.finish_bulk(result, chosen.rows)
