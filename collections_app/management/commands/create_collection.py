"""manage.py create_collection"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from collections_app.api.serializers import CollectionSerializer
from collections_app.models import Collection
from collections_app.services.collections import create_collection
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import ItemOutcome, Summary


class Command(Base):
    help = "Make an empty collection."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="the name of its folder: a-z, 0-9 and dashes")
        parser.add_argument("--name", default="", help="what people call it")

    def run(self, options: Mapping[str, Any]) -> int:
        dry_run = options["dry_run"]
        made = create_collection(
            options["slug"], name=options["name"], actor=COMMAND_LINE, report=SilentReport(), dry_run=dry_run
        )
        made.artifact_count = made.updates_available = 0  # type: ignore[attr-defined]
        if not dry_run:
            self.changed_collections.add(made.slug)
            made = Collection.objects.for_list().get(pk=made.pk)
        row = {**CollectionSerializer(made).data, "label": made.slug, "outcome": ItemOutcome.CREATED.value}
        return self.finish([{**row, "dry_run": True} if dry_run else row], Summary.of([ItemOutcome.CREATED]))
