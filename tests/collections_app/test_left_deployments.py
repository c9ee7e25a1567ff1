"""Deployments whose artifact was replaced by a fresh one, by a process that died before it let go of them."""

from __future__ import annotations

import pytest

from collections_app.models import Artifact, Deployment
from collections_app.services.undeploying import deployments_of, forget_deployments
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.deploying import agreed, deploy, outcomes, record
from tests.factories.deployments import put_artifact

pytestmark = pytest.mark.django_db


def test_they_belong_to_the_one_that_has_the_name_now(project):
    old = [put_artifact("skill", name, {"SKILL.md": name}) for name in ("a", "b")]
    assert outcomes(deploy(project, *old)) == [("created", "")] * 2
    left = {row.name: row.pk for row in Deployment.objects.all()}
    Artifact.objects.all().delete()
    heir = put_artifact("skill", "a", {"SKILL.md": "new"})
    namesake = put_artifact("skill", "b", {"SKILL.md": "new"}, collection="other")
    other = put_artifact("command", "a", "C\n")
    found = deployments_of([heir.pk, namesake.pk, other.pk])
    assert found == {str(heir.pk): [left["a"]]}
    assert forget_deployments(found[str(heir.pk)], actor=COMMAND_LINE, report=SilentReport()) == (
        "app:.claude/skills/a",
    )
    assert [one["artifact_name"] for one in record(project)["deployed"]] == ["b"]
    assert agreed(project)
