"""POST …/refresh and …/plans: options, shapes, refusals."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from collections_app.models import RefreshPlan
from skillmeat_site.core.models import Job
from tests.collections_app.refresh.refreshing import artifact, skill_path
from tests.conftest import Repository, skill

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/user-collections/default"


@pytest.fixture
def changed(repository: Repository) -> Repository:
    repository.commit({"skills/alpha/SKILL.md": skill("alpha", "New")})
    return repository


def post(api: Any, path: str, body: dict[str, Any] | None = None, **more: Any) -> Any:
    return api.post(f"{URL}/{path}", body or {}, format="json", **more)


def test_metadata_only_is_the_default(api: Any, changed: Repository) -> None:
    told = post(api, "refresh").json()
    assert (told["mode"], told["status"], told["refreshed_count"], told["unchanged_count"]) == (
        "metadata_only",
        "completed",
        1,
        3,
    )
    assert told["snapshot_id"]
    assert told["summary"]["updated"] == 1
    assert Job.objects.get(kind="collections.refresh").result == told


def test_the_mode_of_the_query_wins(api: Any, changed: Repository) -> None:
    told = post(api, "refresh?mode=check_only", {"mode": "sync"}).json()
    assert (told["updates_available"], told["up_to_date"], told["skipped"], told["errors"]) == (1, 3, 0, 0)
    row = next(row for row in told["results"] if row["name"] == "alpha")
    assert row["state"] == "update_available"
    assert row["upstream_oid"] != row["current_oid"]
    assert artifact("alpha").state == "update_available"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("refresh", {"mode": "synch"}, "sync"),
        ("refresh?mode=chek_only", {}, "check_only"),
        ("refresh?mode=", {"mode": "check_only"}, "metadata_only"),
        ("refresh", {"filters": {"type": ["skils"]}}, "skill"),
        ("refresh", {"fields": ["tag"]}, "tags"),
        ("refresh", {"feilds": ["tags"]}, "fields"),
        ("refresh", {"filters": {"typ": ["skill"]}}, "type"),
        ("refresh", {"mode": "sync", "strategy": "mine"}, "known"),
        ("refresh", {"strategy": "ours"}, "sync"),
        ("refresh", {"filters": {"ids": []}}, "never everything"),
        ("refresh", {"filters": {"type": []}}, "never everything"),
        ("refresh", {"fields": []}, "never everything"),
        ("refresh", {"filters": {"typ": ["skill"]}}, '"pointer":"/filters/typ"'),
        ("refresh?modus=sync", {}, "mode"),
    ],
)
def test_what_is_not_known_is_400_and_never_everything(
    api: Any, changed: Repository, path: str, body: dict[str, Any], said: str
) -> None:
    answer = post(api, path, body)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not Job.objects.filter(kind="collections.refresh").exists()


def test_unknown_collection_and_no_permission(api: Any, client_for: Any, changed: Repository) -> None:
    assert api.post("/api/v1/user-collections/none/refresh").status_code == 404
    user = get_user_model().objects.create_user("reader")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_collection", "change_collection"]))
    assert client_for(user).post(f"{URL}/refresh").status_code == 403


def test_a_plan_is_applied_as_it_was_told_and_once(api: Any, changed: Repository) -> None:
    told = post(api, "refresh", {"mode": "sync", "dry_run": True}).json()
    assert not Job.objects.filter(kind__startswith="collections.").exists()
    plan = api.get(f"{URL}/plans/{told['plan_id']}").json()
    assert (plan["state"], plan["is_stale"], plan["details"]) == ("ready", False, told["details"])
    changed.commit({"skills/alpha/SKILL.md": skill("alpha", "Newer"), "skills/beta/SKILL.md": skill("beta", "Newer")})
    done = post(api, f"plans/{told['plan_id']}/apply").json()
    assert done["details"] == told["details"]
    assert skill_path("alpha").read_text() == skill("alpha", "New")
    again = post(api, f"plans/{told['plan_id']}/apply")
    assert (again.status_code, again.json()["code"]) == (409, "stale_plan")
    assert api.get(f"{URL}/plans/{told['plan_id']}").json()["state"] == "applied"


def test_a_plan_of_a_collection_that_moved_is_409(api: Any, changed: Repository) -> None:
    plan_id = post(api, "refresh", {"dry_run": True}).json()["plan_id"]
    skill_path("beta").write_text("edited by hand")
    answer = post(api, f"plans/{plan_id}/apply")
    assert (answer.status_code, answer.json()["code"]) == (409, "stale_plan")
    assert artifact("alpha").description == "Does things"


def test_a_preview_without_changes_keeps_no_plan(api: Any, repository: Repository) -> None:
    assert post(api, "refresh", {"dry_run": True}).json()["plan_id"] is None
    assert not RefreshPlan.objects.exists()


def test_asynchronous(api: Any, changed: Repository) -> None:
    answer = post(api, "refresh", {"mode": "sync"}, HTTP_PREFER="respond-async")
    assert answer.status_code == 202
    assert answer.json()["label"] == "Sync default"
