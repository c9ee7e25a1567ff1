"""The commands over collections, artifacts and snapshots: one JSON document, exit codes, dry runs."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from collections_app.models import Artifact, Collection, Snapshot
from skillmeat_site.core.models import Job
from tests.collections_app.filled import artifact, filled, folder_of, tree_of, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(capsys):
    """Run a command; its document, and its exit code."""

    def call(name, *words):
        code = 0
        try:
            call_command(name, *words, "--json")
        except SystemExit as stop:
            code = stop.code
        return json.loads(capsys.readouterr().out), code

    return call


def test_create_collection(run):
    body, code = run("create_collection", "mine", "--name", "My things", "--dry-run")
    assert (code, Collection.objects.count()) == (0, 0)
    body, code = run("create_collection", "mine", "--name", "My things")
    assert (code, body["results"][0]["slug"], body["results"][0]["outcome"]) == (0, "mine", "created")
    assert (folder_of(Collection.objects.get()) / "collection.toml").exists()
    body, code = run("create_collection", "mine")
    assert (code, body["results"][0]["code"]) == (1, "collection_exists")
    assert run("create_collection", "..")[1] == 1


def test_list_artifacts(run, capsys):
    filled()
    filled("other")
    body, code = run("list_artifacts")
    assert (code, body["summary"]["total"]) == (0, 6)
    body, _ = run("list_artifacts", "--collection", "other", "-t", "skill", "-n", "a*")
    assert [(row["collection"], row["name"]) for row in body["results"]] == [("other", "alpha")]
    assert run("list_artifacts", "--status", "missing")[0]["results"] == []
    body, code = run("list_artifacts", "--collection", "nowhere")
    assert (code, body["results"][0]["code"]) == (1, "not_found")
    call_command("list_artifacts")
    assert "command:git:sync" in capsys.readouterr().out


def test_pin_and_tags(run):
    collection = filled()
    body, code = run("pin", "skill:alpha", "command:git:sync", "skill:nothing", "--to", "v1", "--reason", "good")
    assert code == 1
    assert [row["outcome"] for row in body["results"]] == ["failed", "updated", "updated"]
    assert body["summary"]["total"] == 3
    assert artifact(collection, "git:sync", "command").pin == "v1"
    assert run("pin", str(artifact(collection).pk), "--unpin")[1] == 0
    assert artifact(collection).pin == ""
    assert run("pin", "skill:alpha", "--to", "a..b")[1] == 1
    for words in (["--unpin", "--to", "v1"], [], ["--to", " "]):
        with pytest.raises(CommandError) as caught:
            call_command("pin", "skill:alpha", *words)
        assert caught.value.returncode == 2
    body, code = run("tags", "skill:alpha", "--add", "Web", "--add", "data", "--dry-run")
    assert (code, artifact(collection).tags) == (0, [])
    assert run("tags", "skill:alpha", "--add", "Web", "--add", "data", "--remove", "web")[1] == 0
    assert artifact(collection).tags == ["data"]
    with pytest.raises(CommandError):
        call_command("tags", "skill:alpha")


def test_remove_snapshots_and_restore(run):
    collection = filled()
    was = tree_of(folder_of(collection))
    body, code = run("remove_artifact", "skill:alpha", "--dry-run")
    assert (code, body["results"][0]["outcome"], tree_of(folder_of(collection)) == was) == (0, "removed", True)
    assert not Job.objects.exists()
    body, code = run("remove_artifact", "skill:alpha")
    snapshot = body["results"][0]["snapshot_id"]
    assert not Artifact.objects.filter(name="alpha").exists()
    body, _ = run("snapshots", "default")
    assert [(row["id"], row["reason"]) for row in body["results"]] == [(snapshot, "before-remove")]
    body, code = run("restore_snapshot", "default", snapshot, "--dry-run")
    assert (code, "skills/alpha" in body["results"][0]["changed"]) == (0, True)
    body, code = run("restore_snapshot", "default", snapshot)
    assert (code, body["results"][0]["outcome"]) == (0, "updated")
    assert tree_of(folder_of(collection)) == was
    assert Artifact.objects.filter(name="alpha").exists()
    body, code = run("restore_snapshot", "default", "nothing")
    assert (code, body["results"][0]["code"]) == (1, "not_found")
    assert Snapshot.objects.count() == 2


def test_refresh_collection_cache(run):
    collection = filled()
    filled("other")
    write(folder_of(collection), {"skills/new/SKILL.md": "x"})
    body, code = run("refresh_collection_cache", "--dry-run")
    assert (code, body["results"][0]["added_count"], Artifact.objects.filter(name="new").count()) == (0, 1, 0)
    body, code = run("refresh_collection_cache", "--all")
    assert (code, body["summary"]["updated"], body["summary"]["unchanged"]) == (0, 1, 1)
    (folder_of(collection) / "collection.toml").write_text("x = [")
    body, code = run("refresh_collection_cache")
    assert (code, body["results"][0]["code"]) == (1, "manifest_invalid")
    assert run("refresh_collection_cache", "--all")[1] == 1
    with pytest.raises(CommandError):
        call_command("refresh_collection_cache", "default", "--all")
