"""manage.py list_sources"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from marketplace.api.serializers import SourceSerializer
from marketplace.models import Source
from marketplace.querysets import SourceHealth
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.text import printable


class Command(Base):
    help = "List sources with their health and what they hold."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--status", action="append", default=[], choices=[health.value for health in SourceHealth])
        parser.add_argument("--tag", action="append", default=[])

    def run(self, options: Mapping[str, Any]) -> int:
        sources = Source.objects.for_list().order_by("pk")
        if options["status"]:
            sources = sources.in_health(*options["status"])
        for tag in options["tag"]:
            sources = sources.filter(tags__has_word=tag.lower())
        rows = [SourceSerializer(source).data for source in sources]
        if self.as_json:
            self.print_json({"results": rows, "summary": {"total": len(rows)}})
            return 0
        for row in rows:
            counts = ", ".join(f"{number} {type_}" for type_, number in row["counts"].items())
            self.stdout.write(f"{row['id']:>4}  {row['health']:13}  {printable(row['url'])}  {counts}")
        self.stdout.write(f"{len(rows)} sources")
        return 0
