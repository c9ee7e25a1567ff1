"""manage.py rescan"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.errors import REMOVALS_HELD
from marketplace.jobs import bulk_rescan, rescan
from marketplace.management.selecting import add_source_options, select_sources
from marketplace.models import Source
from marketplace.services.forecast import SweepForecast, forecast_sweep, in_words, left_in_words
from marketplace.services.sources import source_ref
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.api.serializers import JobSerializer
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.jobs.settling import deferral
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import BulkResult, ItemOutcome, Row
from skillmeat_site.core.text import printable

COUNTED = ("new", "updated", "removed", "unchanged")


class Command(Base):
    help = "Bring the catalog of sources up to date."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        add_source_options(parser)
        parser.add_argument("--force", action="store_true", help="scan even if the commit has not changed")
        parser.add_argument("--allow-removals", action="store_true", help="carry out removals that were held")
        parser.add_argument("--async", action="store_true", dest="queued", help="queue a job, do not wait")

    def run(self, options: Mapping[str, Any]) -> int:
        chosen = select_sources(options)
        flags = {"force": options["force"], "allow_removals": options["allow_removals"]}
        if options["queued"] and not options["dry_run"]:
            return self.queue(chosen.sources, chosen.rows, flags)
        if len(chosen.sources) == 1:
            return self.one(chosen.sources[0], chosen.rows, flags, dry_run=options["dry_run"])
        ids = [source.pk for source in chosen.sources]
        result = BulkResult(())
        if ids:
            self.tell(forecast_sweep(chosen.sources))
            result = self.run_job(bulk_rescan, {"ids": ids, **flags}, dry_run=options["dry_run"])
        code = self.finish_bulk(result, chosen.rows) or int(any(row.code == REMOVALS_HELD for row in result.rows))
        self.tell_left(chosen.sources)
        return code

    def tell(self, forecast: SweepForecast | None) -> None:
        """What the run will take, to people and before it begins."""
        if forecast is not None and not self.as_json:
            self.stdout.write(in_words(forecast))

    def tell_left(self, sources: Sequence[Source]) -> None:
        """What it left, to people."""
        left = "" if self.as_json else left_in_words(sources)
        if left:
            self.stdout.write(left)

    def one(self, source: Source, rows: Sequence[Any], flags: Mapping[str, Any], *, dry_run: bool) -> int:
        """One source is one job; its failure is a row like any other."""
        try:
            result = self.run_job(rescan, {"source_id": source.pk, **flags}, dry_run=dry_run)
            row = Row(source_ref(source), result.item_outcome, result.code, detail=result.to_json())
        except DomainError as error:
            detail = {"source_id": source.pk, **(deferral(error) if error.defers else {})}
            outcome = ItemOutcome.DEFERRED if error.defers else ItemOutcome.FAILED
            row = Row(source_ref(source), outcome, error.code, error.detail, detail)
            return self.finish_bulk(BulkResult((row,)), rows)
        code = self.finish_bulk(BulkResult((row,)), rows) or int(bool(result.held))
        self.tell_left([source])
        return code

    def queue(self, sources: Sequence[Source], rows: Sequence[Any], flags: Mapping[str, Any]) -> int:
        if len(sources) == 1:
            jobs = [runner.enqueue(rescan, {"source_id": sources[0].pk, **flags}, COMMAND_LINE)]
        elif sources:
            ids = [source.pk for source in sources]
            jobs = [runner.enqueue(bulk_rescan, {"ids": ids, **flags}, COMMAND_LINE)]
        else:
            jobs = []
        shown = [JobSerializer(job).data for job in jobs]
        if self.as_json:
            self.print_json({"results": [*rows, *shown], "summary": {"total": len(rows) + len(shown)}})
        for row in () if self.as_json else rows:
            self.print_row(row)
        for job in () if self.as_json else jobs:
            self.stdout.write(f"queued  {printable(job.label)}  job {job.pk}")
        return int(any(row["outcome"] == ItemOutcome.FAILED for row in rows))

    def describe(self, row: Mapping[str, Any], label: str) -> str:
        if "new_count" not in row:
            return f"{row['outcome']}  {label}  {row.get('code') or ''}".rstrip()
        counts = ", ".join(f"{row[f'{name}_count']} {name}" for name in COUNTED if row[f"{name}_count"])
        notes = [f"commit {str(row['commit'] or 'none')[:12]}"]
        notes += [f"same {row['short_circuit']} as before"] if row["short_circuit"] else []
        notes += [f"{len(row['warnings'])} warnings"] if row["warnings"] else []
        notes += [str(row["code"])] if row.get("code") else []
        notes += ["dry run"] if row["dry_run"] else []
        return f"{row['outcome']}  {label}  {counts or 'no artifacts'}  ({', '.join(notes)})"
