"""Projects whose disk went away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cache_app.models import ProjectState
from cache_app.services.discovering import discover_projects
from collections_app.models import Project
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.marketplace.commanding import manage

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_vanished_mount(api: Any, make_project: Callable[..., Path], roots: Path) -> None:
    """By REST and by the command: an error row for each, what was read of them stays, the others are read."""
    for name in ("mnt/a", "mnt/b", "here"):
        make_project(name, ("skill", "x"))
    discover_projects(actor=COMMAND_LINE, report=SilentReport())
    assert api.post("/api/v1/cache/refresh", {"force": True}, format="json").json()["projects_refreshed"] == 3
    known = {row.project_id: row.artifacts for row in ProjectState.objects.all()}
    (roots / "mnt").rename(roots.parent / "unplugged")
    told = api.post("/api/v1/cache/refresh", {"force": True}, format="json").json()
    assert (told["success"], told["projects_refreshed"], told["changes_detected"]) == (False, 1, 0)
    assert [error["code"] for error in told["errors"]] == ["project_missing", "project_missing"]
    assert {row.project_id: row.artifacts for row in ProjectState.objects.all()} == known
    assert Project.objects.count() == 3
    assert manage("refresh_cache", "--force", "--json").code == 1
    (roots.parent / "unplugged").rename(roots / "mnt")
    assert manage("refresh_cache", "--json").code == 0, "tried again though its reading is young"
    assert not ProjectState.objects.filter(status="error").exists()
