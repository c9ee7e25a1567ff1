"""Importing anew: into itself, never by deleting first, with everything that was decided kept or let go as asked."""

from __future__ import annotations

import subprocess

import pytest

from collections_app.domain.artifact_edit import ArtifactEdit
from collections_app.errors import NameTaken
from collections_app.models import Artifact, Snapshot
from collections_app.services.artifacts import edit_artifacts
from marketplace.errors import CollectionRequired, NotImportable
from marketplace.models import EntryImport
from marketplace.services.bulk_import import reimport_many
from marketplace.services.reimport import ReimportOptions
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import NotFound
from skillmeat_site.core.reporting import SilentReport
from tests.conftest import skill, skills
from tests.marketplace.imports.importing import anew, artifact, bring, entry, folder, git, ids, index, on_disk
from tests.marketplace.scanning import row_counts, scan

pytestmark = pytest.mark.django_db


@pytest.fixture
def imported(registered):
    """A skill, imported, tagged and pinned by a person, and changed upstream."""
    repository, source = registered(skills("a", "b"))
    bring(source, ids(source)[:1])
    row = artifact("a")

    said = ArtifactEdit.of({"tags": ["mine"], "pin": "v1", "pin_reason": "because"})
    edit_artifacts([row.pk], said, actor=COMMAND_LINE, report=SilentReport())
    repository.commit({"skills/a/SKILL.md": skill("a", "New"), "skills/a/more.md": "more"})
    scan(source)
    return repository, source


@pytest.mark.parametrize("keep", [True, False])
def test_keeping_or_starting_afresh(imported, keep):
    """Reference 5: tags, pin and id were lost whatever was asked."""
    repository, source = imported
    before = artifact("a")
    assert (before.tags, before.pin) == (["mine"], "v1")
    result = anew(source, ids(source)[0], keep_deployments=keep)
    after = artifact("a")
    assert after.content_oid == result.new_oid == git(repository, "rev-parse", "main:skills/a")
    assert result.previous_oid == before.content_oid
    assert result.artifact_id == str(after.pk)
    assert not result.local_changes
    assert (after.pk == before.pk) is keep
    assert (after.tags, after.pin, after.pin_reason) == ((["mine"], "v1", "because") if keep else ([], "", ""))
    assert EntryImport.objects.get().artifact_id == after.pk
    snapshot = Snapshot.objects.get(pk=result.snapshot_id)
    assert snapshot.reason == "before-reimport"
    store = folder().parent.parent / "store.git"
    assert "New" not in git(store, "show", f"{snapshot.commit_oid}:skills/a/SKILL.md")
    assert on_disk() == ["skills/a/SKILL.md", "skills/a/more.md"]


def test_a_local_edit_is_replaced_reported_and_in_the_snapshot(imported):
    """Reference 5: local edits were lost without a word."""
    _, source = imported
    (folder() / "skills/a/SKILL.md").write_text("mine")
    foreseen = anew(source, ids(source)[0], keep_deployments=True, dry_run=True)
    result = anew(source, ids(source)[0], keep_deployments=True)
    assert result.local_changes
    assert foreseen.new_oid == result.new_oid
    snapshot = Snapshot.objects.get(pk=result.snapshot_id)
    assert git(folder().parent.parent / "store.git", "show", f"{snapshot.commit_oid}:skills/a/SKILL.md") == "mine"
    assert "New" in (folder() / "skills/a/SKILL.md").read_text()


@pytest.mark.parametrize("damage", ["gone", "file", "link", "outside"])
def test_missing_or_broken_on_disk(imported, damage):
    _, source = imported
    place = folder() / "skills/a"
    subprocess.run(["rm", "-r", str(place)], check=True)
    if damage == "file":
        place.write_text("no folder")
    elif damage == "link":
        place.symlink_to("/etc")
    elif damage == "outside":
        place.mkdir()
        (place / "x").symlink_to("/etc/passwd")
    before = artifact("a").pk
    result = anew(source, ids(source)[0], keep_deployments=True)
    assert result.artifact_id == str(before)
    assert on_disk() == ["skills/a/SKILL.md", "skills/a/more.md"]
    assert result.local_changes is (damage != "gone")


