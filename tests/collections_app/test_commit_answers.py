"""A commit whose answer never comes: the rows are there, so the files have to stay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import InterfaceError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from collections_app.domain.artifact_edit import ArtifactEdit
from collections_app.models import Artifact, DiskOperation, Project
from collections_app.services.artifacts import edit_artifacts
from collections_app.services.collections import create_collection
from collections_app.services.homes import home
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.deploying import agreed, deploy
from tests.factories.deployments import put_artifact, put_project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_answer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The commit that makes a disk operation count is done, and then an error is raised."""
    commit = BaseDatabaseWrapper._commit
    told: list[str] = []

    def watch(execute, sql, params, many, context):
        if sql.startswith("INSERT") and DiskOperation._meta.db_table in sql:
            told.append(sql)
        return execute(sql, params, many, context)

    def commit_and_fail(self):
        commit(self)
        if told:
            told.clear()
            raise InterfaceError("the connection went away")

    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", commit_and_fail)
    with connection.execute_wrapper(watch):
        yield


def tidy(folder):
    assert list(home().journal.iterdir()) == []
    assert list(folder.rglob(".skillmeat")) == []


def test_of_a_deployment(roots, no_answer):
    project = put_project(roots)
    artifact = put_artifact("skill", "a", {"SKILL.md": "new"})
    with pytest.raises(InterfaceError):
        deploy(project, artifact)
    assert (roots / "app/.claude/skills/a/SKILL.md").read_text() == "new"
    assert agreed(Project.objects.get())
    tidy(roots)


def test_of_an_edit(no_answer):
    with pytest.raises(InterfaceError):
        create_collection("default", actor=COMMAND_LINE, report=SilentReport())
    artifact = put_artifact("skill", "a", {"SKILL.md": "new"})
    how = {"actor": COMMAND_LINE, "report": SilentReport()}
    with pytest.raises(InterfaceError):
        edit_artifacts([artifact.pk], ArtifactEdit.of({"pin": "v1"}), **how)
    assert Artifact.objects.get().pin == "v1"
    assert 'pin = "v1"' in (home().collection("default") / "collection.toml").read_text()
    tidy(home().collections)
