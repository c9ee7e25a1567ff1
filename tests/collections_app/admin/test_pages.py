"""Collections, artifacts and snapshots in the admin: looked at, and changed through actions."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from collections_app.models import Artifact, Collection, Snapshot
from collections_app.services.snapshots import snapshot_collection
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import Job
from tests.collections_app.filled import WHO, artifact, filled, folder_of, tree_of, write
from tests.factories.collections import ArtifactFactory, CollectionFactory, SnapshotFactory
from tests.factories.core import UserFactory
from tests.marketplace.test_admin_actions import choose

pytestmark = pytest.mark.django_db


def place(model, page="changelist", *args):
    return reverse(f"admin:collections_app_{model}_{page}", args=args)


def page(client, url):
    answer = client.get(url)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def work(job):
    """What a worker does."""
    runner.deliver(str(job.pk))
    job.refresh_from_db()
    return job


def test_a_collection_is_made_with_its_folder(admin_client):
    answer = admin_client.post(place("collection", "add"), {"slug": "mine", "name": "My things"})
    collection = Collection.objects.get()
    assert answer.status_code == 302
    assert (folder_of(collection) / "collection.toml").exists()
    shown = page(admin_client, place("collection", "change", collection.pk))
    assert "My things" in shown
    admin_client.post(place("collection", "change", collection.pk), {"name": "Ours"})
    collection.refresh_from_db()
    assert (collection.slug, collection.name) == ("mine", "Ours")


@pytest.mark.parametrize("slug", ["..", "refresh-cache", "Big"])
def test_a_refused_name_comes_back_with_the_reason(admin_client, slug):
    shown = admin_client.post(place("collection", "add"), {"slug": slug, "name": ""}).content.decode()
    assert "unsafe_path" in shown
    assert not Collection.objects.exists()


def test_the_form_wants_its_token(admin_user):
    """It runs outside Django's own transaction, and is guarded all the same."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(place("collection", "add"), {"slug": "mine"}).status_code == 403


@pytest.mark.parametrize("model", ["collection", "artifact", "snapshot"])
def test_lists_cost_the_same_however_long(admin_client, django_assert_max_num_queries, model):
    collection = CollectionFactory()
    CollectionFactory.create_batch(5)
    ArtifactFactory.create_batch(30, collection=collection, tags=["a"])
    SnapshotFactory.create_batch(30, collection=collection)
    with django_assert_max_num_queries(8):
        page(admin_client, place(model))


def test_filters_of_artifacts(admin_client):
    ArtifactFactory(name="pinned-one", pin="v1")
    missing = ArtifactFactory(name="missing-one", content_oid="", type="command", origin="local")

    def listed(query=""):
        shown = page(admin_client, place("artifact") + query)
        return {name for name in ("pinned", "missing") if f"{name}-one" in shown}

    assert listed() == {"pinned", "missing"}
    assert listed("?state=missing") == {"missing"}
    assert listed("?pinned=yes") == {"pinned"}
    assert listed("?type=command") == {"missing"}
    assert listed("?origin=local") == {"missing"}
    assert listed("?problem=yes") == set()
    assert listed(f"?collection={missing.collection_id}") == {"missing"}


def test_the_page_of_an_artifact_shows_files_and_a_safe_preview(admin_client):
    collection = filled()
    hostile = (
        "# Alpha\n\n<script>alert(1)</script>\n\n![spy](https://evil.example/p.png)\n\n[x](javascript:alert(1))\n"
    )
    write(folder_of(collection), {"skills/alpha/SKILL.md": hostile})
    shown = page(admin_client, place("artifact", "change", artifact(collection).pk))
    assert "<h1>Alpha</h1>" in shown
    assert "<script>alert" not in shown
    assert "evil.example" not in shown
    assert 'href="javascript' not in shown
    assert "run.sh" in shown
    assert "executable" in shown
    command = page(admin_client, place("artifact", "change", artifact(collection, "git:sync", "command").pk))
    assert "<p>Sync.</p>" in command


def test_a_page_of_what_cannot_be_read_says_why(admin_client):
    collection = filled(files={"skills/alpha/SKILL.md": "x", "hooks/h.json": '{"hooks": {}}'})
    write(folder_of(collection), {"skills/alpha/out": "->/etc/passwd"})
    shown = page(admin_client, place("artifact", "change", artifact(collection).pk))
    assert "unsafe_link" in shown
    assert "root:" not in shown
    hook = page(admin_client, place("artifact", "change", artifact(collection, "h", "hook").pk))
    assert "{&quot;hooks&quot;: {}}" in re.sub("</?span[^>]*>", "", hook)


