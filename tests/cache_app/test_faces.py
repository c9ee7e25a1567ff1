"""The cache through REST, commands and admin: the same job behind each."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from cache_app.models import ProjectState
from collections_app.models import Project
from skillmeat_site.core.jobs import schedules
from skillmeat_site.core.jobs.runner import deliver
from skillmeat_site.core.models import Job
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db
DISCOVER, REFRESH, STATUS = "/api/v1/projects/cache/refresh", "/api/v1/cache/refresh", "/api/v1/cache/status"


def ok(answer, status=200):
    assert answer.status_code == status, answer.content
    return answer.json()


def command(name, *args):
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command(name, *args, "--json", stdout=out, stderr=err)
    except SystemExit as stop:
        code = stop.code
    return code, json.loads(out.getvalue())


def test_discovery_by_rest(api, make_project):
    make_project("a", ("skill", "x"))
    make_project("b", text="=")
    body = ok(api.post(DISCOVER, {}))
    assert {name: body[name] for name in ("success", "added", "removed", "changed", "unchanged")} == {
        "success": False, "added": 1, "removed": 0, "changed": 0, "unchanged": 0,
    }  # fmt: skip
    assert [(error["code"], error["path"].endswith("/b")) for error in body["errors"]] == [("manifest_invalid", True)]
    stats = body["stats"]
    assert (stats["entries"], stats["cache_ttl"], stats["is_valid"], stats["age_seconds"]) == (2, 21_600, True, 0)
    assert stats["last_scan"].endswith("Z")
    job = Job.objects.get(kind="cache.discover")
    assert job.status == "partial"
    assert sorted(job.items.values_list("outcome", flat=True)) == ["created", "failed"]


def test_discovery_is_one_object_however_many_it_finds(api, make_project):
    for number in range(30):
        make_project(f"p{number}")
    assert ok(api.post(DISCOVER))["added"] == 30


def test_dry_runs_by_rest_leave_no_job(api, make_project):
    make_project("a", ("skill", "x"))
    planned = ok(api.post(DISCOVER, {"dry_run": True}))
    assert (planned["added"], planned["dry_run"], planned["stats"]["entries"]) == (1, True, 1)
    assert not Project.objects.exists()
    ok(api.post(DISCOVER, {}))
    assert ok(api.post(REFRESH, {"dry_run": True}))["changes_detected"] == 1
    assert ok(api.post(REFRESH, {}))["changes_detected"] == 1
    assert sorted(Job.objects.values_list("kind", flat=True)) == ["cache.discover", "cache.refresh"]


def test_refresh_by_rest(api, make_project):
    folder = make_project("a", ("skill", "x"))
    ok(api.post(DISCOVER, {}))
    pk = Project.objects.get().pk
    body = ok(api.post(REFRESH, {}))
    assert body.pop("duration_seconds") >= 0
    change = {"project": pk, "type": "skill", "name": "x", "change": "added"}
    assert body == {
        "success": True, "projects_refreshed": 1, "changes_detected": 1, "changes": [change], "errors": [],
    }  # fmt: skip
    assert ok(api.post(REFRESH, {}))["projects_refreshed"] == 0
    assert ok(api.post(REFRESH, {"project_id": pk}))["projects_refreshed"] == 0
    assert ok(api.post(REFRESH, {"project_id": str(folder), "force": True}))["projects_refreshed"] == 1
    shutil.rmtree(folder)
    body = ok(api.post(REFRESH, {"project_id": pk, "force": True}))
    assert body["success"] is False
    assert [(error["project"], error["code"]) for error in body["errors"]] == [(pk, "project_missing")]


@pytest.mark.parametrize("word", [999_999, "proj-123", 2**70], ids=str)
def test_an_unknown_project_is_404_and_no_job(api, word):
    """In the reference system: 200 with an error in it."""
    assert ok(api.post(REFRESH, {"project_id": word}), 404)["code"] == "not_found"
    assert not Job.objects.exists()


def test_wrong_bodies_and_parameters(api):
    assert ok(api.post(REFRESH, {"forced": True}), 400)["errors"][0]["pointer"] == "/forced"
    assert ok(api.post(REFRESH, {"force": "perhaps"}), 400)["code"] == "invalid_parameter"
    assert ok(api.post(f"{DISCOVER}?x=1", {}), 400)["code"] == "unknown_field"
    assert ok(api.get(REFRESH), 405)["code"] == "method_not_allowed"


def test_the_cache_counts_projects(api, make_project):
    """Over twenty that are to be read are a job, whatever was asked; twenty are not."""
    for number in range(21):
        make_project(f"p{number:02}")
    ok(api.post(DISCOVER, {}))
    job = ok(api.post(REFRESH, {}), 202)
    deliver(job["id"])
    assert Job.objects.get(pk=job["id"]).result["projects_refreshed"] == 21
    assert ok(api.post(REFRESH, {}))["projects_refreshed"] == 0  # none is stale
    ok(api.post(REFRESH, {"force": True}), 202)
    asked = api.post(REFRESH, {"project_id": Project.objects.first().pk}, HTTP_PREFER="respond-async")
    assert ok(asked, 202)["kind"] == "cache.refresh"


def test_one_refresh_of_all_at_a_time(api, make_project):
    make_project("a")
    ok(api.post(DISCOVER, {}))
    first = ok(api.post(REFRESH, {"force": True}, HTTP_PREFER="respond-async"), 202)
    assert ok(api.post(REFRESH, {}, HTTP_PREFER="respond-async"), 202)["id"] == first["id"]
    assert ok(api.post(REFRESH, {}), 409)["code"] == "job_active"


def test_a_retry_takes_up_what_failed(api, make_project, roots):
    make_project("a", ("skill", "x"))
    make_project("b", text="=")
    api.post(DISCOVER, {})
    ok(api.post(REFRESH, {}))
    make_project("b", ("skill", "y"))
    job = Job.objects.get(kind="cache.refresh")
    again = ok(api.post(f"/api/v1/jobs/{job.pk}/retry"), 202)
    deliver(again["id"])
    assert [change["name"] for change in Job.objects.get(pk=again["id"]).result["changes"]] == ["y"]


def test_status_is_no_id(api, make_project):
    """Fault 19: a path behind one with an id in it, which nobody reached."""
    make_project("a", ("skill", "x"), ("agent", "y"))
    make_project("b", text="=")
    empty = ok(api.get(STATUS))
    assert (empty["total_projects"], empty["last_refresh"], empty["discovery"]["is_valid"]) == (0, None, False)
    api.post(DISCOVER, {})
    api.post(REFRESH, {})
    schedules.sync()
    body = ok(api.get(STATUS))
    assert (body["total_projects"], body["stale_projects"], body["error_projects"]) == (2, 1, 1)
    assert body["total_artifacts"] == 2
    assert body["types"] == {"agent": 1, "skill": 1}
    assert body["refresh_job_status"]["next_run_time"]
    assert body["refresh_job_status"]["last_run_time"] == body["last_refresh"]
    assert (body["refresh_job_status"]["interval_hours"], body["refresh_job_status"]["max_concurrent"]) == (6.0, 3)


@pytest.mark.parametrize(
    ("method", "url", "permission"),
    [
        ("post", DISCOVER, "add_project"),
        ("post", REFRESH, "change_projectstate"),
        ("get", STATUS, "view_projectstate"),
    ],
    ids=["discover", "refresh", "status"],
)
def test_who_may(client_for, method, url, permission):
    user = UserFactory()
    assert getattr(client_for(user), method)(url).status_code == 403
    allowed = _with(permission)
    assert getattr(client_for(allowed), method)(url).status_code == 200
    if method == "post":
        assert client_for(allowed, "read").post(url).status_code == 403


def _with(codename):
    user = UserFactory()
    user.user_permissions.add(Permission.objects.get(codename=codename))
    return type(user).objects.get(pk=user.pk)


def test_a_project_tells_when_it_was_read(api, make_project):
    make_project("a")
    api.post(DISCOVER, {})
    pk = Project.objects.get().pk
    assert ok(api.get(f"/api/v1/projects/{pk}"))["fetched_at"] is None
    api.post(REFRESH, {})
    assert ok(api.get(f"/api/v1/projects/{pk}"))["fetched_at"]
    assert ok(api.get("/api/v1/projects"))["results"][0]["fetched_at"]


def test_commands(make_project, roots):
    make_project("a", ("skill", "x"))
    code, document = command("discover_projects", "--dry-run")
    assert (code, document["summary"]["created"], Project.objects.count()) == (0, 1, 0)
    code, document = command("discover_projects")
    assert (code, document["summary"]["created"], document["summary"]["total"]) == (0, 1, 1)
    assert document["results"][0]["outcome"] == "created"
    code, document = command("refresh_cache")
    assert (code, document["summary"]["projects_refreshed"], document["summary"]["changes_detected"]) == (0, 1, 1)
    assert document["results"][0]["changes"][0]["name"] == "x"
    code, document = command("refresh_cache")
    assert (code, document["results"], document["summary"]["projects_refreshed"]) == (0, [], 0)
    code, document = command("refresh_cache", str(roots / "a"))
    assert (code, document["results"][0]["outcome"], document["results"][0]["code"]) == (0, "skipped", "fresh")
    code, document = command("refresh_cache", str(Project.objects.get().pk), "--force")
    assert (code, document["summary"]["projects_refreshed"]) == (0, 1)


def test_an_unreadable_project_is_an_error_row_and_exit_1(make_project, roots):
    """In the reference system the command for all ended with 0 whatever failed."""
    make_project("a", ("skill", "x"))
    make_project("b", ("skill", "x"))
    command("discover_projects")
    (roots / "b/.claude/.skillmeat-deployed.toml").write_text("=")
    for name in ("discover_projects", "refresh_cache"):
        code, document = command(name)
        assert code == 1
        (row,) = [row for row in document["results"] if row["outcome"] == "failed"]
        assert (row["code"], row["label"]) == ("manifest_invalid", str(roots / "b"))
        assert (document["summary"]["failed"], document["summary"]["errors"]) == (1, 1)


def test_commands_for_people(make_project, roots):
    make_project("a", ("skill", "x"))
    out = StringIO()
    call_command("discover_projects", stdout=out)
    call_command("refresh_cache", stdout=out)
    call_command("refresh_cache", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0] == f"created  {roots}/a"
    assert "  added  skill:x" in lines
    assert lines[-1] == "nothing to do"


def test_an_unknown_project_fails_the_command():
    code, document = command("refresh_cache", "4711")
    assert (code, document["results"][0]["code"]) == (1, "not_found")


def test_the_admin_shows_what_was_read(admin_client, make_project, roots):
    empty = admin_client.get(reverse("admin:collections_app_project_changelist"))
    assert empty.status_code == 200
    make_project("a", ("skill", "x"))
    make_project("b", text="=")
    command("discover_projects")
    page = reverse("admin:collections_app_project_change", args=[Project.objects.get(name="a").pk])
    assert "Not read yet" in admin_client.get(page).content.decode()
    command("refresh_cache")
    text = admin_client.get(page).content.decode()
    assert ".claude/skills/x" in text
    assert "Refresh cache" in text
    broken = reverse("admin:collections_app_project_change", args=[Project.objects.get(name="b").pk])
    assert "manifest_invalid" in admin_client.get(broken).content.decode()
    assert "cannot be read" in admin_client.get(reverse("admin:collections_app_project_changelist")).content.decode()
    ProjectState.objects.update(fetched_at=timezone.now() - timedelta(days=3))
    assert "stale" in admin_client.get(page).content.decode()


def test_the_admins_action_is_one_job(admin_client, make_project):
    make_project("a", ("skill", "x"))
    make_project("b", ("skill", "x"))
    command("discover_projects")
    ids = list(Project.objects.values_list("pk", flat=True))
    url = reverse("admin:collections_app_project_changelist")
    chosen = admin_client.post(url, {"action": "refresh_cache", "_selected_action": ids})
    assert chosen.status_code == 302
    page = admin_client.get(chosen["Location"])
    assert "will be read" in page.content.decode()
    done = admin_client.post(chosen["Location"], {"force": "on"})
    job = Job.objects.get(kind="cache.refresh")
    assert str(job.pk) in done["Location"]
    deliver(str(job.pk))
    assert Job.objects.get(pk=job.pk).result["projects_refreshed"] == 2
