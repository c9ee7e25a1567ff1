"""manage.py undeploy"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction

from collections_app.domain.deploy_targets import Profile
from collections_app.jobs import bulk_undeploy
from collections_app.management.selecting import failed_row, parse_artifact
from collections_app.models import Deployment, Project
from collections_app.services.projects import ensure_project
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import BulkResult, ItemOutcome


class Command(Base):
    help = "Take artifacts back out of a project: exactly what deploying added, unless it was edited since."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("artifacts", nargs="+", metavar="ARTIFACT", help="type:name, or id")
        parser.add_argument("--project", required=True, metavar="PATH", help="the project's folder")
        profiles = [profile.value for profile in Profile]
        parser.add_argument("--profile", choices=profiles, default=Profile.CLAUDE_CODE.value)
        parser.add_argument("--collection", help="only what came from this collection")
        parser.add_argument("--force", action="store_true", help="remove also what was edited since")

    def run(self, options: Mapping[str, Any]) -> int:
        if not options["dry_run"]:
            return self.take_back(options)
        with transaction.atomic():  # the project may have to be registered for it, and is not to be
            code = self.take_back(options)
            transaction.set_rollback(True)
        return code

    def take_back(self, options: Mapping[str, Any]) -> int:
        path = str(Path(options["project"]).expanduser().absolute())
        project = ensure_project(path, actor=COMMAND_LINE, report=SilentReport())
        ids: dict[UUID, None] = {}
        rows: list[dict[str, Any]] = []
        for word in options["artifacts"]:
            try:
                found = self.find(project, word, options)
            except DomainError as error:
                rows.append(failed_row(word, error))
                continue
            if found is None:
                rows.append({"label": word, "outcome": ItemOutcome.SKIPPED.value, "code": "not_deployed"})
            else:
                ids[found] = None
        result = BulkResult(())
        if ids:
            params = {"ids": [str(pk) for pk in ids], "force": options["force"]}
            result = self.run_job(bulk_undeploy, params, dry_run=options["dry_run"])
        return self.finish_bulk(result, rows)

    def find(self, project: Project, word: str, options: Mapping[str, Any]) -> UUID | None:
        """The deployment that a word means, also of an artifact that its collection has no more."""
        wanted = parse_artifact(word)
        deployed = Deployment.objects.filter(project=project, profile=options["profile"]).for_list()
        if isinstance(wanted, UUID):
            rows = deployed.filter(artifact_id=wanted) or deployed.filter(pk=wanted)
        else:
            rows = deployed.filter(type=wanted.type, name=wanted.name)
        slug = options["collection"]
        return next((row.pk for row in rows if slug in (None, row.collection_slug)), None)
