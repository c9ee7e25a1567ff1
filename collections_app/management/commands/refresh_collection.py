"""manage.py refresh_collection"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from collections_app.domain.refresh_options import RefreshMode, RefreshOptions
from collections_app.domain.refresh_plan import CONTENT
from collections_app.jobs import refresh, rollback
from collections_app.management.refresh_lines import SHOWN, checked_lines, refreshed_lines
from collections_app.services.holding import DEFAULT
from collections_app.services.plan_diff import plan_diffs
from collections_app.services.refresh_results import UpdateCheckResult
from skillmeat_site.core.errors import DomainError, InvalidParameter
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import UNWELL, Summary
from skillmeat_site.core.text import printable

USAGE = 2
FOUND = 3


class Command(Base):
    help = "Bring a collection up to date with its upstreams, or tell what there is."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("collection", nargs="?", default=DEFAULT, help="default: %(default)s")
        parser.add_argument("--check", action="store_true", help="what a refresh would change, with -v 2 file by file")
        parser.add_argument("--check-only", action="store_true", help="which artifacts have updates; exit 3 if any")
        parser.add_argument("-m", "--metadata-only", action="store_true", help="records only, no files (the default)")
        parser.add_argument("--sync", action="store_true", help="take new versions as well")
        parser.add_argument("--strategy", help="for edited artifacts: abort (default), ours, theirs, merge")
        parser.add_argument("-t", "--type", "--artifact-type", action="append", default=[], dest="types")
        parser.add_argument("-n", "--name-pattern", default="", metavar="GLOB")
        parser.add_argument("--fields", help="only these: description,tags,author,license,title,version")
        parser.add_argument("--rollback", action="store_true", help="go back behind the last refresh")
        parser.add_argument("-y", "--yes", action="store_true", help="do not ask before a rollback")

    def run(self, options: Mapping[str, Any]) -> int:
        slug = options["collection"]
        if options["rollback"]:
            return self.roll_back(slug, options)
        chosen = self.chosen(options)
        dry_run = options["dry_run"] or options["check"]
        result = self.run_job(refresh, {"slug": slug, **chosen.to_json()}, dry_run=dry_run)
        if not dry_run and result.changes:
            self.changed_collections.add(slug)
        row = {"outcome": result.item_outcome.value, **result.to_json()}
        if options["verbosity"] > 1 and row.get("plan_id"):
            self.add_files(slug, row, most=None if options["json"] else SHOWN)
        self.finish([row], Summary.of([result.item_outcome]))
        if any(result.summary.counts[outcome] for outcome in UNWELL):
            return 1
        if isinstance(result, UpdateCheckResult):
            return FOUND if result.something_to_do else 0
        return FOUND if options["check"] and result.changes else 0

    def add_files(self, slug: str, row: dict[str, Any], most: int | None) -> None:
        """Put what would become of its files into the row of each artifact that would take some."""
        rows = (one for one in row["details"] if CONTENT in one["changes"] and one["artifact_id"])
        details = {one["artifact_id"]: one for one in rows}
        for artifact_id, found in plan_diffs(slug, row["plan_id"], list(details)[:most], report=SilentReport()):
            if isinstance(found, DomainError):
                details[artifact_id]["files"] = {"code": found.code, "detail": found.detail}
            else:
                details[artifact_id]["files"] = [each.to_json() for each in found.files[:]]

    def chosen(self, options: Mapping[str, Any]) -> RefreshOptions:
        """What the options come to. Raises CommandError (exit 2) for a combination or a word that means nothing."""
        modes = {
            RefreshMode.CHECK_ONLY: options["check_only"],
            RefreshMode.METADATA_ONLY: options["metadata_only"],
            RefreshMode.SYNC: options["sync"],
        }
        wanted = [mode for mode, given in modes.items() if given]
        if len(wanted) > 1 or (options["check"] and options["check_only"]):
            raise CommandError(
                "Give one of --check-only, --metadata-only, --sync; --check goes with the last two.", returncode=USAGE
            )
        fields: str | None = options["fields"]
        said = {
            "mode": wanted[0] if wanted else None,
            "strategy": options["strategy"],
            "fields": None if fields is None else [word for word in fields.split(",") if word.strip()],
            "filters": {
                "name": options["name_pattern"],
                **({"type": options["types"]} if options["types"] else {}),
            },
        }
        try:
            return RefreshOptions.of(said)
        except InvalidParameter as error:
            raise CommandError(error.detail, returncode=USAGE) from None

    def roll_back(self, slug: str, options: Mapping[str, Any]) -> int:
        others = ("check", "check_only", "metadata_only", "sync", "strategy", "types", "name_pattern", "fields")
        if any(options[name] for name in others):
            raise CommandError("--rollback goes with no other option but --yes and --dry-run.", returncode=USAGE)
        if not (options["yes"] or options["dry_run"]) and not self.confirmed(slug):
            return 1
        result = self.run_job(rollback, {"slug": slug}, dry_run=options["dry_run"])
        if result.changed:
            self.changed_collections.add(slug)
        return self.finish([{"label": slug, **result.to_json()}], Summary.of([result.item_outcome]))

    def confirmed(self, slug: str) -> bool:
        if not sys.stdin.isatty():
            raise CommandError("Nobody is there to be asked: give --yes.", returncode=USAGE)
        self.stderr.write(f"Give {printable(slug)} back as it was before its last refresh? [y/N] ", ending="")
        return input().strip().lower() in ("y", "yes")

    def describe(self, row: Mapping[str, Any], label: str) -> str:
        if "details" in row:
            return "\n".join(refreshed_lines(row))
        if "results" in row:
            return "\n".join(checked_lines(row))
        return f"{row['outcome']}  {label}  {len(row['changed'])} changed"
