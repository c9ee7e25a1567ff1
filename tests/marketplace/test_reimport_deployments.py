"""Deployments through a whole re-import: kept and brought along, or let go."""

from __future__ import annotations

from pathlib import Path

import pytest

from collections_app.models import Artifact, Deployment
from marketplace.services.importing import ImportOptions, import_source_entries
from marketplace.services.reimport import ReimportOptions, reimport_entry
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.deploying import agreed, deploy, outcomes
from tests.conftest import skill
from tests.factories.deployments import put_project
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db
COPY = ".claude/skills/alpha/SKILL.md"


@pytest.fixture
def deployed(source, repository, settings, tmp_path):
    """A skill is imported and deployed into two projects, and has changed upstream since."""
    settings.SKILLMEAT_PROJECT_ROOTS = [tmp_path / "projects"]
    projects = [put_project(tmp_path / "projects", name) for name in ("clean", "edited")]
    scan(source)
    entry = source.entries.get(name="alpha")
    import_source_entries(
        source, [entry.pk], options=ImportOptions(), actor=COMMAND_LINE, report=SilentReport(), job_id=None
    )
    for project in projects:
        assert outcomes(deploy(project, Artifact.objects.get())) == [("created", "")]
    Path(projects[1].path, COPY).write_text("edited")
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", body="New steps.")})
    scan(source)
    return source, entry, projects


def reimport(source, entry, *, keep):
    options = ReimportOptions(keep_deployments=keep)
    return reimport_entry(source, entry.pk, options=options, actor=COMMAND_LINE, report=SilentReport())


def test_kept_deployments_follow_unless_edited(deployed):
    """Fault 33: keep_deployments saved nothing, restored nothing and always answered 0."""
    source, entry, projects = deployed
    before = set(Deployment.objects.values_list("pk", "artifact_id"))
    result = reimport(source, entry, keep=True)
    assert (result.deployments_restored, tuple(result.deployments_kept_modified)) == (
        1, ("edited:.claude/skills/alpha",),
    )  # fmt: skip
    assert "New steps." in Path(projects[0].path, COPY).read_text()
    assert Path(projects[1].path, COPY).read_text() == "edited"
    assert set(Deployment.objects.values_list("pk", "artifact_id")) == before
    assert all(agreed(project) for project in projects)


def test_starting_afresh_lets_go_of_deployments_and_leaves_their_files(deployed):
    source, entry, projects = deployed
    result = reimport(source, entry, keep=False)
    assert set(result.deployments_dropped) == {"clean:.claude/skills/alpha", "edited:.claude/skills/alpha"}
    assert not Deployment.objects.exists()
    assert "New steps." not in Path(projects[0].path, COPY).read_text()
    assert Path(projects[1].path, COPY).read_text() == "edited"
    assert all(agreed(project) for project in projects)
