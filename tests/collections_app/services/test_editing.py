"""Pins, tags and titles: the files first, then the row; and whose a field is from then on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collections_app.domain.artifact_edit import ArtifactEdit, users_fields
from collections_app.domain.manifest import ArtifactRecord
from collections_app.models import Artifact
from collections_app.services.artifacts import edit_artifacts, remove_artifacts
from collections_app.services.indexing import index_collection
from collections_app.store.reader import read_files
from skillmeat_site.core.errors import InvalidParameter, PreconditionFailed
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.upstream.errors import InvalidRef
from tests.collections_app.filled import WHO, artifact, filled, folder_of, nothing_left, tree_of, write
from tests.factories.collections import ArtifactFactory

pytestmark = pytest.mark.django_db


def edit(*rows, **said):
    dry_run = said.pop("dry_run", False)
    return edit_artifacts([row.pk for row in rows], ArtifactEdit.of(said), **WHO, dry_run=dry_run)


def record(collection, row):
    manifest = read_files(folder_of(collection)).manifest
    return next(found for found in manifest.records if found.name == row.name)


def test_a_pin_stands_in_the_file_and_in_the_row():
    collection = filled()
    row = artifact(collection)
    result = edit(row, pin="v1.0.0", pin_reason="  known good  ")
    assert [each.outcome for each in result.rows] == ["updated"]
    row.refresh_from_db()
    assert (row.pin, row.pin_reason) == ("v1.0.0", "known good")
    found = record(collection, row)
    assert (found.pin, found.pin_reason, found.uuid) == ("v1.0.0", "known good", row.pk.hex)
    assert nothing_left(collection)
    assert [each.outcome for each in edit(row, pin="v1.0.0").rows] == ["unchanged"]
    edit(row, pin="v2.0.0")
    row.refresh_from_db()
    assert (row.pin, row.pin_reason) == ("v2.0.0", "")  # the reason was one for another pin
    edit(row, pin="")
    row.refresh_from_db()
    assert (row.pin, row.pin_reason) == ("", "")
    assert record(collection, row).pin is None
    assert AuditEvent.objects.filter(action="artifacts.edited").count() == 3


@pytest.mark.parametrize("pin", ["a..b", "-x", "with space", "x.lock", "a" * 256])
def test_a_pin_is_a_ref(pin):
    with pytest.raises(InvalidRef):
        ArtifactEdit.of({"pin": pin})


@pytest.mark.parametrize(
    "said",
    [
        {"pin": "HEAD"},
        {"pin": "v1", "pin_reason": "x" * 501},
        {"pin": "", "pin_reason": "why"},
        {"title": "x" * 301},
        {"title": "two\nlines"},
        {"add_tags": ["no spaces in tags"]},
        {"add_tags": [f"t{n}" for n in range(21)]},
    ],
)
def test_what_makes_no_sense_is_refused(said):
    with pytest.raises(InvalidParameter):
        ArtifactEdit.of(said)


def test_tags_are_normalised_and_become_the_users():
    collection = filled()
    row = artifact(collection)
    edit(row, add_tags=[" Data ", "web"], title="Alpha, mine")
    row.refresh_from_db()
    assert row.tags == ["data", "web"]
    assert row.title == "Alpha, mine"
    assert row.field_provenance == {"tags": None, "title": None}
    assert users_fields(record(collection, row)) == {"tags", "title"}
    edit(row, remove_tags=["DATA"])
    row.refresh_from_db()
    assert row.tags == ["web"]
    before = Artifact.objects.filter(pk=row.pk).values().get()
    index_collection("default", **WHO)  # the index says the same, read off the files
    assert Artifact.objects.filter(pk=row.pk).values().get() == before


def test_a_record_with_a_number_that_is_none_can_be_edited():
    """NaN is not equal to itself: the record was told as changed meanwhile, whenever anything was to change it."""
    collection = filled()
    edit(artifact(collection), add_tags=["web"])
    manifest = folder_of(collection) / "collection.toml"
    manifest.write_text(manifest.read_text() + "\n[artifacts.metadata]\nscore = nan\n")
    assert index_collection("default", **WHO).to_json()["errors"] == []
    assert [row.outcome for row in edit(artifact(collection), add_tags=["data"]).rows] == ["updated"]
    assert artifact(collection).tags == ["web", "data"]
    assert "score = nan" in manifest.read_text()


def test_a_title_set_to_the_very_same_value_is_the_users_as_well():
    base = ArtifactRecord(type="skill", name="a", path="skills/a", origin="local", added=None, metadata={"title": "A"})
    assert users_fields(ArtifactEdit.of({"title": "A"}).apply(base)) == {"title"}
    assert ArtifactEdit.of({"pin": "v1"}).apply(base).extra == {}


def test_tags_that_older_versions_wrote_stay_as_they_are():
    base = ArtifactRecord(type="skill", name="a", path="skills/a", origin="local", added=None, tags=("Data AI",))
    assert ArtifactEdit.of({"add_tags": ["web"]}).apply(base).tags == ("Data AI", "web")
    assert ArtifactEdit.of({"tags": ["Data AI", "Web"]}).apply(base).tags == ("Data AI", "web")
    assert ArtifactEdit.of({"remove_tags": ["data ai"]}).apply(base).tags == ()
    with pytest.raises(InvalidParameter):
        ArtifactEdit.of({"tags": ["Other Words"]}).apply(base)


@given(st.lists(st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True), max_size=8), st.integers(0, 8))
def test_an_edit_said_twice_changes_nothing_more(tags, number):
    base = ArtifactRecord(type="skill", name="a", path="skills/a", origin="local", added=None, tags=("x",))
    said = ArtifactEdit.of({"add_tags": tags[:number], "remove_tags": tags[number:], "title": "T"})
    once = said.apply(base)
    assert said.apply(once) == once


def test_a_dry_run_writes_nothing():
    collection = filled()
    row, before = artifact(collection), tree_of(folder_of(collection))
    assert [each.outcome for each in edit(row, pin="v1", dry_run=True).rows] == ["updated"]
    assert tree_of(folder_of(collection)) == before
    assert not Artifact.objects.exclude(pin="").exists()


def test_each_row_settles_by_itself():
    collection = filled()
    lost = ArtifactFactory(collection=collection, content_oid="")
    result = edit_artifacts(
        [lost.pk, artifact(collection).pk, ArtifactFactory.build().pk], ArtifactEdit.of({"pin": "v1"}), **WHO
    )
    assert [(each.outcome, each.code) for each in result.rows] == [
        ("failed", "not_found"), ("updated", ""), ("failed", "not_found"),
    ]  # fmt: skip


def test_a_check_sees_the_row_of_now():
    """Fault 34: two writers, one lost update. The check runs while nobody else can write."""
    collection = filled()
    row = artifact(collection)

    def refuse(found):
        raise PreconditionFailed

    result = edit_artifacts([row.pk], ArtifactEdit.of({"pin": "v1"}), **WHO, check=refuse)
    assert [each.code for each in result.rows] == ["precondition_failed"]
    assert not Artifact.objects.exclude(pin="").exists()


class Meanwhile(SilentReport):
    """Somebody edits the file by hand while the change is on its way."""

    def __init__(self, action):
        super().__init__()
        self.action = action

    def tick(self):
        super().tick()
        action, self.action = self.action, lambda: None
        action()


def test_an_edit_of_the_file_by_hand_meanwhile_is_not_reverted():
    """Fault 34: a long operation silently reverts what was edited meanwhile."""
    collection = filled()
    edit(artifact(collection), pin="v1")
    manifest = folder_of(collection) / "collection.toml"

    def by_hand():
        manifest.write_text(manifest.read_text().replace('pin = "v1"', 'pin = "v9"'))

    report = Meanwhile(by_hand)
    beta = artifact(collection, "beta")
    edit_artifacts([beta.pk], ArtifactEdit.of({"pin": "v2"}), actor=WHO["actor"], report=report)
    assert 'pin = "v9"' in manifest.read_text()
    assert 'pin = "v2"' in manifest.read_text()


def test_removing_takes_a_snapshot_first_and_leaves_no_trace():
    collection = filled()
    row = artifact(collection)
    edit(row, pin="v1")
    result = remove_artifacts([row.pk], **WHO)
    (settled,) = result.rows
    assert settled.outcome == "removed"
    assert str(collection.snapshots.get().pk) == settled.detail["snapshot_id"]
    assert not (folder_of(collection) / "skills/alpha").exists()
    assert (folder_of(collection) / "skills/beta").exists()
    assert not Artifact.objects.filter(pk=row.pk).exists()
    assert "alpha" not in (folder_of(collection) / "collection.toml").read_text()
    assert nothing_left(collection)


def test_what_no_snapshot_would_hold_is_not_removed():
    collection = filled()
    write(folder_of(collection), {"skills/alpha/.git/config": "x"})
    row = artifact(collection)
    result = remove_artifacts([row.pk], **WHO)
    assert [(each.outcome, each.code) for each in result.rows] == [("failed", "unsafe_path")]
    assert (folder_of(collection) / "skills/alpha/.git/config").exists()
    assert not collection.snapshots.exists()
