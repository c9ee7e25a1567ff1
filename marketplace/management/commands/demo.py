"""manage.py demo [SOURCE]: the main job from end to end, told step by step."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from marketplace import sample
from marketplace.jobs import rescan
from marketplace.models import CatalogEntry, Source
from marketplace.services.results import ScanResult
from marketplace.services.sources import create_source, delete_source, find_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import ItemOutcome
from skillmeat_site.core.text import printable

SHOWN = 20


class Command(Base):
    help = "Register a repository, scan it, show its catalog, see a change upstream. Makes a sample if none is named."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", nargs="?", help="URL of a repository; default: a sample made here, no network")

    def run(self, options: Mapping[str, Any]) -> int:
        offline = not options["source"]
        # A folder of its own below the allowed roots: `make demo` points them here.
        path = settings.SKILLMEAT_HOME / "sample" / "toolbox.git"
        url = options["source"] or str(path)
        if offline:
            shutil.rmtree(path, ignore_errors=True)
            sample.create(path)
        steps: list[dict[str, Any]] = []
        source = self.register(url, fresh=offline)
        self.tell(f"1. Registered {source.url} as source {source.pk}.")
        steps.append(self.scan(source, "2. First scan"))
        self.show(source)
        steps.append(self.scan(source, "3. Scan again"))
        if offline:
            sample.change(path)
            self.tell("4. Upstream: one skill changed, one moved, one came, one agent went.")
            steps.append(self.scan(source, "5. Scan again"))
            self.show_changes(source)
        return self.end(source, steps)

    def register(self, url: str, *, fresh: bool) -> Source:
        """The source; the sample's is registered anew, so that every demonstration tells the same story."""
        known = find_source(url=url)
        if known is not None and fresh:
            delete_source(known, actor=COMMAND_LINE)
            known = None
        return known or create_source(url=url, actor=COMMAND_LINE)

    def scan(self, source: Source, title: str) -> dict[str, Any]:
        result: ScanResult = self.run_job(rescan, {"source_id": source.pk, "force": False, "allow_removals": False})
        counters = result.counters
        same = f", same {result.short_circuit} as before" if result.short_circuit else ""
        self.tell(
            f"{title}: {counters.total} artifacts at {str(result.commit)[:12]}{same}: {counters.new} new, "
            f"{counters.updated} updated, {counters.removed} removed, {counters.unchanged} unchanged "
            f"({counters.within_source} repeat another), {result.duration_ms} ms."
        )
        return result.to_json()

    def show(self, source: Source) -> None:
        entries = CatalogEntry.objects.for_list().visible().filter(source=source).order_by("type", "path")
        for entry in entries[:SHOWN]:
            line = f"     {entry.status:8} {entry.type:11} {entry.confidence:3}  {entry.name}  {entry.path}"
            self.tell(printable(line))
        hidden = entries.count() - SHOWN
        if hidden > 0:
            self.tell(f"     … and {hidden} more: manage.py list_entries --source {source.pk}")

    def show_changes(self, source: Source) -> None:
        entries = CatalogEntry.objects.for_list().filter(source=source)
        for entry in entries.in_status("updated", "removed").order_by("path"):
            moved = f"  (was {entry.moved_from})" if entry.moved_from else ""
            self.tell(f"     {entry.status:8} {entry.type:11} {entry.name}  {entry.path}{moved}")

    def end(self, source: Source, steps: list[dict[str, Any]]) -> int:
        if self.as_json:
            summary = {"total": len(steps), "source_id": source.pk}
            self.print_json({"results": steps, "summary": summary})
        self.tell("Done. `make run` starts the server, `manage.py help` lists the commands.")
        return 0

    def tell(self, line: str) -> None:
        if not self.as_json:
            self.stdout.write(printable(line))

    def fail(self, error: DomainError) -> int:
        if not self.as_json:
            self.stderr.write(f"{ItemOutcome.FAILED.value}: {error.code}: {error.detail}")
            return 1
        return super().fail(error)
