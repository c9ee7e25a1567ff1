"""What discovery of 50,000 folders costs, and a refresh of 500 projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from cache_app.services.discovering import discover_projects
from cache_app.services.refreshing import RefreshJob
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.cache_app.conftest import put, record
from tests.factories.deployments import put_artifact

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db]

FOLDERS, PROJECTS, DEPLOYED = 50_000, 500, 5


@pytest.fixture
def roots(settings, tmp_path) -> Path:
    settings.SKILLMEAT_PROJECT_ROOTS = [tmp_path / "projects"]
    return tmp_path / "projects"


def make_project(folder: Path) -> None:
    """Five deployed artifacts, and one made by hand."""
    names = [("skill" if number % 2 else "agent", f"a{number}") for number in range(DEPLOYED)]
    for type_, name in [*names, ("command", "own")]:
        put(folder / ".claude", type_, name)
    (folder / ".claude/.skillmeat-deployed.toml").write_text(record(*names))


def discover():
    return discover_projects(actor=COMMAND_LINE, report=SilentReport())


def test_discovery_of_many_folders(roots, measured, record_figure, database):
    for outer in range(FOLDERS // 100):
        folder = roots / f"d{outer % 25}" / f"e{outer}"
        for inner in range(99):
            (folder / f"f{inner // 10}-{inner}").mkdir(parents=True)
        if outer % 50 == 0:
            make_project(folder)
    with measured() as cost:
        first = discover()
    record_figure(f"discovery of 50,000 folders, 10 new projects, {database}", cost.seconds, "s", 5)
    record_figure(f"discovery of 50,000 folders, {database}, processor time", cost.cpu_seconds, "s", 5)
    assert first.to_json()["added"] == 10
    with measured() as cost:
        assert discover().to_json()["unchanged"] == 10
    record_figure(f"discovery of 50,000 folders, nothing new, {database}", cost.seconds, "s", 5)


def test_refresh_of_many_projects(roots, measured, record_figure, database):
    for number in range(DEPLOYED):
        put_artifact("skill" if number % 2 else "agent", f"a{number}",
                     {"SKILL.md": "Steps.\n"} if number % 2 else "Steps.\n")  # fmt: skip
    for number in range(PROJECTS):
        make_project(roots / f"p{number:03}")
    with measured() as cost:
        assert discover().to_json()["added"] == PROJECTS
    record_figure(f"500 projects found for the first time, {database}", cost.seconds, "s", None)
    job = RefreshJob()
    for label, changes in (("read for the first time", PROJECTS * (DEPLOYED + 1)), ("read again, unchanged", 0)):
        with measured() as cost:
            result = job.refresh_all(force=True)
        assert (result.refreshed, len(result.changes)) == (PROJECTS, changes)
        record_figure(f"500 projects {label}, {database}", cost.seconds, "s", 5)
        record_figure(f"500 projects {label}, {database}, processor time", cost.cpu_seconds, "s", 5)
        record_figure(f"500 projects {label}, {database}", len(cost.statements), "statements", None)
