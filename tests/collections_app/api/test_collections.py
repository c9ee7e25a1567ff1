"""Collections, artifacts and snapshots over REST."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission

from collections_app.models import Artifact, Collection, Snapshot
from skillmeat_site.core.models import AuditEvent, Job
from tests.collections_app.filled import SKILL, artifact, filled, folder_of, tree_of, write
from tests.factories.collections import ArtifactFactory, CollectionFactory
from tests.factories.core import UserFactory
from tests.marketplace.answers import ok, refused

pytestmark = pytest.mark.django_db
BASE = "/api/v1/user-collections"
DEFAULT = f"{BASE}/default"


def one(row):
    return f"{DEFAULT}/artifacts/{row.pk}"


def test_a_collection_is_made_read_renamed_and_deleted(api):
    made = api.post(BASE, {"slug": "mine", "name": " My  things "})
    body = ok(made, 201)
    assert made["Location"] == f"{BASE}/mine"
    assert (body["id"], body["slug"], body["name"], body["artifact_count"]) == ("mine", "mine", "My things", 0)
    assert folder_of(Collection.objects.get()).is_dir()
    read = api.get(f"{BASE}/mine")
    assert ok(read) == body
    assert [row["id"] for row in ok(api.get(BASE, {"q": "things"}))["results"]] == ["mine"]
    renamed = api.patch(f"{BASE}/mine", {"name": "Ours"}, headers={"If-Match": read["ETag"]})
    assert ok(renamed)["name"] == "Ours"
    refused(api.patch(f"{BASE}/mine", {"name": "x"}, headers={"If-Match": read["ETag"]}), 412, "precondition_failed")
    refused(api.delete(f"{BASE}/mine", headers={"If-Match": read["ETag"]}), 412, "precondition_failed")
    assert ok(api.delete(f"{BASE}/mine?dry_run=true"))["outcome"] == "removed"
    assert ok(api.delete(f"{BASE}/mine", headers={"If-Match": renamed["ETag"]}), 204) is None
    refused(api.get(f"{BASE}/mine"), 404, "not_found")
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["collection.created", "collection.renamed", "collection.deleted"]


@pytest.mark.parametrize("slug", ["..", "A", "a b", "con", "refresh-cache", "x" * 64, ""])
def test_a_slug_is_a_safe_name(api, slug):
    """Fault 49."""
    answer = api.post(BASE, {"slug": slug})
    assert answer.status_code == 400
    assert not Collection.objects.exists()


def test_what_exists_or_is_misspelt_is_refused(api):
    filled()
    refused(api.post(BASE, {"slug": "default"}), 409, "collection_exists")
    refused(api.post(BASE, {"slug": "other", "nmae": "x"}), 400, "unknown_field")
    refused(api.get(BASE, {"nmae": "x"}), 400, "unknown_field")
    refused(api.get(f"{DEFAULT}/artifacts", {"type": "skil"}), 400, "invalid_parameter")
    refused(api.get(f"{DEFAULT}/artifacts", {"ordering": "size"}), 400, "invalid_parameter")
    refused(api.delete(f"{DEFAULT}?force=perhaps"), 400, "invalid_parameter")
    refused(api.get(f"{BASE}/other/artifacts"), 404, "not_found")


def test_dry_runs_write_nothing(api):
    collection = filled()
    row, before = artifact(collection), tree_of(folder_of(collection))
    snapshot = ok(api.post(f"{DEFAULT}/snapshots", {"reason": "r"}), 201)
    write(folder_of(collection), {"skills/gamma/SKILL.md": SKILL})
    counts = [model.objects.count() for model in (Job, AuditEvent, Collection, Artifact, Snapshot)]
    dry = {"dry_run": True}
    assert ok(api.post(BASE, {"slug": "other", **dry}))["dry_run"]
    assert ok(api.patch(DEFAULT, {"name": "x", **dry}))["name"] == "x"
    would = ok(api.patch(one(row), {"pin": "v1", "tags": ["Web"], **dry}))
    assert (would["outcome"], would["pin"], would["pinned"], would["tags"]) == ("updated", "v1", True, ["web"])
    assert ok(api.delete(one(row) + "?dry_run=true"))["outcome"] == "removed"
    assert ok(api.delete(DEFAULT + "?dry_run=true"))["artifacts"] == 3
    assert ok(api.post(f"{DEFAULT}/snapshots", dry))["id"] is None
    assert ok(api.post(f"{DEFAULT}/snapshots/{snapshot['id']}/restore", dry))["changed"] == ["skills/gamma"]
    assert ok(api.post(f"{DEFAULT}/refresh-cache", dry))["added_count"] == 1
    assert ok(api.post(f"{BASE}/refresh-cache", dry))["dry_run"]
    assert counts == [model.objects.count() for model in (Job, AuditEvent, Collection, Artifact, Snapshot)]
    (folder_of(collection) / "skills/gamma/SKILL.md").unlink()
    assert tree_of(folder_of(collection)) == before


def test_an_artifact_is_read_edited_and_removed(api):
    collection = filled()
    row = artifact(collection)
    read = api.get(one(row))
    body = ok(read)
    assert body["id"] == str(row.pk)
    assert (body["collection"], body["type"], body["name"], body["state"]) == ("default", "skill", "alpha", "unknown")
    assert (body["pinned"], body["pin"], body["upstream"], body["deployments"]) == (False, None, None, [])
    change = {"pin": "v1.0", "pin_reason": "good", "tags": ["Web"], "title": "Alpha!"}
    edited = api.patch(one(row), change, headers={"If-Match": read["ETag"]})
    shown = ok(edited)
    assert (shown["pin"], shown["pin_reason"], shown["tags"], shown["title"]) == ("v1.0", "good", ["web"], "Alpha!")
    refused(api.patch(one(row), {"title": ""}, headers={"If-Match": read["ETag"]}), 412, "precondition_failed")
    refused(api.delete(one(row), headers={"If-Match": read["ETag"]}), 412, "precondition_failed")
    assert ok(api.patch(one(row), {"pin": None}))["pinned"] is False
    assert ok(api.delete(one(row)), 204) is None
    refused(api.get(one(row)), 404, "not_found")
    assert [row["reason"] for row in ok(api.get(f"{DEFAULT}/snapshots"))["results"]] == ["before-remove"]


def test_a_state_that_nobody_knows_is_refused_and_does_not_find_nothing(api):
    filled()
    every = ok(api.get(f"{DEFAULT}/artifacts"))["count"]
    problem = refused(api.get(f"{DEFAULT}/artifacts", {"state": "in_sink"}), 400, "invalid_parameter")
    assert "did you mean 'in_sync'" in problem["detail"]
    states = "in_sync, update_available,locally_modified,conflict,missing,unknown"
    assert ok(api.get(f"{DEFAULT}/artifacts", {"state": states}))["count"] == every > 0


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"pin": "a..b"}, "invalid_ref", "/pin"),
        ({"pin": "HEAD"}, "invalid_parameter", "/pin"),
        ({"pin_reason": "no pin"}, "invalid_parameter", None),
        ({"tags": ["two words"]}, "invalid_parameter", None),
        ({"name": "other"}, "unknown_field", "/name"),
    ],
)
def test_an_edit_that_makes_no_sense(api, change, code, pointer):
    collection = filled()
    before = tree_of(folder_of(collection))
    problem = refused(api.patch(one(artifact(collection)), change), 400, code)
    if pointer:
        assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert tree_of(folder_of(collection)) == before


def test_filters_of_artifacts(api):
    collection = CollectionFactory(slug="default")
    ArtifactFactory(collection=collection, name="alpha", tags=["web"], title="First thing")
    ArtifactFactory(collection=collection, name="beta", pin="v1", upstream_oid="f" * 40)
    ArtifactFactory(collection=collection, name="git:sync", type="command", origin="local", content_oid="")
    ArtifactFactory(name="elsewhere")

    def names(**query):
        return [row["name"] for row in ok(api.get(f"{DEFAULT}/artifacts", {"ordering": "name", **query}))["results"]]

    assert names() == ["alpha", "beta", "git:sync"]
    assert names(type="skill") == ["alpha", "beta"]
    assert names(name="*eta") == ["beta"]
    assert names(name="g?t:*") == ["git:sync"]
    assert names(q="FIRST") == ["alpha"]
    assert names(state="update_available") == ["beta"]
    assert names(state="missing,in_sync") == ["alpha", "git:sync"]
    assert names(pinned="true") == ["beta"]
    assert names(pinned="false") == ["alpha", "git:sync"]
    assert names(tag="web") == ["alpha"]
    assert names(origin="local") == ["git:sync"]
    assert names(ordering="-name")[0] == "git:sync"


def test_the_files_of_an_artifact(api):
    collection = filled()
    body = ok(api.get(one(artifact(collection)) + "/files"))
    assert body["count"] == 2
    assert [(row["path"], row["mode"]) for row in body["results"]] == [("SKILL.md", "100644"), ("run.sh", "100755")]
    assert body["results"][0]["size"] == len(SKILL)
    assert len(body["results"][0]["oid"]) == 40
    single = artifact(collection, "git:sync", "command")
    assert [row["path"] for row in ok(api.get(one(single) + "/files"))["results"]] == ["sync.md"]
    assert ok(api.get(one(artifact(collection)) + "/files?limit=1"))["next"]
    write(folder_of(collection), {"skills/alpha/out": "->/etc"})
    refused(api.get(one(artifact(collection)) + "/files"), 400, "unsafe_link")


def test_snapshots_are_taken_listed_compared_and_restored(api):
    collection = filled()
    made = api.post(f"{DEFAULT}/snapshots", {"reason": "first"})
    first = ok(made, 201)
    assert made["Location"] == f"{DEFAULT}/snapshots/{first['id']}"
    assert set(first) >= {"id", "commit_oid", "reason", "created_at", "artifact_count", "job_id"}
    assert (first["reason"], first["artifact_count"]) == ("first", 3)
    assert str(Job.objects.get().pk) == first["job_id"]
    read = ok(api.get(made["Location"]))
    assert read == {key: first[key] for key in read}
    was = tree_of(folder_of(collection))
    write(
        folder_of(collection),
        {"skills/alpha/SKILL.md": SKILL.replace("Steps", "Leaps"), "skills/beta/SKILL.md": None,
         "skills/alpha/x.bin": b"\0\1", "skills/alpha/big.txt": "x" * 600_000},
    )  # fmt: skip
    diff = ok(api.get(f"{made['Location']}/diff"))
    found = {row["path"]: (row["status"], row["kind"]) for row in diff["results"]}
    assert found == {
        "skills/alpha/SKILL.md": ("modified", "text"),
        "skills/alpha/big.txt": ("added", "too_large"),
        "skills/alpha/x.bin": ("added", "binary"),
        "skills/beta/SKILL.md": ("removed", "text"),
    }
    (hunk,) = diff["results"][0]["hunks"]
    assert [(line["origin"], line["text"]) for line in hunk["lines"] if line["origin"] != " "] == [
        ("-", "Steps.\n"), ("+", "Leaps.\n"),
    ]  # fmt: skip
    assert ok(api.get(f"{made['Location']}/diff", {"limit": 1, "path": "skills/beta"}))["count"] == 1
    second = ok(api.post(f"{DEFAULT}/snapshots", {}), 201)
    assert ok(api.get(f"{made['Location']}/diff", {"against": second["id"]}))["count"] == 4
    refused(api.get(f"{made['Location']}/diff", {"against": "nothing"}), 404, "not_found")
    restored = ok(api.post(f"{made['Location']}/restore", {}))
    assert restored["changed"] == ["skills/alpha", "skills/beta"]
    assert restored["safety_snapshot_id"]
    assert tree_of(folder_of(collection)) == was
    assert [row["reason"] for row in ok(api.get(f"{DEFAULT}/snapshots"))["results"]] == [
        "before-restore", "manual", "first",
    ]  # fmt: skip


def test_a_snapshot_of_another_collection_is_not_found_here(api):
    filled()
    filled("other")
    made = ok(api.post(f"{BASE}/other/snapshots", {}), 201)
    refused(api.get(f"{DEFAULT}/snapshots/{made['id']}"), 404, "not_found")
    refused(api.post(f"{DEFAULT}/snapshots/{made['id']}/restore", {}), 404, "not_found")


def test_a_restore_may_be_queued(api):
    filled()
    made = ok(api.post(f"{DEFAULT}/snapshots", {}), 201)
    url = f"{DEFAULT}/snapshots/{made['id']}/restore"
    answer = api.post(url, {}, headers={"Prefer": "respond-async"})
    assert ok(answer, 202)["kind"] == "collections.restore"


def test_refreshing_the_cache_counts_each_artifact_once(api):
    """Faults 17 and 18: the wrong row is written, updated is not changed, all is skipped and still a success."""
    collection = filled()
    same = filled("other")
    folder = folder_of(collection)
    write(folder, {"skills/alpha/SKILL.md": "edited", "skills/beta/SKILL.md": None, "agents/new.md": "x",
                   "skills/bad/.git/x": "x"})  # fmt: skip
    before = list(Artifact.objects.filter(collection=same).order_by("pk").values())
    body = ok(api.post(f"{DEFAULT}/refresh-cache"))
    counts = {
        name: body[f"{name}_count"] for name in ("updated", "skipped", "added", "removed", "missing", "unchanged")
    }
    assert counts == {"updated": 1, "skipped": 1, "added": 1, "removed": 1, "missing": 0, "unchanged": 1}
    assert body["collection_id"] == "default"
    assert [error["code"] for error in body["errors"]] == ["unsafe_path"]
    rows = Artifact.objects.filter(collection=collection).count()
    assert rows == counts["updated"] + counts["skipped"] + counts["added"] + counts["missing"] + counts["unchanged"]
    assert list(Artifact.objects.filter(collection=same).order_by("pk").values()) == before
    again = ok(api.post(f"{DEFAULT}/refresh-cache"))
    assert (again["unchanged_count"], again["updated_count"], again["skipped_count"]) == (3, 0, 1)
    everything = ok(api.post(f"{BASE}/refresh-cache"))
    assert (everything["success"], everything["collections_refreshed"], everything["total_skipped"]) == (False, 2, 1)
    assert [row["collection_id"] for row in everything["errors"]] == ["default"]


def test_what_cannot_be_read_changes_no_row(api):
    """Fault 37: tags are committed one by one before the rest."""
    collection = filled()
    ok(api.patch(one(artifact(collection)), {"tags": ["web"]}))
    filled("other")
    before = list(Artifact.objects.order_by("pk").values())
    (folder_of(collection) / "collection.toml").write_text("tags = [")
    refused(api.post(f"{DEFAULT}/refresh-cache"), 409, "manifest_invalid")
    assert ok(api.get(DEFAULT))["problem"]["code"] == "manifest_invalid"
    assert list(Artifact.objects.order_by("pk").values()) == before
    everything = ok(api.post(f"{BASE}/refresh-cache"))
    assert (everything["success"], everything["collections_refreshed"]) == (False, 1)
    assert everything["errors"][0]["errors"][0]["code"] == "manifest_invalid"
    refused(api.patch(one(artifact(collection)), {"pin": "v1"}), 409, "manifest_invalid")


def test_a_copied_folder_gets_ids_of_its_own(api):
    """Fault 17: an artifact in two collections."""
    first = filled()
    ok(api.patch(one(artifact(first)), {"pin": "v1"}))
    second = filled("other", {})
    for name in ("collection.toml", "skills/alpha/SKILL.md", "skills/alpha/run.sh"):
        write(folder_of(second), {name: (folder_of(first) / name).read_bytes()})
    ok(api.post(f"{BASE}/other/refresh-cache"))
    assert artifact(first).pk != artifact(second).pk
    assert artifact(second).pin == "v1"
    assert ok(api.post(f"{BASE}/other/refresh-cache"))["updated_count"] == 0


def test_two_artifacts_may_change_names(api):
    collection = filled()
    for name in ("alpha", "beta"):
        ok(api.patch(one(artifact(collection, name)), {"title": name}))
    toml = folder_of(collection) / "collection.toml"
    text = toml.read_text()
    swapped = text.replace('name = "alpha"', 'name = "x"').replace('name = "beta"', 'name = "alpha"')
    toml.write_text(swapped.replace('name = "x"', 'name = "beta"'))
    ids = {name: artifact(collection, name).pk for name in ("alpha", "beta")}
    ok(api.post(f"{DEFAULT}/refresh-cache"))
    assert {name: artifact(collection, name).pk for name in ("beta", "alpha")} == {
        "beta": ids["alpha"], "alpha": ids["beta"],
    }  # fmt: skip


def test_more_than_twenty_collections_become_a_job(api):
    CollectionFactory.create_batch(21)
    assert ok(api.post(f"{BASE}/refresh-cache"), 202)["kind"] == "collections.index_all"


READ = ["view_collection", "view_artifact", "view_snapshot"]


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("post", "", "add_collection"),
        ("patch", "/default", "change_collection"),
        ("delete", "/default", "delete_collection"),
        ("post", "/default/refresh-cache", "refresh_collection"),
        ("post", "/refresh-cache", "refresh_collection"),
        ("patch", "/default/artifacts/{artifact}", "change_artifact"),
        ("delete", "/default/artifacts/{artifact}", "delete_artifact"),
        ("post", "/default/snapshots", "add_snapshot"),
        ("post", "/default/snapshots/{snapshot}/restore", "change_collection"),
    ],
)
def test_who_may(api, client_for, method, path, permission):
    collection = filled()
    snapshot = ok(api.post(f"{DEFAULT}/snapshots", {}), 201)
    user = UserFactory()
    url = BASE + path.format(artifact=artifact(collection).pk, snapshot=snapshot["id"])
    user.user_permissions.add(*Permission.objects.filter(codename__in=READ))
    client = client_for(user)
    assert client.get(DEFAULT).status_code == 200
    refused(getattr(client, method)(url, {"slug": "new"} if path == "" else {}), 403, "permission_denied")
    user.user_permissions.add(Permission.objects.get(codename=permission))
    client = client_for(type(user).objects.get(pk=user.pk))
    assert getattr(client, method)(url, {"slug": "new"} if path == "" else {}).status_code < 300
    refused(getattr(client_for(user, "read"), method)(url, {}), 403, "permission_denied")


def test_no_answer_names_a_path_of_the_server(api, settings):
    """Fault 50: exceptions echoed with paths and SQL."""
    collection = filled()
    (folder_of(collection) / "collection.toml").write_text("x = [")
    write(folder_of(collection), {"skills/alpha/out": "->/etc"})
    row = artifact(collection)
    urls = [f"{DEFAULT}/refresh-cache", f"{BASE}/refresh-cache"]
    answers = [api.post(url) for url in urls] + [api.get(f"{one(row)}/files"), api.get(DEFAULT)]
    assert str(settings.SKILLMEAT_HOME) not in json.dumps([answer.json() for answer in answers])
