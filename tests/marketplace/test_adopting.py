"""adopt_collections: 1.x homes, collections and .claude folders are copied; the originals stay as they were."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from collections_app.models import Artifact, Collection, Snapshot
from collections_app.services.homes import home
from collections_app.services.snapshots import snapshot_collection
from collections_app.store.content_on_disk import content_oid
from collections_app.store.reader import read_files
from marketplace.models import EntryImport
from tests.collections_app.filled import SKILL, WHO, filled, tree_of, write
from tests.factories.marketplace import CatalogEntryFactory

pytestmark = pytest.mark.django_db

OLD = """\
[collection]
name = "Old one"
version = "1.0.0"
created = "2025-01-02T03:04:05"
updated = "2025-01-02T03:04:05"

[[artifacts]]
name = "alpha"
type = "skill"
path = "skills/alpha/"
origin = "github"
upstream = "acme/tools/skills/alpha"
version_spec = "v1.0.0"
added = "2025-01-02T03:04:05.000006"
mystery = "kept"

[artifacts.metadata]
title = "Alpha"
tags = ["Data AI"]

[[artifacts]]
name = "flow"
type = "workflow"
path = "workflows/flow/"
origin = "local"
added = "2025-01-02T03:04:05"

[[artifacts]]
name = "gone"
type = "skill"
path = "skills/gone/"
origin = "local"
added = "2025-01-02T03:04:05"

[[artifacts]]
name = "outside"
type = "skill"
path = "../../outside"
origin = "local"
added = "2025-01-02T03:04:05"

[[groups]]
name = "mine"
members = []
"""
LOCK = """\
[lock]
version = "1.0.0"

