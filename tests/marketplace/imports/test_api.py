"""Importing over REST."""

from __future__ import annotations

import pytest

from collections_app.models import Artifact
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import AuditEvent, Job
from tests.conftest import skill, skills
from tests.factories.core import UserFactory
from tests.marketplace.answers import BASE, ok, refused
from tests.marketplace.imports.importing import EXECUTABLE, agree, artifact, bring, commit_files, folder, git, ids
from tests.marketplace.scanning import row_counts, scan

pytestmark = pytest.mark.django_db
RESULT = {
    "import_id", "source_id", "started_at", "completed_at", "entries", "success_count", "skipped_count",
    "conflict_count", "error_count", "summary",
}  # fmt: skip
ENTRY = {"entry_id", "status", "artifact_id", "name", "conflict_with", "code", "error"}
REIMPORT = {
    "success", "entry_id", "artifact_id", "previous_oid", "new_oid", "local_changes", "deployments_restored",
    "deployments_kept_modified", "deployments_dropped", "snapshot_id", "message",
}  # fmt: skip


def test_importing_by_ids_and_by_filter(api, registered):
    _, source = registered({**skills("a", "b"), "commands/go.md": "---\ndescription: d\n---\n\nx\n"})
    url = f"{BASE}/sources/{source.pk}/import"
    dry = ok(api.post(url, {"filter": {"type": "skill"}, "dry_run": True}, format="json"))
    assert (dry["dry_run"], dry["import_id"], dry["success_count"]) == (True, None, 2)
    told = ok(api.post(url, {"filter": {"type": "skill"}}, format="json"))
    assert set(told) >= RESULT
    assert set(told["entries"][0]) >= ENTRY
    job = Job.objects.get()
    assert told["import_id"] == str(job.pk)
    assert job.result == told
    assert [item.outcome for item in job.items.all()] == ["created", "created"]
    assert AuditEvent.objects.filter(action="entries.imported", job_id=job.pk).count() == 1
    agree()
    again = ok(api.post(url, {"ids": ids(source), "strategy": "RENAME", "collection": "other"}, format="json"))
    assert again["success_count"] == 3
    listed = ok(api.get(f"{BASE}/entries?status=imported"))["results"]
    assert len(listed) == 3
    shown = next(row for row in listed if row["name"] == "a")
    assert shown["status"] == "imported"
    assert [row["collection"] for row in shown["imports"]] == ["default", "other"]
    assert set(shown["imports"][0]) == {"artifact_id", "collection", "name", "imported_oid", "update_available"}


@pytest.mark.parametrize(
    ("body", "code", "hint"),
    [
        ({"ids": []}, "invalid_parameter", ""),
        ({}, "invalid_parameter", ""),
        ({"ids": [1], "filter": {}}, "invalid_parameter", ""),
        ({"ids": [1], "strategy": "overwite"}, "invalid_parameter", "did you mean"),
        ({"ids": [1], "collection": "../x"}, "unsafe_path", ""),
        ({"ids": [1], "collektion": "x"}, "unknown_field", "collection"),
        ({"filter": {"typ": "skill"}}, "unknown_field", "type"),
    ],
)
def test_what_is_refused(api, registered, body, code, hint):
    _, source = registered(skills("a"))
    for url in (f"{BASE}/sources/{source.pk}/import", f"{BASE}/entries/bulk-import"):
        assert hint in str(refused(api.post(url, body, format="json"), 400, code))
    assert not Artifact.objects.exists()


def test_over_twenty_objects_are_a_job(api, registered):
    _, source = registered(skills(*(f"s{n:02}" for n in range(25))))
    answer = api.post(f"{BASE}/sources/{source.pk}/import", {"filter": {}}, format="json")
    assert answer.status_code == 202
    job = Job.objects.get()
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    assert job.result["success_count"] == 25
    agree()


def test_bulk_import_and_bulk_reimport(api, registered):
    repository, one = registered(skills("a"), "one")
    _, two = registered(skills("b"), "two")
    told = ok(api.post(f"{BASE}/entries/bulk-import", {"ids": [*ids(two), *ids(one), 999]}, format="json"))
    assert [row["outcome"] for row in told["results"]] == ["created", "created", "failed"]
    assert [result["source_id"] for result in told["imports"]] == [one.pk, two.pk]
    assert told["summary"]["total"] == 3
    repository.commit({"skills/a/SKILL.md": skill("a", "New")})
    scan(one)
    updates = ok(api.get(f"{BASE}/entries?update_available=true"))["results"]
    assert [row["name"] for row in updates] == ["a"]
    body = {"filter": {"update_available": True}, "keep_deployments": True}
    dry = ok(api.post(f"{BASE}/entries/bulk-reimport", {**body, "dry_run": True}, format="json"))
    told = ok(api.post(f"{BASE}/entries/bulk-reimport", body, format="json"))
    assert [row["outcome"] for row in told["results"]] == ["updated"]
    assert set(told["results"][0]) >= REIMPORT
    assert dry["results"][0]["new_oid"] == told["results"][0]["new_oid"] == artifact("a").base_oid
    assert ok(api.get(f"{BASE}/entries?update_available=true"))["results"] == []


