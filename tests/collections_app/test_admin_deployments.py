"""Admin of projects and deployments."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse

from collections_app.admin.deploy_actions import DeployArtifacts, UndeployArtifacts
from collections_app.models import Artifact, Deployment, Project
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import Job, Selection
from tests.collections_app.deploying import deploy, hook, outcomes, tree
from tests.factories.collections import ArtifactFactory
from tests.factories.core import UserFactory
from tests.factories.deployments import ProjectFactory, put_artifact

pytestmark = pytest.mark.django_db
DEPLOYMENTS = reverse("admin:collections_app_deployment_changelist")
PROJECTS = reverse("admin:collections_app_project_changelist")
SKILL = {"SKILL.md": "x"}


def test_deployments_show_their_state(admin_client, project):
    deploy(project, put_artifact("skill", "a", SKILL), put_artifact("hook", "g", hook("g.sh")))
    (Path(project.path) / ".claude/skills/a/SKILL.md").write_text("edited")
    shown = admin_client.get(DEPLOYMENTS).content.decode()
    assert "modified" in shown
    assert "in sync" in shown
    assert ".claude/skills/a" in shown
    only = admin_client.get(DEPLOYMENTS, {"state": "modified"}).content.decode()
    assert "1 deployment" in only
    row = Deployment.objects.get(type="hook")
    page = admin_client.get(reverse("admin:collections_app_deployment_change", args=[row.pk])).content.decode()
    assert "PreToolUse" in page
    assert reverse("admin:collections_app_deployment_do", args=[row.pk, "undeploy"]) in page


def test_undeploy_is_confirmed_and_queued(admin_client, project):
    deploy(project, put_artifact("skill", "a", SKILL), put_artifact("skill", "b", SKILL))
    (Path(project.path) / ".claude/skills/a/SKILL.md").write_text("edited")
    ids = [str(row.pk) for row in Deployment.objects.order_by("name")]
    answer = admin_client.post(DEPLOYMENTS, {"action": "undeploy", "_selected_action": ids})
    confirm = answer["Location"]
    shown = admin_client.get(confirm).content.decode()
    assert "<strong>1</strong> will be removed" in shown
    assert "<strong>1</strong> will be skipped" in shown
    landed = admin_client.post(confirm, {})["Location"]
    job = Job.objects.get()
    assert str(job.pk) in landed
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    assert (job.kind, job.status) == ("collections.bulk_undeploy", "succeeded")
    assert sorted(job.items.values_list("outcome", flat=True)) == ["removed", "skipped"]
    assert Deployment.objects.get().name == "a"
    assert "modified" in admin_client.get(landed).content.decode()


def test_the_action_for_artifacts(rf, admin_user, project):
    """It is plugged into the list of artifacts by its own page."""
    artifact = put_artifact("skill", "a", SKILL)
    request = rf.get("/")
    request.user = admin_user
    action = DeployArtifacts()
    ids = [str(artifact.pk)]
    assert action.preview(request, ids, None).counts == {"skill": 1}
    form = action.options_form(request, {"project": project.pk, "profile": "claude_code"})
    assert form.is_valid(), form.errors
    assert action.preview(request, ids, form.cleaned_data).counts == {"created": 1}
    action.run(request, Selection(pk=artifact.pk, back="/"), ids, form.cleaned_data)
    job = Job.objects.get()
    runner.deliver(str(job.pk))
    assert Deployment.objects.get().artifact == artifact
    back = UndeployArtifacts()
    chosen = back.chosen(request, Artifact.objects.all())
    assert list(chosen) == [Deployment.objects.get()]
    deployed = [str(row.pk) for row in chosen]
    assert back.preview(request, deployed, {"force": False}).counts == {"removed": 1}
    other = Selection(pk=chosen[0].pk, back="/")
    back.run(request, other, deployed, {"force": False})
    runner.deliver(str(other.pk))
    assert tree(project.path) == {}
    request.user = UserFactory()
    assert not action.is_allowed(request)


def test_a_project_is_registered_and_forgotten(admin_client, roots):
    (roots / "app").mkdir()
    add = reverse("admin:collections_app_project_add")
    refused = admin_client.post(add, {"path": "/etc", "name": "x"})
    assert "path_not_allowed" in refused.content.decode() or "allowed root" in refused.content.decode()
    assert not Project.objects.exists()
    answer = admin_client.post(add, {"path": str(roots / "app"), "name": "App"})
    assert answer.status_code == 302, answer.content.decode()
    project = Project.objects.get()
    assert outcomes(deploy(project, put_artifact("skill", "a", SKILL))) == [("created", "")]
    assert "there" in admin_client.get(PROJECTS).content.decode()
    page = reverse("admin:collections_app_project_change", args=[project.pk])
    assert "in sync" in admin_client.get(page).content.decode()
    before = tree(project.path)
    delete = reverse("admin:collections_app_project_delete", args=[project.pk])
    assert "the files stay" in admin_client.get(delete).content.decode()
    admin_client.post(delete, {"post": "yes"})
    assert not Project.objects.exists()
    assert tree(project.path) == before


def test_of_many_projects_one_is_found_by_typing(admin_client):
    artifact = ArtifactFactory()
    chosen = {"action": "deploy", "index": "0", "_selected_action": [artifact.pk]}
    few = ProjectFactory.create_batch(3)
    listed = admin_client.post("/admin/collections_app/artifact/", chosen, follow=True).content.decode()
    assert all(f'<option value="{project.pk}">' in listed for project in few)
    assert "admin-autocomplete" not in listed
    many = ProjectFactory.create_batch(60)
    found = admin_client.post("/admin/collections_app/artifact/", chosen, follow=True)
    shown = found.content.decode()
    assert "admin-autocomplete" in shown
    assert f'<option value="{many[0].pk}">' not in shown
    query = {"app_label": "collections_app", "model_name": "deployment", "field_name": "project"}
    offered = admin_client.get("/admin/autocomplete/", {**query, "term": many[7].name}).json()["results"]
    assert str(many[7].pk) in {one["id"] for one in offered}
