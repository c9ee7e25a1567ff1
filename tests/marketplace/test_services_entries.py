"""Excluding and restoring: a person's decision, idempotent, with its reason, and nothing else."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from collections_app.models import Artifact, Collection
from marketplace.models import CatalogEntry, EntryImport
from marketplace.querysets import EntryStatus
from marketplace.services.entries import set_excluded
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import InvalidParameter
from skillmeat_site.core.models import AuditEvent
from tests.factories.marketplace import CatalogEntryFactory
from tests.marketplace.scanning import dump, row_counts

pytestmark = pytest.mark.django_db


def exclude(*ids: int, reason: str = "", **more):
    return set_excluded(ids, excluded=True, reason=reason, actor=COMMAND_LINE, **more)


def restore(*ids: int, **more):
    return set_excluded(ids, excluded=False, actor=COMMAND_LINE, **more)


def outcomes(result) -> list[str]:
    return [row.outcome.value for row in result.rows]


def test_exclude_and_restore():
    entry = CatalogEntryFactory()
    assert outcomes(exclude(entry.pk, reason="  too broad ")) == ["updated"]
    shown = CatalogEntry.objects.with_status().get()
    assert (shown.status, shown.excluded_reason) == ("excluded", "too broad")
    assert outcomes(restore(entry.pk)) == ["updated"]
    shown = CatalogEntry.objects.with_status().get()
    assert (shown.status, shown.excluded_reason, shown.excluded_at) == ("new", "", None)
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == [
        "entries.excluded",
        "entries.restored",
    ]


def test_again_is_unchanged_and_writes_nothing():
    entry = CatalogEntryFactory()
    assert outcomes(restore(entry.pk)) == ["unchanged"]
    exclude(entry.pk, reason="why")
    before = dump(), row_counts()
    assert outcomes(exclude(entry.pk, reason="why")) == ["unchanged"]
    assert (dump(), row_counts()) == before


def test_another_reason_keeps_the_first_date():
    entry = CatalogEntryFactory()
    exclude(entry.pk, reason="one")
    first = CatalogEntry.objects.get().excluded_at
    assert outcomes(exclude(entry.pk, reason="two")) == ["updated"]
    now = CatalogEntry.objects.get()
    assert (now.excluded_reason, now.excluded_at) == ("two", first)


def test_rows_settle_by_themselves_in_the_order_asked_for_and_once():
    done, todo = CatalogEntryFactory(excluded=True, excluded_reason=""), CatalogEntryFactory()
    result = exclude(todo.pk, 404, done.pk, todo.pk)
    assert [(row.object.id, row.outcome.value, row.code) for row in result.rows] == [
        (str(todo.pk), "updated", ""),
        ("404", "failed", "not_found"),
        (str(done.pk), "unchanged", ""),
    ]


def test_only_the_users_columns_are_written():
    entry = CatalogEntryFactory()
    before = CatalogEntry.objects.values().get()
    exclude(entry.pk, reason="x")
    after = CatalogEntry.objects.values().get()
    assert {name for name in after if after[name] != before[name]} == {"excluded_at", "excluded_reason", "updated_at"}


def test_a_dry_run_tells_the_same_and_writes_nothing():
    ids = [CatalogEntryFactory().pk, CatalogEntryFactory(excluded=True, excluded_reason="").pk, 404]
    before = dump(), row_counts()
    dry = exclude(*ids, dry_run=True)
    assert (dump(), row_counts()) == before
    assert dry.to_json()["dry_run"]
    assert outcomes(dry) == outcomes(exclude(*ids)) == ["updated", "unchanged", "failed"]


def test_a_reason_of_500_characters_and_not_more():
    entry = CatalogEntryFactory()
    exclude(entry.pk, reason="x" * 500)
    with pytest.raises(InvalidParameter) as refused:
        exclude(entry.pk, reason="x" * 501)
    assert refused.value.errors[0].pointer == "/reason"
    assert len(CatalogEntry.objects.get().excluded_reason) == 500


def test_a_reason_loses_what_no_database_stores():
    entry = CatalogEntryFactory()
    exclude(entry.pk, reason="a\0b\ud800c")
    assert CatalogEntry.objects.get().excluded_reason == "abc"


@pytest.mark.parametrize("count", [1, 300])
def test_the_number_of_statements_does_not_grow(count):
    ids = [entry.pk for entry in CatalogEntryFactory.create_batch(count, source=CatalogEntryFactory().source)]
    with CaptureQueriesContext(connection) as queries:
        assert exclude(*ids).summary.to_json()["updated"] == count
    assert len(queries) <= 6


def link_entry(entry):
    """As if it had been imported."""
    collection, _ = Collection.objects.get_or_create(slug="default")
    artifact = Artifact.objects.create(collection=collection, type=entry.type, name=entry.name, path=entry.path)
    EntryImport.objects.create(
        entry=entry, artifact=artifact, imported_oid=entry.content_oid, imported_commit="", imported_at=timezone.now()
    )


STATES = {
    "new": {},
    "updated": {"changed_since_first_seen": True},
    "imported": {"changed_since_first_seen": True},
    "removed": {"removed": True, "changed_since_first_seen": True},
    "excluded": {"excluded": True, "removed": True},
}


def test_the_status_is_the_first_that_applies_and_filters_agree():
    rows = {status: CatalogEntryFactory(**columns) for status, columns in STATES.items()}
    for status in ("imported", "removed", "excluded"):
        link_entry(rows[status])
    entries = CatalogEntry.objects.with_status()
    assert [entry.status for entry in entries.order_by("pk")] == list(STATES)
    for status in EntryStatus:
        assert [entry.status for entry in entries.in_status(status)] == [status]
    assert entries.in_status(*EntryStatus).count() == len(STATES)
    assert not entries.in_status().exists()
