"""What tests of deployments say over and over."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from collections_app.domain.deploy_targets import Profile
from collections_app.models import Artifact, Project
from collections_app.services.deploying import DeployOptions, deploy_artifacts
from collections_app.services.undeploying import UndeployOptions, undeploy
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import BulkResult

RECORD = ".claude/.skillmeat-deployed.toml"
SKILL = {"SKILL.md": "---\nname: a\n---\n", "run.sh": "#!/bin/sh\n", "sub/x.txt": "x"}


def path(project: Project, *parts: str) -> Path:
    return Path(project.path).joinpath(*parts)


def deploy(project: Project, *artifacts: Artifact, **options: Any) -> BulkResult:
    if "profile" in options:
        options["profile"] = Profile(options["profile"])
    ids = [artifact.pk for artifact in artifacts]
    return deploy_artifacts(project, ids, options=DeployOptions(**options), actor=COMMAND_LINE, report=SilentReport())


def take_back(project: Project, *names: str, **options: Any) -> BulkResult:
    rows = project.deployments.order_by("type", "name")
    ids = [row.pk for row in rows if not names or row.name in names]
    return undeploy(ids, options=UndeployOptions(**options), actor=COMMAND_LINE, report=SilentReport())


def outcomes(result: BulkResult) -> list[tuple[str, str]]:
    return [(row.outcome.value, row.code) for row in result.rows]


def tree(folder: str | Path) -> dict[str, str]:
    """Every file below a folder with its content, hidden ones too; links as what they point to."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"→ {os.readlink(path)}"
        elif path.is_file():
            found[name] = path.read_text()
    return found


def record(project: Project) -> dict[str, Any]:
    return tomllib.loads((Path(project.path) / RECORD).read_text())


def settings_of(project: Project) -> Any:
    return json.loads((Path(project.path) / ".claude/settings.json").read_text())


def agreed(project: Project) -> bool:
    """Whether rows and record name the same deployments, with the same ids."""
    path = Path(project.path) / RECORD
    recorded = tomllib.loads(path.read_text()).get("deployed", []) if path.exists() else []
    in_record = {(one["artifact_type"], one["artifact_name"], one["content_oid"]) for one in recorded}
    return in_record == set(project.deployments.values_list("type", "name", "content_oid"))


def hook(command: str, event: str = "PreToolUse", matcher: str = "Bash") -> str:
    return json.dumps({"hooks": {event: [{"matcher": matcher, "hooks": [{"type": "command", "command": command}]}]}})


def server(name: str, command: str = "npx") -> str:
    return json.dumps({"mcpServers": {name: {"command": command, "args": ["-y", name]}}})
