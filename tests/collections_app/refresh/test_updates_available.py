"""Updates available: the same number in every face, and the one that a check tells. Pinned artifacts have none."""

from __future__ import annotations

import io
import itertools
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from collections_app.domain.artifact_state import ArtifactState, artifact_state
from collections_app.models import Artifact, Collection
from tests.collections_app.refresh.refreshing import check, pin, skill_path
from tests.conftest import Repository, skill

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/user-collections"


def test_states_and_updates_over_all_cases() -> None:
    collection = Collection.objects.create(slug="cases")
    ids = ("", "a" * 40, "b" * 40, "c" * 40)
    cases = itertools.product(ids, ids, ids, ("", "disk_denied"), ("", "v1"))
    Artifact.objects.bulk_create(
        Artifact(
            collection=collection, type="skill", name=str(number), path=str(number), pin=pin, problem_code=problem,
            content_oid=content, base_oid=base, upstream_oid=upstream,
        )
        for number, (content, base, upstream, problem, pin) in enumerate(cases)
    )  # fmt: skip
    for row in Artifact.objects.with_state():
        said = artifact_state(base=row.base_oid, current=row.content_oid, upstream=row.upstream_oid)
        assert row.state == (ArtifactState.UNKNOWN if row.problem_code else said), row.name
    updates = {ArtifactState.UPDATE_AVAILABLE, ArtifactState.CONFLICT}
    expected = {row.pk for row in Artifact.objects.with_state() if row.state in updates and not row.pin}
    assert expected
    assert set(Artifact.objects.update_available().values_list("pk", flat=True)) == expected
    others = set(Artifact.objects.update_available(False).values_list("pk", flat=True))
    assert others == set(Artifact.objects.values_list("pk", flat=True)) - expected
    (row,) = Collection.objects.for_list()
    assert (row.artifact_count, row.updates_available) == (4**3 * 4, len(expected))


@pytest.fixture
def checked(repository: Repository) -> dict[str, Any]:
    """Alpha has an update, beta is in conflict, gamma's update is behind a pin."""
    pin("gamma", "main")
    skill_path("beta").write_text("Mine")
    repository.commit({f"skills/{name}/SKILL.md": skill(name, "New") for name in ("alpha", "beta", "gamma")})
    Collection.objects.create(slug="other")
    call_command("refresh_collection_cache", stdout=io.StringIO())
    return check()


def names(rows: Any) -> set[str]:
    return {row["name"] for row in rows}


def test_rest(api: Any, checked: dict[str, Any]) -> None:
    assert checked["updates_available"] == 2
    found = {row["slug"]: row["updates_available"] for row in api.get(URL).json()["results"]}
    assert found == {"default": 2, "other": 0}
    assert api.get(f"{URL}/default").json()["updates_available"] == 2
    for wanted, slugs in (("true", {"default"}), ("false", {"other"})):
        rows = api.get(URL, {"update_available": wanted}).json()["results"]
        assert {row["slug"] for row in rows} == slugs
    artifacts = f"{URL}/default/artifacts"
    assert names(api.get(artifacts, {"update_available": "true"}).json()["results"]) == {"alpha", "beta"}
    assert names(api.get(artifacts, {"update_available": "false"}).json()["results"]) == {"gamma", "deploy"}
    for name in ("update_available", "pinned"):
        assert api.get(artifacts, {name: "perhaps"}).json()["code"] == "invalid_parameter", "never everything"
    assert api.post(URL, {"slug": "new"}, format="json").json()["updates_available"] == 0


def test_a_bulk_filter_that_means_nothing_is_never_everything(api: Any, checked: dict[str, Any]) -> None:
    body = {"filter": {"update_available": "perhaps"}, "keep_deployments": True}
    answer = api.post("/api/v1/marketplace/entries/bulk-reimport", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


def test_the_command(checked: dict[str, Any]) -> None:
    out = io.StringIO()
    call_command("list_artifacts", "--update-available", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert names(told["results"]) == {"alpha", "beta"}
    assert told["summary"] == {"total": 2, "updates_available": 2}
    out = io.StringIO()
    call_command("list_artifacts", "--collection", "default", stdout=out)
    assert "4 artifacts, 2 with updates" in out.getvalue()


def test_the_admin(admin_client: Client, checked: dict[str, Any]) -> None:
    collections = reverse("admin:collections_app_collection_changelist")
    page = admin_client.get(collections).content.decode()
    pk = Collection.objects.get(slug="default").pk
    link = f"{reverse('admin:collections_app_artifact_changelist')}?collection={pk}&update_available=yes"
    assert f'<a href="{link.replace("&", "&amp;")}">2</a>' in page
    rows = admin_client.get(link).content.decode()
    assert "alpha" in rows
    assert "beta" in rows
    assert "deploy" not in rows.partition("result_list")[2]
    filtered = admin_client.get(collections, {"update_available": "yes"}).content.decode()
    assert "other" not in filtered.partition("result_list")[2]


def test_what_a_check_could_not_find_is_told_everywhere(
    api: Any, admin_client: Client, repository: Repository
) -> None:
    repository.commit({"skills/alpha/SKILL.md": None})
    check()
    row = Artifact.objects.get(name="alpha")
    assert api.get(f"{URL}/default/artifacts/{row.pk}").json()["check_code"] == "upstream_path_not_found"
    page = admin_client.get(reverse("admin:collections_app_artifact_change", args=[row.pk])).content.decode()
    assert "upstream_path_not_found" in page
    out = io.StringIO()
    call_command("list_artifacts", stdout=out)
    assert "upstream_path_not_found" in out.getvalue()
