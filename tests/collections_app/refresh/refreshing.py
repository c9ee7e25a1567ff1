"""Refreshing in tests: a real repository, a real import, and counters that are checked to add up every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from collections_app.domain.artifact_edit import ArtifactEdit
from collections_app.domain.refresh_options import RefreshOptions
from collections_app.models import Artifact, Collection
from collections_app.services.artifacts import edit_artifacts
from collections_app.services.homes import home
from collections_app.services.refresh_results import RefreshResult, UpdateCheckResult
from collections_app.services.refreshing import refresh_collection
from marketplace.models import Source
from marketplace.services.import_coordinator import ImportCoordinator
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport

SLUG = "default"
METADATA: dict[str, Any] = {}
SYNC: dict[str, Any] = {"mode": "sync"}


def import_all(source: Source) -> None:
    """Import every entry of a source into the default collection."""
    ids = list(source.entries.order_by("pk").values_list("pk", flat=True))
    result = ImportCoordinator().import_entries(ids, source.pk, "skip")
    told = result.to_json()
    assert told["error_count"] == 0, told


def run(*, dry_run: bool = False, **said: Any) -> RefreshResult:
    """Refresh the default collection, and check what holds for every refresh."""
    result = refresh_collection(
        SLUG, RefreshOptions.of(said), actor=COMMAND_LINE, report=SilentReport(), dry_run=dry_run
    )
    assert isinstance(result, RefreshResult)
    told = result.to_json()
    counts = [told[f"{name}_count"] for name in ("refreshed", "unchanged", "skipped", "error")]
    assert sum(counts) == len(told["details"]) == told["summary"]["total"]
    assert told["dry_run"] is dry_run
    assert Collection.objects.get(slug=SLUG).lease_token is None
    for row in told["details"]:
        assert set(row["applied"]) <= set(row["changes"]) == set(row["new_values"]) == set(row["old_values"])
        assert bool(row["changes"]) is (row["status"] == "refreshed")
    return result


def check(*, dry_run: bool = False, **said: Any) -> dict[str, Any]:
    result = refresh_collection(
        SLUG,
        RefreshOptions.of({"mode": "check_only", **said}),
        actor=COMMAND_LINE,
        report=SilentReport(),
        dry_run=dry_run,
    )
    assert isinstance(result, UpdateCheckResult)
    told = result.to_json()
    counts = [told[name] for name in ("updates_available", "up_to_date", "skipped", "errors")]
    assert sum(counts) == len(told["results"])
    return told


def states(told: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["state"] for row in told["results"]}


def detail(result: RefreshResult, name: str) -> dict[str, Any]:
    return next(row for row in result.to_json()["details"] if row["name"] == name)


def statuses(result: RefreshResult) -> dict[str, str]:
    return {row["name"]: row["status"] for row in result.to_json()["details"]}


def folder() -> Path:
    return home().collection(SLUG)


def every_byte() -> dict[str, bytes]:
    """Every file of the collection, without the working folder."""
    root = folder()
    files = (path for path in root.rglob("*") if path.is_file() and ".skillmeat" not in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def artifact(name: str) -> Artifact:
    return Artifact.objects.with_state().get(collection__slug=SLUG, name=name)


def pin(name: str, ref: str) -> None:
    edit_artifacts([artifact(name).pk], ArtifactEdit.of({"pin": ref}), actor=COMMAND_LINE, report=SilentReport())


def skill_path(name: str) -> Path:
    return folder() / "skills" / name / "SKILL.md"
