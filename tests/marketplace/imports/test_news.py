"""What a scan tells of what was imported, and what an entry tells of its imports."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from collections_app.models import Artifact
from collections_app.services.upstream_news import UpstreamNews, note_upstream
from marketplace.models import CatalogEntry, EntryImport
from tests.conftest import skill, skills
from tests.marketplace.imports.importing import anew, artifact, bring, entry, git, ids
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db


def test_a_change_upstream_is_told_to_entry_artifact_and_result(registered):
    """Reference 7.8: any push flagged all imports, and the flag was lost with the next scan."""
    repository, source = registered(skills("a", "b"))
    bring(source)
    base = artifact("a").base_oid
    assert entry(source, "skills/a").status == "imported"
    repository.commit({"README.md": "unrelated"})
    assert list(scan(source).updated_imports) == []
    repository.commit({"skills/a/SKILL.md": skill("a", "New")})
    pk = entry(source, "skills/a").pk
    assert list(scan(source, dry_run=True).updated_imports) == [pk]
    assert artifact("a").upstream_oid == base
    assert list(scan(source).updated_imports) == [pk]
    row = Artifact.objects.with_state().get(name="a")
    new = git(repository, "rev-parse", "main:skills/a")
    assert (row.base_oid, row.upstream_oid, row.upstream_commit) == (base, new, git(repository, "rev-parse", "main"))
    assert (row.state, row.check_code) == ("update_available", "")
    assert source.runs.first().result["updated_imports"] == [pk]
    for _ in range(2):  # the signal stays until somebody acts
        assert list(scan(source, force=True).updated_imports) == []
        assert [found.pk for found in CatalogEntry.objects.update_available()] == [pk]
    anew(source, pk, keep_deployments=True)
    assert not CatalogEntry.objects.update_available().exists()
    assert CatalogEntry.objects.update_available(False).count() == 2


def test_gone_and_back(registered):
    """Reference 7.10: the link was lost in the status."""
    repository, source = registered(skills("a", "b"))
    bring(source)
    base = artifact("a").base_oid
    repository.commit({"skills/a/SKILL.md": None})
    assert list(scan(source, allow_removals=True).updated_imports) == []
    gone = artifact("a")
    assert (gone.check_code, gone.upstream_oid) == ("not_in_commit", base)
    found = entry(source, "skills/a")
    assert found.status == "removed"
    assert [link.update_available(found) for link in found.imports.all()] == [False]
    repository.commit({"skills/a/SKILL.md": skill("a")})
    scan(source)
    back = artifact("a")
    assert (back.check_code, back.upstream_oid) == ("", base)
    assert entry(source, "skills/a").status == "imported"


def test_a_moved_entry_keeps_its_import(registered):
    repository, source = registered(skills("a"))
    bring(source)
    before = EntryImport.objects.get()
    repository.commit({"skills/a/SKILL.md": None, "other/skills/a/SKILL.md": skill("a")})
    assert list(scan(source).updated_imports) == []
    assert EntryImport.objects.get() == before
    moved = entry(source, "other/skills/a")
    assert (moved.status, moved.pk) == ("imported", before.entry_id)
    result = anew(source, moved.pk, keep_deployments=True)
    assert result.item_outcome == "unchanged"
    assert artifact("a").upstream_path == "other/skills/a"


def test_what_follows_another_ref_hears_nothing_of_this_one(registered):
    repository, source = registered(skills("a"))
    git(repository, "tag", "v1")
    bring(source, source_ref="v1")
    base = artifact("a").base_oid
    repository.commit({"skills/a/SKILL.md": skill("a", "New")})
    assert list(scan(source).updated_imports) == ids(source)
    assert artifact("a").upstream_oid == base


def test_content_that_a_collection_has_from_elsewhere_counts_as_a_duplicate(registered):
    _, one = registered(skills("a", "b"), "one")
    bring(one)
    assert scan(one, force=True).counters.cross_source == 0, "its own imports do not count"
    one.enabled = False
    one.save()
    _, two = registered(skills("a", "c"), "two")
    assert scan(two, force=True).counters.cross_source == 1
    Artifact.objects.filter(name="a").update(type="command")
    assert scan(two, force=True).counters.cross_source == 0


def test_a_scan_costs_two_statements_more_where_something_imported_changed(registered):
    repository, source = registered(skills(*(f"s{n}" for n in range(30))))

    def cost(changed):
        repository.commit({f"skills/s{n}/SKILL.md": skill(f"s{n}", f"{changed} {repository.time}") for n in changed})
        with CaptureQueriesContext(
            connection,
        ) as queries:
            scan(source)
        return len([q for q in queries if "collections_app" in q["sql"] or "entryimport" in q["sql"]])

    before = cost([1])
    bring(source)
    assert cost([2]) == before + 1
    assert cost(range(30)) == before + 1
    with CaptureQueriesContext(connection) as queries:
        scan(source)
    assert not [q for q in queries if "collections_app" in q["sql"] or "entryimport" in q["sql"]]


def test_telling_nothing_costs_nothing_and_unknown_artifacts_are_ignored(registered, django_assert_num_queries):
    _, source = registered(skills("a"))
    bring(source)
    pk = artifact("a").pk
    with django_assert_num_queries(0):
        assert note_upstream([]) == 0
    with django_assert_num_queries(2):
        told = [UpstreamNews(pk, "1" * 40, "2" * 40), UpstreamNews(source_uuid(), "", "", "not_in_commit")]
        assert note_upstream(told) == 1


def source_uuid():
    return EntryImport._meta.get_field("artifact").related_model._meta.pk.default()
