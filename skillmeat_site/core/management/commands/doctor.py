"""manage.py doctor"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from skillmeat_site.core.doctor import Health, examine
from skillmeat_site.core.management.base import Command as Base


class Command(Base):
    help = "Look at what the server stands on, and say what to do about what is not well."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--offline", action="store_true", help="ask no other host than the database's")

    def run(self, options: Mapping[str, Any]) -> int:
        findings = examine(offline=options["offline"])
        if self.as_json:
            self.print_json({"checks": [finding.to_json() for finding in findings]})
        else:
            for finding in findings:
                self.stdout.write(f"{finding.status.upper():8} {finding.name}: {finding.detail}")
                if finding.hint and finding.status is not Health.OK:
                    self.stdout.write(f"{'':8} → {finding.hint}")
        return int(any(finding.status is Health.ERROR for finding in findings))
