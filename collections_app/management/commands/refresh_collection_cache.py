"""manage.py refresh_collection_cache"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from collections_app.jobs import index, index_all
from collections_app.models import Collection
from collections_app.services.holding import DEFAULT
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import ItemOutcome, JobStatus, Summary

USAGE = 2
COUNTS = ("added", "updated", "removed", "missing", "unchanged", "skipped")


class Command(Base):
    help = "Bring the index of collections up to date with their files."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("collection", nargs="?", metavar="COLLECTION", help=f"default: {DEFAULT}")
        parser.add_argument("--all", action="store_true", help="all collections")

    def run(self, options: Mapping[str, Any]) -> int:
        if options["all"] and options["collection"]:
            raise CommandError("Name a collection, or say --all.", returncode=USAGE)
        if options["all"]:
            slugs = list(Collection.objects.order_by("slug").values_list("slug", flat=True))
            result = self.run_job(index_all, {"slugs": slugs}, dry_run=options["dry_run"])
            rows = [{"label": row.object.label, **row.to_json()} for row in result.rows]
        else:
            params = {"slug": options["collection"] or DEFAULT}
            result = self.run_job(index, params, dry_run=options["dry_run"])
            rows = [{"label": params["slug"], **result.to_json()}]
        code = self.finish(rows, Summary.of(ItemOutcome(row["outcome"]) for row in rows))
        for row in rows:
            for error in row.get("errors", ()):
                self.stderr.write(f"{row['label']} {error.get('artifact', '')}: {error['code']}: {error['detail']}")
        return code or int(result.job_status is not JobStatus.SUCCEEDED)

    def describe(self, row: Mapping[str, Any], label: str) -> str:
        counts = ", ".join(f"{row[f'{name}_count']} {name}" for name in COUNTS if row.get(f"{name}_count"))
        return f"{row['outcome']}  {label}  {counts}".rstrip()