@pytest.mark.parametrize("keep", [True, False])
def test_removed_upstream_touches_nothing(imported, keep):
    """Reference 5 and 7.3: the copy was deleted first."""
    repository, source = imported
    repository.commit({"skills/a/SKILL.md": None, "skills/a/more.md": None})
    scan(source, allow_removals=True)
    before, files = index(), {path: (folder() / path).read_bytes() for path in on_disk()}
    with pytest.raises(NotImportable, match="no longer in the repository"):
        anew(source, ids(source)[0], keep_deployments=keep)
    assert index() == before
    assert {path: (folder() / path).read_bytes() for path in on_disk()} == files
    assert not Snapshot.objects.exists()


def test_excluded_is_refused(imported):
    """Reference 5: an excluded entry ended as imported."""
    _, source = imported
    source.entries.update(excluded_at=source.created_at)
    with pytest.raises(NotImportable):
        anew(source, ids(source)[0])


def test_an_entry_that_was_never_imported(imported):
    _, source = imported
    result = anew(source, ids(source)[1])
    assert result.item_outcome == "created"
    assert artifact("b").base_oid == result.new_oid
    with pytest.raises(NotFound):
        anew(source, 10**9)


def test_a_name_that_another_has_is_not_taken_from_it(registered):
    """Reference 5: the unrelated ``foo`` was deleted and overwritten."""
    _, source = registered(
        {"a/skills/foo/SKILL.md": skill("foo", "One"), "b/skills/foo/SKILL.md": skill("foo", "Two")}
    )
    bring(source, ids(source)[:1])
    with pytest.raises(NameTaken, match="skill:foo"):
        anew(source, ids(source)[1])
    assert "One" in (folder() / "skills/foo/SKILL.md").read_text()


def test_in_two_collections(imported):
    """Reference 5: files went into the active collection, rows into ``default``."""
    _, source = imported
    bring(source, ids(source)[:1], collection="other")
    with pytest.raises(CollectionRequired, match="default, other"):
        anew(source, ids(source)[0])
    old = artifact("a").content_oid
    result = anew(source, ids(source)[0], collection="other", keep_deployments=True)
    assert result.artifact_id == str(artifact("a", slug="other").pk)
    assert artifact("a").content_oid == old


def test_a_dry_run_writes_nothing(imported):
    _, source = imported
    before = row_counts(), index()
    told = anew(source, ids(source)[0], dry_run=True)
    assert told.dry_run
    assert anew(source, ids(source)[1], dry_run=True, collection="new").item_outcome == "created"
    assert (row_counts(), index()) == before
    assert told.new_oid == anew(source, ids(source)[0]).new_oid


def test_many_at_once(imported, registered):
    repository, source = imported
    bring(source)
    _, other = registered(skills("z"), "other")
    repository.commit({"skills/b/SKILL.md": None})
    scan(source, allow_removals=True)
    result = reimport_many(
        [*ids(source), *ids(other), 10**9],
        options=ReimportOptions(keep_deployments=True),
        actor=COMMAND_LINE,
        report=SilentReport(),
    )
    assert [(row.outcome.value, row.code) for row in result.rows] == [
        ("updated", ""),
        ("failed", "not_importable"),
        ("created", ""),
        ("failed", "not_found"),
    ]
    assert result.rows[1].to_json()["success"] is False
    assert Artifact.objects.count() == 3


def test_two_entries_that_are_linked_to_one_artifact(registered):
    """As an adoption may link twins: the first has it, the second is told so."""
    _, source = registered({"a/skills/x/SKILL.md": skill("x"), "b/skills/x/SKILL.md": skill("x")})
    bring(source, ids(source)[:1])
    link = EntryImport.objects.get()
    EntryImport.objects.create(
        entry_id=ids(source)[1],
        artifact=link.artifact,
        imported_oid=link.imported_oid,
        imported_commit="",
        imported_at=link.imported_at,
    )
    options = ReimportOptions(keep_deployments=True)
    result = reimport_many(ids(source), options=options, actor=COMMAND_LINE, report=SilentReport())
    assert [(row.outcome.value, row.code) for row in result.rows] == [("unchanged", ""), ("failed", "name_taken")]
    assert entry(source, "a/skills/x").status == "imported"
