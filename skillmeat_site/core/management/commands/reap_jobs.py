"""manage.py reap_jobs"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skillmeat_site.core.jobs.reaper import reap
from skillmeat_site.core.management.base import Command as Base


class Command(Base):
    help = "Set jobs going again whose worker died or whose message was lost; end those that died too often."

    def run(self, options: Mapping[str, Any]) -> int:
        counts = reap().to_json()
        if self.as_json:
            self.print_json({"results": [counts], "summary": counts})
        else:
            self.stdout.write(", ".join(f"{number} {name}" for name, number in counts.items()))
        return 0
