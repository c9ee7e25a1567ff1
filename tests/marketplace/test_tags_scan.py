"""Path tags as scans find them: new, gone, back again, never touching a decision."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplace.domain import path_tags
from marketplace.models import CatalogEntry, SourceTag
from marketplace.models.tag import TagKind
from marketplace.services import tag_sync
from marketplace.services.sources import delete_source, update_source
from marketplace.services.tags import decide_tag
from skillmeat_site.core.actor import COMMAND_LINE
from tests.conftest import skill
from tests.factories.marketplace import SourceFactory, SourceTagFactory
from tests.marketplace.scanning import WRITING, Interfering, counters, row_counts, scan

pytestmark = pytest.mark.django_db


def at(*folders):
    return {f"skills/{folder}/SKILL.md": skill(folder.rpartition("/")[2]) for folder in folders}


def without(*folders):
    return {f"skills/{folder}/SKILL.md": None for folder in folders}


def tags(source):
    """normalized → (status, gone?)."""
    return {tag.normalized: (tag.status, tag.gone_at is not None) for tag in source.found_tags.all()}


HERE, GONE = ("pending", False), ("pending", True)


@pytest.fixture
def sorted_by_subject(registered):
    return registered(at("05-data-ai/etl", "web/pages", "web/forms", "plain"))


def test_a_first_scan_finds_pending_tags(sorted_by_subject):
    _, source = sorted_by_subject
    assert tags(source) == {"data-ai": HERE, "web": HERE}
    tag = source.found_tags.get(normalized="data-ai")
    assert (tag.kind, tag.value, tag.last_seen_at) == ("path", "05-data-ai", source.last_scanned_at)
    assert (tag.decided_at, tag.decided_by) == (None, None)


def test_a_tag_goes_with_its_last_entry_and_comes_back_as_decided(sorted_by_subject):
    repository, source = sorted_by_subject
    decide_tag(source, TagKind.PATH, "web", "approved", actor=COMMAND_LINE)
    repository.commit(without("web/pages"))
    scan(source)
    assert tags(source)["web"] == ("approved", False)

    repository.commit(without("web/forms"))
    scan(source)
    gone = source.found_tags.get(normalized="web")
    assert gone.gone_at == source.last_scanned_at
    assert gone.last_seen_at < gone.gone_at
    assert tags(source) == {"data-ai": HERE, "web": ("approved", True)}

    repository.commit(at("Web/forms"))
    scan(source)
    back = source.found_tags.get(normalized="web")
    assert (back.pk, back.status, back.gone_at, back.value) == (gone.pk, "approved", None, "Web")
    assert back.decided_at == gone.decided_at is not None


def test_a_scan_keeps_when_a_tag_went(sorted_by_subject):
    repository, source = sorted_by_subject
    repository.commit(without("05-data-ai/etl"))
    scan(source)
    went = source.found_tags.get(normalized="data-ai").gone_at
    repository.commit(at("web/more"))
    scan(source)
    assert source.found_tags.get(normalized="data-ai").gone_at == went


def test_an_incomplete_listing_marks_nothing_gone_and_still_adds(sorted_by_subject, settings):
    repository, source = sorted_by_subject
    repository.commit(without("web/pages", "web/forms", "05-data-ai/etl") | at("api/rest"))
    settings.SKILLMEAT_LISTING_MAX_ENTRIES = 4  # skills, skills/api, skills/api/rest and its file
    assert not scan(source, allow_removals=True).listing_complete
    assert tags(source) == {"data-ai": HERE, "web": HERE, "api": HERE}


def test_held_removals_hold_their_tags(registered):
    repository, source = registered(at(*(f"web/s{n:02}" for n in range(12)), "data/x"))
    repository.commit(without(*(f"web/s{n:02}" for n in range(12))))
    assert scan(source).held == 12
    assert tags(source) == {"data": HERE, "web": HERE}
    assert scan(source, allow_removals=True).held == 0
    assert tags(source) == {"data": HERE, "web": GONE}


def test_a_dry_run_and_a_current_source_write_no_tag(sorted_by_subject):
    repository, source = sorted_by_subject
    seen = dict(source.found_tags.values_list("pk", "last_seen_at"))
    repository.commit(at("new/x"))
    before = row_counts()
    assert counters(scan(source, dry_run=True))["new"] == 1
    assert row_counts() == before
    scan(source)
    with CaptureQueriesContext(connection) as captured:
        assert scan(source).short_circuit == "commit"
    assert not [query["sql"] for query in captured if "sourcetag" in query["sql"]]
    assert set(seen) < set(source.found_tags.values_list("pk", flat=True))


def test_a_decision_made_during_a_scan_is_kept(sorted_by_subject):
    repository, source = sorted_by_subject
    repository.commit(without("05-data-ai/etl"))
    for_good = Interfering(
        WRITING, lambda: decide_tag(source, TagKind.PATH, "data-ai", "rejected", actor=COMMAND_LINE)
    )
    scan(source, report=for_good)
    assert for_good.done
    assert tags(source)["data-ai"] == ("rejected", True)


def test_folders_above_the_root_folder_say_nothing(registered):
    _, source = registered({"acme/tools/skills/web/x/SKILL.md": skill("x")}, root_hint="acme/tools")
    assert tags(source) == {"web": HERE}
    update_source(source, actor=COMMAND_LINE, changes={"root_hint": ""})
    scan(source)
    assert set(tags(source)) == {"acme", "tools", "web"}


def test_hostile_folders_are_entries_without_tags(registered):
    _, source = registered(at("\u202egnp/x", "zero\u200bwidth/x", "x" * 120 + "/x"))
    assert source.entries.count() == 3
    assert tags(source) == {}


def test_topics_are_none_of_a_scans_business(sorted_by_subject):
    repository, source = sorted_by_subject
    topic = SourceTagFactory(source=source, kind="topic", normalized="web")
    repository.commit(without("web/pages", "web/forms"))
    scan(source)
    topic.refresh_from_db()
    assert topic.gone_at is None


@pytest.fixture
def bound_of_3(monkeypatch):
    monkeypatch.setattr(path_tags, "MAX_PER_SOURCE", 3)
    monkeypatch.setattr(tag_sync, "MAX_PER_SOURCE", 3)


def test_a_source_has_a_bounded_number_of_tags(bound_of_3, registered):
    repository, source = registered(at("aa/1", "bb/1", "cc/1", "dd/1", "dd/2"))
    assert set(tags(source)) == {"aa", "bb", "dd"}
    run = source.runs.get()
    assert "tags_cut" in {warning["code"] for warning in run.result["warnings"]}
    decide_tag(source, TagKind.PATH, "aa", "approved", actor=COMMAND_LINE)

    # Known tags are kept, lest one that is there seem gone.
    repository.commit(at("cc/2", "cc/3"))
    scan(source)
    assert tags(source) == {"aa": ("approved", False), "bb": HERE, "dd": HERE}

    # Others take the place of what went; what nobody decided on is forgotten when there is no more room.
    repository.commit(without("aa/1", "bb/1", "cc/1", "cc/2", "cc/3", "dd/1", "dd/2") | at("ee/1"))
    scan(source, allow_removals=True)
    assert tags(source) == {"aa": ("approved", True), "bb": GONE, "dd": GONE, "ee": HERE}
    repository.commit(at("ff/1"))
    scan(source)
    assert tags(source) == {"aa": ("approved", True), "ee": HERE, "ff": HERE}


def test_the_statements_do_not_grow_with_tags(db):
    source = SourceFactory()

    def cost(number, prefix, **more):
        found = path_tags.collect_tags([f"skills/{prefix}{n}x/s" for n in range(number)])
        with CaptureQueriesContext(connection) as captured:
            changes = tag_sync.sync_tags(source, TagKind.PATH, found, complete=True, now=source.created_at)
        return len(captured), (changes.found, changes.added, changes.updated, changes.gone)

    assert cost(200, "a") == (2, (200, 200, 0, 0))
    assert cost(200, "a") == (2, (200, 0, 0, 0))
    assert cost(200, "A") == (2, (200, 0, 200, 0))
    assert cost(100, "A") == (3, (100, 0, 0, 100))
    assert cost(200, "A") == (2, (200, 0, 100, 0))
    assert cost(3, "b") == (3, (3, 3, 0, 200))
    assert cost(400, "c") == (4, (400, 400, 0, 3))
    assert SourceTag.objects.count() == 403
    assert CatalogEntry.objects.count() == 0


def test_tags_go_with_their_source(sorted_by_subject):
    _, source = sorted_by_subject
    delete_source(source, actor=COMMAND_LINE)
    assert not SourceTag.objects.exists()
