"""A project's own record of what was deployed: of another machine, of 1.x, broken, gone, or lying."""

from __future__ import annotations

import pytest

from collections_app.models import Deployment
from collections_app.services.projects import sync_rows
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.deploying import (
    RECORD,
    SKILL,
    agreed,
    deploy,
    hook,
    outcomes,
    path,
    record,
    settings_of,
    take_back,
    tree,
)
from tests.factories.deployments import put_artifact

pytestmark = pytest.mark.django_db


# Records: the project's own words


def test_a_record_of_another_machine_is_taken_in(project):
    artifact = put_artifact("hook", "g", hook("g.sh"))
    deploy(project, artifact)
    Deployment.objects.all().delete()
    assert outcomes(deploy(project, artifact)) == [("unchanged", "")]
    sync_rows(project, SilentReport())
    row = Deployment.objects.get()
    assert row.artifact == artifact
    assert outcomes(take_back(project)) == [("removed", "")]
    assert tree(project.path) == {}


OLD = """[[deployed]]
artifact_name = "a"
artifact_type = "skill"
from_collection = "default"
deployed_at = "2024-05-01T10:00:00"
artifact_path = "skills/a"
content_hash = "abc"
local_modifications = false
custom = "kept"

[[deployed]]
artifact_name = "flow"
artifact_type = "workflow"
from_collection = "default"
deployed_at = "2024-05-01T10:00:00"
artifact_path = "workflows/flow"
"""


def test_a_record_of_1x_is_migrated_with_a_copy(project):
    path(project, ".claude/skills/a").mkdir(parents=True)
    path(project, ".claude/skills/a/SKILL.md").write_text("x")
    path(project, RECORD).write_text(OLD)
    artifact = put_artifact("skill", "a", {"SKILL.md": "x"})
    assert sync_rows(project, SilentReport())
    assert Deployment.objects.get().artifact == artifact
    assert outcomes(take_back(project)) == [("skipped", "unknown_content")]
    assert outcomes(deploy(project, artifact)) == [("unchanged", "")]
    assert path(project, RECORD + ".v1").read_text() == OLD
    found = record(project)
    assert found["format"] == 2
    assert {one["artifact_type"] for one in found["deployed"]} == {"skill", "workflow"}
    (skill,) = [one for one in found["deployed"] if one["artifact_type"] == "skill"]
    assert (skill["content_oid"], skill["custom"]) == (artifact.content_oid, "kept")
    assert Deployment.objects.get().content_oid == artifact.content_oid


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("format = 2\n[[deployed]\n", "manifest_invalid"),
        ("format = 99\n", "format_too_new"),
        (OLD.replace("skills/a", "../../etc/passwd"), "unsafe_path"),
    ],
    ids=["nonsense", "newer", "leads out"],
)
def test_a_record_that_is_not_understood_is_left_alone(project, text, code):
    path(project, ".claude").mkdir()
    path(project, RECORD).write_text(text)
    with pytest.raises(DomainError) as caught:
        deploy(project, put_artifact("skill", "a", SKILL))
    assert caught.value.code == code
    assert tree(project.path) == {RECORD: text}
    assert not sync_rows(project, SilentReport())


def test_a_record_that_is_gone_is_written_anew(project):
    deploy(project, put_artifact("hook", "g", hook("g.sh")))
    path(project, RECORD).unlink()
    deploy(project, put_artifact("skill", "a", SKILL))
    assert agreed(project)
    assert Deployment.objects.count() == 2
    assert outcomes(take_back(project)) == [("removed", "")] * 2


@pytest.mark.parametrize("place", ["settings.json", ".skillmeat-deployed.toml", "skills"])
def test_a_record_cannot_have_what_is_not_its_own_removed(project, place):
    deploy(project, put_artifact("skill", "a", SKILL), put_artifact("hook", "g", hook("g.sh")))
    text = path(project, RECORD).read_text().replace('"skills/a"', f'"{place}"')
    path(project, RECORD).write_text(text)
    sync_rows(project, SilentReport())
    take_back(project, "a", force=True)
    assert settings_of(project)["hooks"]
    assert place == "skills" or path(project, ".claude/skills/a/SKILL.md").exists()
