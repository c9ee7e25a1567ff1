"""manage.py refresh_cache"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from cache_app.jobs import refresh
from cache_app.management.showing import finish_cache
from cache_app.services.refreshing import named_project
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.text import printable


class Command(Base):
    help = "Read stale projects from their disks, or one that is named, and show what is other than before."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", nargs="?", metavar="PROJECT", help="id or path; without it all that are stale")
        parser.add_argument("--force", action="store_true", help="also where the last reading still holds")

    def run(self, options: Mapping[str, Any]) -> int:
        """Exit 1 where a project could not be read."""
        ids = None if options["project"] is None else [named_project(options["project"]).pk]
        params = {"ids": ids, "force": options["force"]}
        return finish_cache(self, self.run_job(refresh, params, dry_run=options["dry_run"]))

    def describe(self, row: Mapping[str, Any], label: str) -> str:
        lines = [f"{row['outcome']}  {label}  {row.get('code') or ''}".rstrip()]
        lines += [f"  {one['change']}  {one['type']}:{printable(one['name'])}" for one in row.get("changes", [])]
        return "\n".join(lines)
