"""Base of every command: one JSON document or lines for people, exit codes, errors in one place.

Exit: 0 all well, 1 something failed (each failure is listed with its code), 2 usage, 3 a check found something to do.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError

from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.jobs.context import DryRunContext
from skillmeat_site.core.jobs.failures import as_domain_error
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.redaction import redact
from skillmeat_site.core.results import UNWELL, BulkResult, ItemOutcome, JobStatus, Summary
from skillmeat_site.core.startup import run_start_hooks
from skillmeat_site.core.text import printable
from skillmeat_site.upstream.telling import RunningServer

INTERRUPTED = 130


class Command(BaseCommand):
    """``run`` does the work and returns the exit code. Every command takes ``--json``."""

    writes = False
    """True: the command takes ``--dry-run``."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document on stdout, nothing else")
        if self.writes:
            parser.add_argument("--dry-run", action="store_true", help="show what would be done, write nothing")
        self.add_options(parser)

    def add_options(self, parser: ArgumentParser) -> None:
        """Add what only this command takes."""

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json = bool(options["json"])
        self.changed_collections: set[str] = set()
        """``run`` adds the slug of each collection that it has changed: a running server is told of them."""
        run_start_hooks()
        try:
            code = self.run(options)
        except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        except (DomainError, DatabaseError, OSError) as error:
            failure = as_domain_error(error)
            if failure is None:
                raise
            code = self.fail(failure)
        except KeyboardInterrupt:
            self.stderr.write("Interrupted: what was finished stays, the rest was not begun.")
            code = INTERRUPTED
        if not options.get("dry_run"):
            self.tell_server()
        if code:
            sys.exit(code)

    def tell_server(self) -> None:
        """Tell the running server (SKILLMEAT_API_URL) which collections were changed, after everything else.

        Whatever comes of it, the command ends as it would have: what goes wrong is one line on stderr.
        """
        if not (self.changed_collections and settings.SKILLMEAT_API_URL):
            return
        with suppress(BrokenPipeError):
            self.stdout.flush()
        server = RunningServer(settings.SKILLMEAT_API_URL, settings.SKILLMEAT_API_TOKEN)
        try:
            warning = server.tell(self.changed_collections)
        except KeyboardInterrupt:
            warning = "warning: interrupted before the running server was told of the change"
        if warning:
            self.stderr.write(printable(warning))

    def run(self, options: Mapping[str, Any]) -> int:
        raise NotImplementedError(f"{type(self).__module__} does not say what it does")

    def fail(self, error: DomainError) -> int:
        """A failure of the whole command."""
        row = {"outcome": ItemOutcome.FAILED.value, "code": error.code, "detail": redact(error.detail)}
        return self.finish([row], Summary.of([ItemOutcome.FAILED]))

    def finish(self, rows: Sequence[Mapping[str, Any]], summary: Summary) -> int:
        """Print rows and summary; the exit code."""
        if self.as_json:
            self.print_json({"results": list(rows), "summary": summary.to_json()})
        else:
            for row in rows:
                self.print_row(row)
            counted = [f"{number} {name}" for name, number in summary.to_json().items() if number]
            self.stdout.write(", ".join(counted) or "nothing to do")
        return 1 if any(summary.counts[outcome] for outcome in UNWELL) else 0

    def print_row(self, row: Mapping[str, Any]) -> None:
        """One object for people. Failures go to stderr with their code."""
        label = printable(str(row.get("label") or row.get("url") or row.get("name") or row.get("id") or ""))
        if row.get("outcome") in {outcome.value for outcome in UNWELL}:
            self.stderr.write(f"{label or 'error'}: {row.get('code')}: {row.get('detail') or ''}".strip())
        else:
            self.stdout.write(self.describe(row, label))

    def describe(self, row: Mapping[str, Any], label: str) -> str:
        return f"{row.get('outcome')}  {label}  {row.get('code') or ''}".rstrip()

    def print_json(self, document: Any) -> None:
        self.stdout.write(json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=True))

    def watch(self, done: int, total: int, label: str) -> None:
        """A progress line on a terminal, nothing elsewhere."""
        if sys.stderr.isatty():
            text = f"{done}/{total} {printable(label)}" if total else printable(label)
            self.stderr.write(f"\r\x1b[K{text[:100]}", ending="")

    def run_job(self, definition: JobDefinition, params: Mapping[str, Any], *, dry_run: bool = False) -> Any:
        """The result of a job run here and now, or of its dry run. Raises what the job failed with."""
        if dry_run:
            return definition.function(DryRunContext(COMMAND_LINE), **params, dry_run=True)
        outcome = runner.run_inline(definition, params, COMMAND_LINE, watch=self.watch)
        if sys.stderr.isatty():
            self.stderr.write("\r\x1b[K", ending="")
        return outcome.unwrap()

    def finish_bulk(self, result: BulkResult, before: Sequence[Mapping[str, Any]] = ()) -> int:
        """Print a bulk result, after rows that never got as far as the job."""
        rows = [*before, *({"label": row.object.label, **row.to_json()} for row in result.rows)]
        code = self.finish(rows, Summary.of(str(row["outcome"]) for row in rows))
        return code or int(result.job_status is not JobStatus.SUCCEEDED)
