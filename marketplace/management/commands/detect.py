"""manage.py detect PATH or URL: what would be found, without a row in the database."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from marketplace.domain.types import Detected
from marketplace.management.selecting import USAGE
from marketplace.services.detect import Found, detect_repository, detect_tree
from skillmeat_site.core.api.problems import problem
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.text import printable


class Command(Base):
    help = "Show which artifacts a repository, a folder or a listing holds. Writes nothing to the catalog."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("repository", nargs="?", metavar="PATH or URL", help="any path you can read, or a URL")
        parser.add_argument("--tree", type=Path, metavar="FILE", help="a recursive tree as GitHub answers it, or gzip")
        parser.add_argument("--ref", default="", help="branch, tag or commit")
        parser.add_argument("--root-hint", default="", help="only look at or below this folder")

    def run(self, options: Mapping[str, Any]) -> int:
        if (options["repository"] is None) == (options["tree"] is None):
            raise CommandError("Name a repository, or a listing by --tree.", returncode=USAGE)
        if options["tree"] is not None:
            found = detect_tree(options["tree"], root_hint=options["root_hint"])
        else:
            found = detect_repository(options["repository"], ref=options["ref"], root_hint=options["root_hint"])
        self.show(found)
        return 0

    def fail(self, error: DomainError) -> int:
        if self.as_json:
            self.print_json({"error": problem(error, "")})
        else:
            self.stderr.write(f"{error.code}: {error.detail}")
        return 1

    def show(self, found: Found) -> None:
        if self.as_json:
            self.print_json(
                {
                    "commit": found.commit,
                    "tree_oid": found.tree_oid,
                    "complete": found.complete,
                    "artifacts": [as_json(artifact) for artifact in found.artifacts],
                    "warnings": [warning._asdict() for warning in found.warnings],
                }
            )
            return
        for artifact in found.artifacts:
            name = f"{artifact.namespace}:{artifact.name}" if artifact.namespace else artifact.name
            line = f"{artifact.type:11} {artifact.confidence:3}  {name}  {artifact.path}"
            self.stdout.write(printable(line) + "".join(f"  [{w.code}]" for w in artifact.warnings))
        self.stdout.write(f"{len(found.artifacts)} artifacts" + ("" if found.complete else " (listing incomplete)"))
        for warning in found.warnings:
            self.stderr.write(printable(f"{warning.code}: {warning.detail} {warning.path}".rstrip()))


def as_json(artifact: Detected) -> dict[str, Any]:
    return {
        "type": artifact.type.value,
        "path": artifact.path,
        "name": artifact.name,
        "namespace": artifact.namespace,
        "confidence": artifact.confidence,
        "basis": artifact.basis.value,
        "content_oid": artifact.content_oid,
        "title": artifact.title,
        "description": artifact.description,
        "signals": list(artifact.signals),
        "warnings": [warning._asdict() for warning in artifact.warnings],
    }
