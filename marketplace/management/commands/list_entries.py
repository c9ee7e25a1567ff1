"""manage.py list_entries"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from marketplace.api.serializers import EntrySerializer
from marketplace.management.selecting import add_entry_options, select_entries
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.text import printable


class Command(Base):
    help = "List catalog entries; removed, excluded and repeated ones only where asked for."

    def add_options(self, parser: ArgumentParser) -> None:
        add_entry_options(parser)

    def run(self, options: Mapping[str, Any]) -> int:
        entries = select_entries(options)
        if self.as_json:
            rows = [EntrySerializer(entry).data for entry in entries]
            self.print_json({"results": rows, "summary": {"total": len(rows)}})
            return 0
        number = 0
        for entry in entries.iterator(chunk_size=2000):
            number += 1
            name = printable(f"{entry.namespace}:{entry.name}" if entry.namespace else entry.name)
            self.stdout.write(f"{entry.pk:>6}  {entry.status:8}  {entry.type:11}  {name}  {printable(entry.path)}")
        self.stdout.write(f"{number} entries")
        return 0
