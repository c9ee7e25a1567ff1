"""manage.py sync_schedules"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skillmeat_site.core.jobs.schedules import schedules, sync
from skillmeat_site.core.management.base import Command as Base


class Command(Base):
    help = "Write the schedules that stand in the code to the queue's table; run it after every update."

    def run(self, options: Mapping[str, Any]) -> int:
        counts = sync()
        rows = [{"name": schedule.name, "minutes": schedule.minutes} for schedule in schedules()]
        if self.as_json:
            self.print_json({"results": rows, "summary": counts})
        else:
            for row in rows:
                self.stdout.write(f"every {row['minutes']} min  {row['name']}")
            self.stdout.write(", ".join(f"{number} {name}" for name, number in counts.items()))
        return 0
