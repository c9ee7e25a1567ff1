"""manage.py deploy"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collections_app.domain.deploy_targets import Profile
from collections_app.jobs import bulk_deploy
from collections_app.management.selecting import add_artifact_arguments, select_artifacts
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import BulkResult


class Command(Base):
    help = "Deploy artifacts into a project, which is registered if it was not."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        add_artifact_arguments(parser)
        parser.add_argument("--project", required=True, metavar="PATH", help="the project's folder")
        profiles = [profile.value for profile in Profile]
        parser.add_argument("--profile", choices=profiles, default=Profile.CLAUDE_CODE.value)
        parser.add_argument("--overwrite", action="store_true", help="also over what nobody deployed, or was edited")

    def run(self, options: Mapping[str, Any]) -> int:
        chosen = select_artifacts(options)
        params = {
            "ids": [str(artifact.pk) for artifact in chosen.artifacts],
            "project": str(Path(options["project"]).expanduser().absolute()),
            "profile": options["profile"],
            "overwrite": options["overwrite"],
        }
        result = BulkResult(())
        if chosen.artifacts:
            result = self.run_job(bulk_deploy, params, dry_run=options["dry_run"])
        return self.finish_bulk(result, chosen.rows)
