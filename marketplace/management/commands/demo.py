"""manage.py demo [SOURCE]: the main job from end to end, told step by step."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import F

from collections_app.jobs import bulk_deploy, refresh, restore, rollback
from collections_app.models import Artifact, Collection, Project
from collections_app.services.collections import delete_collection
from collections_app.services.drift import drift_of
from collections_app.services.projects import ensure_project
from collections_app.services.refresh_results import RefreshResult, UpdateCheckResult
from collections_app.services.results import Restored
from marketplace import sample
from marketplace.jobs import import_source, reimport, rescan
from marketplace.models import CatalogEntry, Source
from marketplace.services.import_results import ImportResult, ReimportResult
from marketplace.services.results import ScanResult
from marketplace.services.sources import create_source, delete_source, find_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import BulkResult, ItemOutcome
from skillmeat_site.core.text import printable
from skillmeat_site.upstream.errors import PathNotAllowed

SHOWN = 20
COLLECTION = "demo"


class Command(Base):
    help = "Register, scan, import, deploy, refresh, go back. Makes a sample if no source is named."

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
        steps.append(self.take_in(source))
        project = self.scratch_project()
        steps += self.deploy(project)
        if offline:
            sample.change(path)
            self.tell("6. Upstream: a skill and a command changed, a skill moved, one came, an agent went.")
            steps.append(self.scan(source, "7. Scan again"))
            self.show_changes(source)
            steps += self.follow(source, project)
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

    def take_in(self, source: Source) -> dict[str, Any]:
        """Import into a collection of the demonstration's own, which starts empty each time."""
        if Collection.objects.filter(slug=COLLECTION).exists():
            delete_collection(COLLECTION, force=True, actor=COMMAND_LINE, report=SilentReport())
        entries = CatalogEntry.objects.visible().filter(source=source).exclude(type="marketplace")
        ids = list(entries.order_by("type", "path").values_list("pk", flat=True)[:SHOWN])
        params = {"source_id": source.pk, "ids": ids, "collection": COLLECTION, "strategy": "rename"}
        result: ImportResult = self.run_job(import_source, params)
        counts = result.summary.to_json()
        self.tell(
            f"4. Imported into the collection {COLLECTION!r}: {counts['created']} of {counts['total']} artifacts."
        )
        for entry in result.entries:
            self.tell(f"     {entry.outcome:8} {entry.label}  {entry.code}")
        return result.to_json()

    def scratch_project(self) -> Path | None:
        """An empty project below the allowed roots, where some are allowed."""
        home = settings.SKILLMEAT_HOME
        path = home.with_name(f"{home.name}-projects") / "scratch"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        try:
            ensure_project(str(path), actor=COMMAND_LINE, report=SilentReport())
        except PathNotAllowed:
            self.tell(f"5. Nothing deployed: SKILLMEAT_PROJECT_ROOTS does not allow {path.parent}.")
            return None
        return path

    def deploy(self, project: Path | None) -> list[dict[str, Any]]:
        if project is None:
            return []
        artifacts = (
            Artifact.objects.filter(collection__slug=COLLECTION).exclude(type="plugin").order_by("type", "name")
        )
        params = {"ids": [str(pk) for pk in artifacts.values_list("pk", flat=True)[:SHOWN]], "project": str(project)}
        result: BulkResult = self.run_job(bulk_deploy, params)
        self.tell(f"5. Deployed {len(result.rows)} artifacts into {project}:")
        for path in sorted(project.rglob("*")):
            if path.is_file():
                self.tell(f"     {path.relative_to(project)}")
        return [result.to_json()]

    def follow(self, source: Source, project: Path | None) -> list[dict[str, Any]]:
        """Bring what changed upstream into collection and project; then go back."""
        changed = CatalogEntry.objects.filter(source=source, presence="present", imports__isnull=False)
        entry = changed.exclude(content_oid=F("imports__artifact__base_oid")).order_by("-type", "path").first()
        if entry is None:
            return []
        params = {"source_id": source.pk, "entry_id": entry.pk, "keep_deployments": True}
        result: ReimportResult = self.run_job(reimport, params)
        self.tell(
            f"8. Re-imported {entry}: {result.previous_oid[:12]} → {result.new_oid[:12]}, "
            f"{result.deployments_restored} deployments follow; snapshot {result.snapshot_id}."
        )
        back: Restored = self.run_job(restore, {"slug": COLLECTION, "snapshot_id": result.snapshot_id})
        self.tell(f"9. Gone back to that snapshot: {', '.join(back.changed)}.")
        if project is not None:
            summary = drift_of(Project.objects.get(path=str(project))).summary
            states = [f"{count} {state}" for state, count in summary.items() if count and state != "total"]
            self.tell(f"   The project beside it: {', '.join(states)}.")
        return [result.to_json(), back.to_json(), *self.keep_current()]

    def keep_current(self) -> list[dict[str, Any]]:
        """What a refresh tells first, what it does, and the way back."""
        check: UpdateCheckResult = self.run_job(refresh, {"slug": COLLECTION, "mode": "check_only"})
        told = check.to_json()
        self.tell(
            f"10. Checked: {told['updates_available']} updates available, {told['up_to_date']} up to date, "
            f"{told['errors']} no longer to be found."
        )
        noted: RefreshResult = self.run_job(refresh, {"slug": COLLECTION})
        self.tell(f"11. Metadata refreshed, files left alone: {self.changes(noted)}.")
        foreseen: RefreshResult = self.run_job(refresh, {"slug": COLLECTION, "mode": "sync"}, dry_run=True)
        self.tell(f"12. A sync would change {self.changes(foreseen)}.")
        synced: RefreshResult = self.run_job(refresh, {"slug": COLLECTION, "mode": "sync"})
        self.tell(f"13. Synced, after a snapshot: {self.changes(synced)}.")
        back: Restored = self.run_job(rollback, {"slug": COLLECTION})
        self.tell(f"14. Rolled back: {', '.join(back.changed)}.")
        return [told, noted.to_json(), foreseen.to_json(), synced.to_json(), back.to_json()]

    def changes(self, result: RefreshResult) -> str:
        """Each artifact that changes, and what of it."""
        rows = [row for row in result.to_json()["details"] if row["changes"]]
        return ", ".join(f"{row['type']}:{row['name']} ({', '.join(row['changes'])})" for row in rows) or "nothing"

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