[lock.entries."alpha::skill"]
content_hash = "abc"
fetched = "2025-01-02T03:04:05"
"""


@pytest.fixture
def old_home(tmp_path):
    folder = tmp_path / "dot-skillmeat"
    write(
        folder / "collections" / "My Things",
        {"collection.toml": OLD, "collection.lock": LOCK, "skills/alpha/SKILL.md": SKILL, "skills/alpha/run.sh": "#!",
         "workflows/flow/WORKFLOW.yaml": "a: 1\n", "commands/by/hand.md": "Hand.\n", "skills/leak/out": "->/etc"},
    )  # fmt: skip
    return folder


@pytest.fixture
def adopt(capsys):
    def call(*words):
        code = 0
        try:
            call_command("adopt_collections", *map(str, words), "--json")
        except SystemExit as stop:
            code = stop.code
        body = json.loads(capsys.readouterr().out)
        return {row["label"]: (row["outcome"], row["code"]) for row in body["results"]}, code

    return call


def stamps(folder):
    return {path: (found.st_mtime_ns, found.st_mode) for path in sorted(folder.rglob("*")) if (found := path.lstat())}


def test_a_home_of_1x(adopt, old_home):
    before, times = tree_of(old_home), stamps(old_home)
    rows, code = adopt("--from", old_home, "--dry-run")
    assert not Collection.objects.exists()
    assert not home().collections.exists()
    again, code = adopt("--from", old_home)
    assert again == rows
    assert code == 1  # what could not be adopted is told
    assert rows == {
        "my-things": ("created", None),
        "my-things/skill:alpha": ("created", None),
        "my-things/workflow:flow": ("created", None),
        "my-things/command:by:hand": ("created", None),
        "my-things/skill:gone": ("failed", "not_found"),
        "my-things/skill:outside": ("failed", "unsafe_path"),
        "my-things/skill:leak": ("failed", "unsafe_link"),
    }
    assert (tree_of(old_home), stamps(old_home)) == (before, times)
    here = home().collection("my-things")
    assert tree_of(here)["skills/alpha/run.sh"] == ("executable", b"#!")
    assert (here / "workflows/flow/WORKFLOW.yaml").read_text() == "a: 1\n"
    manifest = read_files(here).manifest
    assert [record.ref.lock_key for record in manifest.records] == [
        "by:hand::command", "alpha::skill", "gone::skill", "flow::workflow",
    ]  # fmt: skip
    alpha = next(record for record in manifest.records if record.name == "alpha")
    assert alpha.added == datetime(2025, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert (alpha.extra["mystery"], alpha.tags, alpha.version_spec) == ("kept", ("Data AI",), "v1.0.0")
    assert manifest.name == "Old one"
    assert "groups" in manifest.extra
    assert read_files(here).lock.entries[0].content_hash == "abc"
    row = Artifact.objects.get(name="alpha")
    assert (row.title, row.tags, row.pk.hex) == ("Alpha", ["Data AI"], alpha.uuid)
    assert Artifact.objects.get(name="gone").content_oid == ""


def test_a_second_run_changes_nothing(adopt, old_home):
    adopt("--from", old_home)
    here, rows = tree_of(home().collections), list(Artifact.objects.order_by("pk").values())
    again, _ = adopt("--from", old_home)
    assert {outcome for outcome, _ in again.values()} == {"unchanged", "failed"}
    assert tree_of(home().collections) == here
    assert list(Artifact.objects.order_by("pk").values()) == rows


def test_what_differs_is_a_conflict_and_stays(adopt, old_home):
    adopt("--from", old_home)
    mine = home().collection("my-things") / "skills/alpha/SKILL.md"
    mine.write_text("edited here")
    write(old_home / "collections" / "My Things", {"skills/new/SKILL.md": SKILL})
    rows, code = adopt("--from", old_home)
    assert rows["my-things/skill:alpha"] == ("conflict", "name_taken")
    assert rows["my-things/skill:new"] == ("created", None)
    assert (rows["my-things"], code) == (("updated", None), 1)
    assert mine.read_text() == "edited here"


def test_a_folder_of_claude_code_is_named_after_its_project(adopt, tmp_path):
    """Fault 51: links are followed and what lies outside is copied in."""
    folder = tmp_path / "My Project" / ".claude"
    write(folder, {"skills/alpha/SKILL.md": SKILL, "settings.json": '{"secret": 1}', "skills/alpha/ref": "->SKILL.md"})
    os.symlink("/etc", folder / "commands")
    rows, _ = adopt("--from", folder)
    assert rows["my-project"] == ("created", None)
    assert rows["my-project/skill:alpha"] == ("created", None)
    here = tree_of(home().collection("my-project"))
    assert set(here) == {"collection.toml", "collection.lock", "skills/alpha/SKILL.md", "skills/alpha/ref"}
    assert here["skills/alpha/ref"] == ("link", b"SKILL.md")


def test_a_broken_collection_is_a_row_and_the_others_come(adopt, old_home):
    write(old_home / "collections" / "broken", {"collection.toml": "x = ["})
    write(old_home / "collections" / "...", {"collection.toml": OLD})
    rows, code = adopt("--from", old_home)
    assert rows["broken"] == ("failed", "manifest_invalid")
    assert rows["..."] == ("failed", "unsafe_path")
    assert rows["my-things"] == ("created", None)
    assert code == 1


def test_what_is_nothing_of_the_kind(capsys, tmp_path):
    (tmp_path / "empty").mkdir()
    for name, code in (("empty", "invalid_parameter"), ("nowhere", "not_found")):
        with pytest.raises(SystemExit):
            call_command("adopt_collections", "--from", str(tmp_path / name), "--json")
        assert json.loads(capsys.readouterr().out)["results"][0]["code"] == code
    assert not Collection.objects.exists()


def test_in_place_the_index_is_made_from_the_files(adopt, old_home):
    """A database that was lost is made again, snapshots included."""
    collection = filled()
    taken = snapshot_collection("default", reason="kept", **WHO).snapshot
    before = set(Artifact.objects.values_list("type", "name", "content_oid"))
    collection.delete()
    write(home().collections / "Not A Slug", {"skills/x/SKILL.md": "x"})
    rows, code = adopt("--dry-run")
    assert rows["default"] == ("created", None)
    assert not Collection.objects.exists()
    here = tree_of(home().collections)
    rows, code = adopt()
    assert rows == {"default": ("created", None), "Not A Slug": ("failed", "unsafe_path")}
    assert code == 1
    assert set(Artifact.objects.values_list("type", "name", "content_oid")) == before
    assert Snapshot.objects.get().commit_oid == taken.commit_oid
    assert Snapshot.objects.get().reason == "kept"
    assert tree_of(home().collections) == here
    assert adopt()[0]["default"] == ("unchanged", None)


def test_adopted_artifacts_are_linked_with_the_catalog(adopt, old_home):
    oid = content_oid(old_home / "collections" / "My Things" / "skills/alpha")
    entry = CatalogEntryFactory(content_oid=oid, commit="c" * 40, path="skills/alpha")
    CatalogEntryFactory(content_oid=oid, type="plugin", path="other")
    CatalogEntryFactory(content_oid=oid, removed=True, path="removed", source=entry.source)
    adopt("--from", old_home)
    row = Artifact.objects.with_state().get(name="alpha")
    assert EntryImport.objects.get().entry == entry
    assert (row.base_oid, row.upstream_oid, row.base_commit, row.state) == (oid, oid, "c" * 40, "in_sync")
    record = next(each for each in read_files(home().collection("my-things")).manifest.records if each.name == "alpha")
    assert (record.upstream, record.upstream_path, record.base_oid) == (entry.source.url, "skills/alpha", oid)
    here = tree_of(home().collections)
    again, _ = adopt("--from", old_home)
    assert again["my-things/skill:alpha"] == ("unchanged", None)
    assert tree_of(home().collections) == here
    assert EntryImport.objects.count() == 1


def test_two_homes_with_the_same_ids(adopt, capsys, tmp_path):
    first = filled("first")
    call_command("pin", "skill:alpha", "--collection", "first", "--to", "v1")
    capsys.readouterr()
    write(tmp_path / "copy", {name: data for name, (_, data) in tree_of(home().collection("first")).items()})
    rows, code = adopt("--from", tmp_path / "copy")
    assert (rows["copy/skill:alpha"], code) == (("created", None), 0)
    ids = set(Artifact.objects.filter(name="alpha").values_list("pk", flat=True))
    assert len(ids) == 2
    assert first.artifacts.get(name="alpha").pin == "v1"


def collection_of(folder, *records):
    """A collection of two skills and these records: type, name, path."""
    head = 'format = 2\n[collection]\nname = "c"\n'
    tables = (
        f'\n[[artifacts]]\ntype = "{type_}"\nname = "{name}"\npath = "{path}"\norigin = "local"\n'
        f"added = 2026-01-01T00:00:00Z\n"
        for type_, name, path in records
    )
    files = {"skills/a/SKILL.md": SKILL, "skills/a/b/SKILL.md": SKILL, "skills/z/SKILL.md": SKILL}
    write(folder / "mine", {**files, "collection.toml": head + "".join(tables)})
    return folder / "mine"


@pytest.mark.parametrize(
    ("records", "settled"),
    [
        ([("skill", "a", "skills/a"), ("skill", "b", "skills/a")], "skill:b"),
        ([("skill", "a", "skills/a"), ("skill", "b", "skills/a/")], "skill:b"),
        ([("skill", "a", "skills/a/"), ("skill", "b", "skills/a")], "skill:b"),
        ([("skill", "a", "skills/a"), ("skill", "b", "skills/a/b")], "skill:b"),
        ([("skill", "a", "skills/a/b"), ("skill", "b", "skills/a/")], "skill:b"),
        ([("t\\u0000", "a", "skills/a/")], "skill:a"),
        ([("skill", "a", "skills/a"), ("skill", "b", "collection.toml")], "skill:b"),
    ],
)
def test_two_records_that_mean_one_folder(adopt, tmp_path, records, settled):
    """It had been a traceback; what came after it was not adopted."""
    folder = collection_of(tmp_path, *records)
    told, code = adopt("--from", folder, "--dry-run")
    assert code == 1
    assert told[f"mine/{settled}"] == ("conflict", "unsafe_path")
    assert told["mine/skill:z"] == ("created", None)
    assert adopt("--from", folder) == (told, 1)
    here, rows = tree_of(home().collections), list(Artifact.objects.order_by("pk").values())
    again, _ = adopt("--from", folder)
    assert again == {label: (how.replace("created", "unchanged"), code) for label, (how, code) in told.items()}
    assert tree_of(home().collections) == here
    assert list(Artifact.objects.order_by("pk").values()) == rows


def test_a_record_whose_folder_another_one_of_the_collection_has(adopt, tmp_path):
    """The name was changed in the folder that it came from, after it had been adopted."""
    adopt("--from", collection_of(tmp_path, ("skill", "a", "skills/a")))
    manifest = (home().collection("mine") / "collection.toml").read_bytes()
    told, _ = adopt("--from", collection_of(tmp_path, ("skill", "b", "skills/a/")))
    assert told["mine/skill:b"] == ("conflict", "unsafe_path")
    assert (home().collection("mine") / "collection.toml").read_bytes() == manifest
