"""manage.py drift"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collections_app.services.drift import drift_of
from collections_app.services.projects import project_at
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.text import printable

TO_DO = 3


class Command(Base):
    help = "Show what has become of what is deployed in a project. Writes nothing, asks no network."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, metavar="PATH", help="the project's folder")
        parser.add_argument("--check", action="store_true", help="exit with 3 where anything is not in sync")

    def run(self, options: Mapping[str, Any]) -> int:
        """Exit 1 only where the project's record could not be read."""
        report = drift_of(project_at(str(Path(options["project"]).expanduser().absolute())))
        shown = report.to_json()
        if self.as_json:
            self.print_json(shown)
        else:
            for row in shown["results"]:
                self.stdout.write(
                    f"{row['state']:9}  {row['type']}:{printable(row['name'])}  {printable(row['target'])}"
                )
            counted = [f"{number} {state}" for state, number in report.summary.items() if number and state != "total"]
            self.stdout.write(", ".join(counted) or "nothing is deployed")
        if report.problem is not None:
            self.stderr.write(f"{report.problem.code}: {report.problem.detail}")
            return 1
        return TO_DO if options["check"] and not report.in_sync else 0
