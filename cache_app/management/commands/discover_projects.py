"""manage.py discover_projects"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cache_app.jobs import discover
from cache_app.management.showing import finish_cache
from skillmeat_site.core.management.base import Command as Base


class Command(Base):
    help = "Look for projects below SKILLMEAT_PROJECT_ROOTS; register what is new, forget what is gone."
    writes = True

    def run(self, options: Mapping[str, Any]) -> int:
        """Exit 1 where anything could not be read."""
        return finish_cache(self, self.run_job(discover, {}, dry_run=options["dry_run"]))