def test_reimport(api, registered):
    repository, source = registered(skills("a"))
    bring(source)
    (pk,) = ids(source)
    repository.commit({"skills/a/SKILL.md": skill("a", "New")})
    scan(source)
    url = f"{BASE}/sources/{source.pk}/entries/{pk}/reimport"
    before = row_counts()
    assert ok(api.post(url, {"dry_run": True}, format="json"))["dry_run"]
    assert row_counts() == before
    told = ok(api.post(url, {"keep_deployments": True}, format="json"))
    assert set(told) >= REIMPORT
    assert told["success"]
    assert "New" in (folder() / "skills/a/SKILL.md").read_text()
    bring(source, collection="other")
    refused(api.post(url, {}, format="json"), 400, "collection_required")
    refused(api.post(url.replace(f"/{pk}/", "/999/"), {}, format="json"), 404, "not_found")
    repository.commit({"skills/a/SKILL.md": None})
    scan(source, allow_removals=True)
    refused(api.post(url, {"collection": "default"}, format="json"), 409, "not_importable")


def test_files_and_diff(api, registered):
    """Reference 22: the file tree ignored the source's ref."""
    repository, source = registered({**skills("a"), "skills/a/gone.md": "gone"})
    bring(source)
    commit_files(
        repository,
        {
            "skills/a/SKILL.md": ("100644", skill("a", "New").encode()),
            "skills/a/run.sh": (EXECUTABLE, b"x\n"),
            "skills/a/bin": ("100644", b"\0\1"),
            "skills/a/gone.md": None,
        },
    )
    scan(source)
    (pk,) = ids(source)
    told = ok(api.get(f"{BASE}/sources/{source.pk}/entries/{pk}/files"))
    assert told["commit"] == git(repository, "rev-parse", "main")
    assert told["content_oid"] == git(repository, "rev-parse", "main:skills/a")
    assert {row["path"]: row["mode"] for row in told["results"]} == {
        "SKILL.md": "100644", "bin": "100644", "run.sh": "100755",
    }  # fmt: skip
    assert ok(api.get(f"{BASE}/entries/{pk}/files")) == told

    url = f"{BASE}/sources/{source.pk}/entries/{pk}/diff"
    diff = ok(api.get(url))
    assert not diff["identical"]
    assert {row["path"]: (row["status"], row["kind"]) for row in diff["results"]} == {
        "SKILL.md": ("modified", "text"),
        "bin": ("added", "binary"),
        "gone.md": ("removed", "text"),
        "run.sh": ("added", "text"),
    }
    lines = [line for row in diff["results"] for hunk in row["hunks"] for line in hunk["lines"]]
    assert {"origin": "+", "text": "description: New\n", "old_number": None, "new_number": 3} in lines
    bring(source, collection="other")
    refused(api.get(url), 400, "collection_required")
    refused(api.get(f"{url}?collection=none"), 404, "not_found")
    refused(api.get(f"{url}?kollection=none"), 400, "unknown_field")
    assert ok(api.get(f"{url}?collection=other"))["identical"]


def test_files_and_diff_of_single_files_and_of_what_is_not_there(api, registered):
    repository, source = registered({"commands/go.md": "---\ndescription: d\n---\n\nx\n", **skills("b")})
    (command,) = ids(source, type="command")
    url = f"{BASE}/sources/{source.pk}/entries/{command}"
    assert [row["path"] for row in ok(api.get(f"{url}/files"))["results"]] == ["go.md"]
    refused(api.get(f"{url}/diff"), 404, "not_found")
    bring(source, [command])
    assert ok(api.get(f"{url}/diff"))["identical"]
    (folder() / "commands/go.md").write_text("mine\n")
    assert [row["path"] for row in ok(api.get(f"{url}/diff"))["results"]] == ["go.md"]
    (folder() / "commands/go.md").unlink()
    missing = ok(api.get(f"{url}/diff"))
    assert (missing["old_oid"], missing["results"][0]["status"]) == (None, "added")
    repository.commit({"commands/go.md": None})
    scan(source, allow_removals=True)
    refused(api.get(f"{url}/files"), 409, "not_in_commit")


@pytest.mark.parametrize("path", ["import", "entries/bulk-import", "entries/bulk-reimport", "reimport"])
def test_who_may(registered, client_for, path):
    _, source = registered(skills("a"))
    (pk,) = ids(source)
    url = {"import": f"{BASE}/sources/{source.pk}/import", "reimport": f"{BASE}/entries/{pk}/reimport"}.get(
        path, f"{BASE}/{path}"
    )
    body = {} if path == "reimport" else {"ids": [pk]}
    able = UserFactory(permissions=["collections_app.import_entry", "marketplace.view_catalogentry"])
    unable = UserFactory(permissions=["marketplace.change_catalogentry", "marketplace.view_catalogentry"])
    refused(client_for(unable).post(url, body, format="json"), 403, "permission_denied")
    refused(client_for(able, "read").post(url, body, format="json"), 403, "permission_denied")
    ok(client_for(able).post(url, body, format="json"))
    assert ok(client_for(unable, "read").get(f"{BASE}/entries/{pk}/files"))["count"] == 1
