"""REST of deployments and projects."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from collections_app.models import Deployment, Project
from collections_app.services.project_holding import held_project
from skillmeat_site.core.models import Job
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.deploying import deploy, hook, tree
from tests.factories.core import UserFactory
from tests.factories.deployments import put_artifact, put_project
from tests.marketplace.answers import refused

pytestmark = pytest.mark.django_db
URL = "/api/v1/deployments"
PROJECTS = "/api/v1/projects"
SKILL = {"SKILL.md": "x"}


def post(api, url, body, **headers):
    return api.post(url, body, format="json", headers=headers)


def test_deploy_show_and_undeploy(api, project):
    artifact = put_artifact("skill", "a", SKILL)
    answer = post(api, URL, {"artifact": str(artifact.pk), "project": project.pk})
    assert answer.status_code == 201, answer.json()
    body = answer.json()
    row = Deployment.objects.get()
    assert answer["Location"] == f"{URL}/{row.pk}"
    assert (body["id"], body["artifact_id"], body["project"], body["profile"], body["target"], body["outcome"]) == (
        str(row.pk), str(artifact.pk), project.pk, "claude_code", ".claude/skills/a", "created",
    )  # fmt: skip
    assert (body["state"], body["content_oid"], body["code"]) == ("in_sync", artifact.content_oid, None)
    shown = api.get(answer["Location"]).json()
    assert {name: body[name] for name in shown if name != "outcome"} == {
        name: value for name, value in shown.items() if name != "outcome"
    }
    again = post(api, URL, {"artifact": str(artifact.pk), "project": project.path})
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    assert api.get(URL).json()["results"][0]["state"] == "in_sync"
    would = api.delete(f"{URL}/{row.pk}?dry_run=true")
    assert (would.status_code, would.json()["outcome"], would.json()["dry_run"]) == (200, "removed", True)
    assert api.delete(f"{URL}/{row.pk}").status_code == 204
    assert tree(project.path) == {}
    assert api.get(f"{URL}/{row.pk}").status_code == 404
    assert set(Job.objects.values_list("kind", flat=True)) == {"collections.deploy", "collections.undeploy"}


def test_a_conflict_and_an_edited_copy_are_409(api, project):
    artifact = put_artifact("skill", "a", SKILL)
    body = {"artifact": str(artifact.pk), "project": project.pk}
    place = Path(project.path) / ".claude/skills/a"
    place.mkdir(parents=True)
    (place / "SKILL.md").write_text("mine")
    would = post(api, URL, {**body, "dry_run": True})
    assert (would.status_code, would.json()["outcome"], would.json()["code"]) == (200, "conflict", "unmanaged")
    assert not Job.objects.exists()
    answer = post(api, URL, body)
    problem = refused(answer, 409, "unmanaged")
    assert problem["type"].endswith("/problems/unmanaged"), "not the artifact's type, which is no kind of problem"
    assert (problem["outcome"], problem["artifact_type"], problem["name"]) == ("conflict", "skill", "a")
    assert (place / "SKILL.md").read_text() == "mine"
    assert post(api, URL, {**body, "overwrite": True}).status_code == 200
    (place / "SKILL.md").write_text("mine")
    url = f"{URL}/{Deployment.objects.get().pk}"
    answer = api.delete(url)
    assert (answer.status_code, answer.json()["code"], answer.json()["outcome"]) == (409, "modified", "skipped")
    assert (place / "SKILL.md").read_text() == "mine"
    assert api.delete(f"{url}?force=true").status_code == 204
    assert not place.exists()


def test_a_path_registers_its_project(api, roots, client_for):
    (roots / "new").mkdir()
    artifact = put_artifact("skill", "a", SKILL)
    body = {"artifact": str(artifact.pk), "project": str(roots / "new")}
    assert post(api, URL, {**body, "dry_run": True}).status_code == 200
    assert not Project.objects.exists()
    someone = client_for(UserFactory(permissions=["collections_app.deploy_artifact"]))
    assert post(someone, URL, body).status_code == 403
    assert post(api, URL, body).status_code == 201
    assert Project.objects.get().path == os.path.realpath(roots / "new")
    (roots / "new2").mkdir()
    assert post(someone, URL, {**body, "project": Project.objects.get().pk}).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"project": "/etc"}, 400, "path_not_allowed"),
        ({"project": "999"}, 404, "not_found"),
        ({"project": "9" * 30}, 404, "not_found"),
        ({"project": "nowhere"}, 400, "invalid_parameter"),
        ({"artifact": str(uuid.UUID(int=1))}, 404, "not_found"),
        ({"artifact": "x"}, 400, "invalid_parameter"),
        ({"profile": "emacs"}, 400, "invalid_parameter"),
        ({"overwrit": True}, 400, "unknown_field"),
    ],
    ids=["outside", "unknown", "huge", "relative", "artifact", "no uuid", "profile", "field"],
)
def test_what_cannot_be_deployed(api, project, change, status, code):
    artifact = put_artifact("skill", "a", SKILL)
    answer = post(api, URL, {"artifact": str(artifact.pk), "project": project.pk, **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert tree(project.path) == {}


def test_a_busy_project_and_one_that_is_gone(api, project):
    body = {"artifact": str(put_artifact("skill", "a", SKILL).pk), "project": project.pk}
    with held_project(project.pk, SilentReport()):
        answer = post(api, URL, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "project_busy")
    os.rename(project.path, project.path + "-moved")
    answer = post(api, URL, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "project_missing")
    assert api.get(f"{PROJECTS}/{project.pk}").json()["status"] == "missing"


def test_bulk_by_ids_and_by_filter(api, project):
    artifacts = [put_artifact("skill", "a", SKILL), put_artifact("hook", "g", hook("g.sh"))]
    unknown = str(uuid.uuid4())
    ids = [*(str(artifact.pk) for artifact in artifacts), unknown]
    body = {"ids": ids, "project": project.pk}
    would = post(api, f"{URL}/bulk-deploy", {**body, "dry_run": True}).json()
    assert would["dry_run"] is True
    assert not Job.objects.exists()
    answer = post(api, f"{URL}/bulk-deploy", body)
    assert answer.status_code == 200
    found = answer.json()
    assert [(row["outcome"], row["code"]) for row in found["results"]] == [
        ("created", None), ("created", None), ("failed", "not_found"),
    ]  # fmt: skip
    told = ("outcome", "artifact_id", "type", "name", "collection", "target", "content_oid", "state")
    assert [[row.get(name) for name in told] for row in would["results"]] == [
        [row.get(name) for name in told] for row in found["results"]
    ]
    assert found["summary"]["created"] == 2
    assert found["summary"]["total"] == 3
    assert [row["artifact_id"] for row in found["results"][:2]] == ids[:2]
    job = Job.objects.get()
    assert job.items.count() == 3
    put_artifact("skill", "b", SKILL, collection="work")
    body = {"filter": {"type": "skill", "collection": "work"}, "project": project.pk}
    assert len(post(api, f"{URL}/bulk-deploy", body).json()["results"]) == 1
    gone = post(api, f"{URL}/bulk-undeploy", {"filter": {"type": ["skill"]}}).json()
    assert gone["summary"]["removed"] == 2
    assert Deployment.objects.get().type == "hook"


@pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": [], "filter": {}}, {"filter": {"colour": "red"}}])
def test_a_bulk_selection_is_never_everything(api, project, body):
    put_artifact("skill", "a", SKILL)
    assert post(api, f"{URL}/bulk-deploy", {"project": project.pk, **body}).status_code == 400
    assert post(api, f"{URL}/bulk-undeploy", body).status_code == 400


def test_many_or_asynchronous_is_a_job(api, project):
    ids = [str(put_artifact("command", f"c{n}", "C\n").pk) for n in range(21)]
    answer = post(api, f"{URL}/bulk-deploy", {"ids": ids, "project": project.pk})
    assert answer.status_code == 202
    one = post(api, URL, {"artifact": ids[0], "project": project.pk}, Prefer="respond-async")
    assert (one.status_code, one["Preference-Applied"]) == (202, "respond-async")
    assert tree(project.path) == {}


def test_filters(api, roots):
    one, other = put_project(roots, "one"), put_project(roots, "other")
    skill, command = put_artifact("skill", "a", SKILL), put_artifact("command", "c", "C\n", collection="work")
    deploy(one, skill, command)
    deploy(other, skill, profile="codex")
    (Path(one.path) / ".claude/commands/c.md").write_text("edited")

    def names(**query):
        answer = api.get(URL, query)
        assert answer.status_code == 200, answer.json()
        return sorted((row["project_path"].rpartition("/")[2], row["name"]) for row in answer.json()["results"])

    assert names(project=10**30) == names(project=-(10**187), state="in_sync") == []
    assert names(project=one.pk) == [("one", "a"), ("one", "c")]
    assert names(collection="work") == [("one", "c")]
    assert names(artifact=skill.pk) == [("one", "a"), ("other", "a")]
    assert names(type="command") == [("one", "c")]
    assert names(profile="codex") == [("other", "a")]
    assert names(state="modified") == [("one", "c")]
    assert names(state="in_sync,modified", project=one.pk) == [("one", "a"), ("one", "c")]
    assert names(ordering="name") == [("one", "a"), ("one", "c"), ("other", "a")]
    for query in ({"state": "broken"}, {"type": "workflow"}, {"colour": "red"}, {"artifact": "x"}):
        assert api.get(URL, query).status_code == 400


def test_who_may(client_for, project):
    artifact = put_artifact("skill", "a", SKILL)
    deploy(project, artifact)
    row = Deployment.objects.get()
    body = {"artifact": str(artifact.pk), "project": project.pk}
    reader = client_for(UserFactory(permissions=["collections_app.view_deployment", "collections_app.view_project"]))
    assert reader.get(URL).status_code == 200
    assert reader.get(f"{PROJECTS}/{project.pk}/drift").status_code == 200
    for answer in (
        post(reader, URL, body),
        post(reader, f"{URL}/bulk-deploy", {"ids": [str(artifact.pk)], "project": project.pk}),
        post(reader, f"{URL}/bulk-undeploy", {"ids": [str(row.pk)]}),
        reader.delete(f"{URL}/{row.pk}"),
        post(reader, PROJECTS, {"path": project.path}),
        reader.delete(f"{PROJECTS}/{project.pk}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert client_for(UserFactory()).get(URL).status_code == 403


def test_projects(api, roots):
    (roots / "app").mkdir()
    would = post(api, PROJECTS, {"path": str(roots / "app"), "dry_run": True})
    assert (would.status_code, would.json()["id"]) == (200, None)
    assert not Project.objects.exists()
    answer = post(api, PROJECTS, {"path": str(roots / "app"), "name": "App"})
    assert answer.status_code == 201
    project = Project.objects.get()
    assert answer["Location"] == f"{PROJECTS}/{project.pk}"
    again = post(api, PROJECTS, {"path": str(roots / "app")})
    assert (again.status_code, again.json()["code"], again.json()["project_id"]) == (409, "project_exists", project.pk)
    outside = post(api, PROJECTS, {"path": "/etc"})
    assert (outside.status_code, outside.json()["code"]) == (400, "path_not_allowed")
    deploy(project, put_artifact("skill", "a", SKILL), put_artifact("hook", "g", hook("g.sh")))
    shown = api.get(f"{PROJECTS}/{project.pk}").json()
    assert (shown["name"], shown["status"], shown["profiles"], shown["counts"]) == (
        "App", "ok", ["claude_code"], {"hook": 1, "skill": 1},
    )  # fmt: skip
    assert [row["id"] for row in api.get(PROJECTS, {"q": "ap"}).json()["results"]] == [project.pk]
    put_artifact("skill", "a", {"SKILL.md": "new"})
    drift = api.get(f"{PROJECTS}/{project.pk}/drift").json()
    assert {row["name"]: row["state"] for row in drift["results"]} == {"a": "outdated", "g": "in_sync"}
    assert (drift["summary"]["outdated"], drift["summary"]["total"], drift["problem"]) == (1, 2, None)
    before = tree(roots)
    assert api.delete(f"{PROJECTS}/{project.pk}?dry_run=true").json()["deployments"] == 2
    assert api.delete(f"{PROJECTS}/{project.pk}").status_code == 204
    assert not Project.objects.exists()
    assert tree(roots) == before