def test_pin_and_unpin(admin_client):
    collection = filled()
    rows = [artifact(collection), artifact(collection, "beta")]
    confirm = choose(admin_client, place("artifact"), "pin", rows)
    assert "<strong>2</strong> artifacts will be changed" in page(admin_client, confirm)
    refused = admin_client.post(confirm, {"pin": "a..b"}).content.decode()
    assert "the ref holds" in refused
    assert not Job.objects.exists()
    admin_client.post(confirm, {"pin": "v1.0", "pin_reason": "good"})
    assert set(Artifact.objects.filter(type="skill").values_list("pin", "pin_reason")) == {("v1.0", "good")}
    button = place("artifact", "do", rows[0].pk, "unpin")
    assert button in page(admin_client, place("artifact", "change", rows[0].pk))
    admin_client.post(admin_client.get(button)["Location"])
    assert artifact(collection).pin == ""
    assert button not in page(admin_client, place("artifact", "change", rows[0].pk))


def test_tags_title_and_removal(admin_client):
    collection = filled()
    row = artifact(collection)
    admin_client.post(choose(admin_client, place("artifact"), "tags", [row]), {"add_tags": "Web, data"})
    admin_client.post(choose(admin_client, place("artifact"), "title", [row]), {"title": "First"})
    row.refresh_from_db()
    assert (row.tags, row.title) == (["web", "data"], "First")
    confirm = choose(admin_client, place("artifact"), "remove", [row])
    assert "<strong>1</strong> will be removed" in page(admin_client, confirm)
    admin_client.post(confirm)
    assert work(Job.objects.latest("created_at")).status == "succeeded"
    assert not Artifact.objects.filter(pk=row.pk).exists()


def test_snapshot_index_and_delete_of_collections(admin_client):
    collections = [filled(), filled("other")]
    write(folder_of(collections[0]), {"skills/new/SKILL.md": "x"})
    for action, body in (("snapshot", {"reason": "now"}), ("refresh_cache", {}), ("delete", {})):
        confirm = choose(admin_client, place("collection"), action, collections)
        page(admin_client, confirm)
        answer = admin_client.post(confirm, body)
        assert work(Job.objects.latest("created_at")).status == "succeeded"
        assert "default" in page(admin_client, answer["Location"])
        if action == "snapshot":
            assert set(Snapshot.objects.values_list("reason", flat=True)) == {"now"}
        if action == "refresh_cache":
            assert Artifact.objects.filter(name="new").exists()
    assert not Collection.objects.exists()


def test_the_page_of_a_snapshot_shows_what_changed_and_restores(admin_client):
    collection = filled()
    row = snapshot_collection("default", **WHO).snapshot
    was = tree_of(folder_of(collection))
    url = place("snapshot", "change", row.pk)
    assert "the collection is as it was" in page(admin_client, url)
    write(folder_of(collection), {"skills/alpha/SKILL.md": "<b>other</b>", "skills/alpha/x.bin": b"\0"})
    shown = page(admin_client, url)
    assert "&lt;b&gt;other&lt;/b&gt;" in re.sub("</?(span|mark)[^>]*>", "", shown)
    assert "<b>other" not in shown
    assert "Not a text: nothing → 1\xa0byte" in shown
    button = place("snapshot", "do", row.pk, "restore")
    assert button in shown
    confirm = admin_client.get(button)["Location"]
    assert "<strong>1</strong> artifacts and files will be given back" in page(admin_client, confirm)
    admin_client.post(confirm)
    assert work(Job.objects.latest("created_at")).status == "succeeded"
    assert tree_of(folder_of(collection)) == was


def test_only_one_snapshot_is_restored_at_a_time(admin_client):
    filled()
    rows = [snapshot_collection("default", **WHO).snapshot for _ in range(2)]
    confirm = choose(admin_client, place("snapshot"), "restore", rows)
    shown = admin_client.get(confirm, follow=True).content.decode()
    assert "one moment only" in shown
    assert not Job.objects.exists()


def test_who_only_looks_has_no_buttons(client):
    collection = filled()
    user = UserFactory()
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_artifact", "view_collection"]))
    client.force_login(user)
    assert "/do/" not in page(client, place("artifact", "change", artifact(collection).pk))
    assert "/do/" not in page(client, place("collection", "change", collection.pk))
    assert client.get(place("artifact", "do", artifact(collection).pk, "pin")).status_code == 403
