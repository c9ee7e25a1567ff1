"""Artifacts that come back: by a restore, or because the index was made again from the files."""

from __future__ import annotations

import pytest

from collections_app.models import Artifact, Collection
from collections_app.services.artifacts import remove_artifacts
from collections_app.services.indexing import index_collection
from collections_app.services.snapshots import restore_snapshot, snapshot_collection
from marketplace.models import CatalogEntry, EntryImport
from marketplace.services.import_coordinator import ImportCoordinator
from marketplace.services.reimport import ReimportOptions, reimport_entry
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.agreement import disagreements
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db(transaction=True)
HOW = {"actor": COMMAND_LINE, "report": SilentReport()}


@pytest.fixture
def imported(transactional_db, source, settings):
    """Everything is imported, one under another name: somebody's own skill was in the way."""
    scan(source)
    source.refresh_from_db()
    mine = settings.SKILLMEAT_HOME / "collections/default/skills/alpha/SKILL.md"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    result = ImportCoordinator().import_entries(list(source.entries.all()), source.pk, "rename")
    assert {entry.status for entry in result.entries} == {"success"}
    return source


def links() -> set[tuple[str, str, str]]:
    return set(EntryImport.objects.values_list("entry__path", "artifact__name", "imported_oid"))


def test_a_restored_artifact_is_the_import_that_it_was(imported):
    snapshot = snapshot_collection("default", **HOW).snapshot
    before = links()
    assert ("skills/alpha", "alpha-1") in {link[:2] for link in before}
    remove_artifacts(list(Artifact.objects.values_list("pk", flat=True)), **HOW)
    assert links() == set()
    restore_snapshot("default", str(snapshot.pk), **HOW)
    assert links() == before
    alpha = CatalogEntry.objects.get(path="skills/alpha")
    result = reimport_entry(alpha.source, alpha.pk, options=ReimportOptions(keep_deployments=True), **HOW)
    assert result.previous_oid == result.new_oid


def test_an_index_that_was_lost_is_made_again_with_its_links(imported):
    before = links()
    Collection.objects.all().delete()
    Collection.objects.create(slug="default")
    index_collection("default", **HOW)
    assert links() == before
    assert disagreements(unmanaged=frozenset({"skill:alpha"})) == []


def test_what_came_from_elsewhere_or_from_nowhere_gets_no_link(imported):
    place = imported.entries.get(path="skills/beta")
    imported.entries.filter(pk=place.pk).update(path="skills/moved")
    before = links()
    Collection.objects.all().delete()
    Collection.objects.create(slug="default")
    index_collection("default", **HOW)
    assert {path for path, _, _ in before - links()} == {"skills/moved"}
    assert links() < before


def test_an_entry_that_has_moved_is_still_the_one(imported):
    imported.entries.filter(path="skills/beta").update(path="tools/beta", moved_from="skills/beta")
    before = links()
    Collection.objects.all().delete()
    Collection.objects.create(slug="default")
    index_collection("default", **HOW)
    assert links() == before
