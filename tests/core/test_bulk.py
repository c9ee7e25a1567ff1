"""Many rows in one statement, and lookups that mean the same on every database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from marketplace.models import CatalogEntry, Manifest, Source
from skillmeat_site.core import bulk
from skillmeat_site.core.bulk import insert_rows, update_rows
from skillmeat_site.core.models import Job, JobItem
from tests.factories.core import JobFactory, JobItemFactory
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 2, 3, 4, 5, 123456, UTC)
# One column of each kind, and two values that must come back as they went in.
COLUMNS = {
    "CharField": (CatalogEntry, "name", ["näme 'quoted\" \\ %s {}", ""]),
    "TextField": (CatalogEntry, "path", ["a/b\nc", "💥" * 1000]),
    "PositiveSmallIntegerField": (CatalogEntry, "confidence", [0, 100]),
    "BooleanField": (CatalogEntry, "manual", [True, False]),
    "JSON list": (CatalogEntry, "tags", [["a", "'", "ü"], []]),
    "JSON object": (CatalogEntry, "metadata", [{"a": {"b": [1, None, True, 1.5, "x"]}}, {}]),
    "JSON, null": (JobItem, "detail", [None, {"a": None}]),
    "DateTimeField": (CatalogEntry, "removed_at", [NOW, datetime(1999, 12, 31, tzinfo=UTC)]),
    "DateTimeField, null": (CatalogEntry, "excluded_at", [NOW, None]),
    "integer, null": (Source, "scan_interval", [15, None]),
    "BigIntegerField": (Source, "repository_id", [2**62, -1]),
    "ForeignKey": (CatalogEntry, "plugin_id", ["first", None]),
}  # fmt: skip


@pytest.mark.parametrize(("model", "column", "values"), COLUMNS.values(), ids=COLUMNS)
def test_every_kind_of_column(model, column, values):
    make = {CatalogEntry: CatalogEntryFactory, Source: SourceFactory, JobItem: JobItemFactory}[model]
    rows = [make(), make()]
    values = [rows[0].pk if value == "first" else value for value in values]
    if column == "removed_at":
        CatalogEntry.objects.update(presence="removed", removed_at=datetime.now(UTC))
    written = [{"pk": row.pk, column: value} for row, value in zip(rows, values, strict=True)]
    assert update_rows(model, written, [column]) == 2
    assert list(model.objects.order_by("pk").values_list(column, flat=True)) == values
    assert model.objects.filter(**{f"{column}__isnull": True}).count() == values.count(None)  # no null of JSON


def test_rows_keep_their_own_values_and_their_other_columns():
    entries = [CatalogEntryFactory(title="kept") for _ in range(3)]
    matched = update_rows(
        CatalogEntry,
        [
            {"pk": entry.pk, "name": f"n{entry.pk}", "confidence": n, "unused": 1}
            for n, entry in enumerate(entries[:2])
        ],
        ["name", "confidence"],
    )
    assert matched == 2
    rows = CatalogEntry.objects.order_by("pk").values_list("name", "confidence", "title")
    assert list(rows) == [
        (f"n{entries[0].pk}", 0, "kept"),
        (f"n{entries[1].pk}", 1, "kept"),
        (entries[2].name, 95, "kept"),
    ]


def test_rows_that_are_gone_are_not_counted_and_nothing_is_nothing():
    entry = CatalogEntryFactory()
    assert update_rows(CatalogEntry, [{"pk": entry.pk, "name": "a"}, {"pk": entry.pk + 1, "name": "b"}], ["name"]) == 1
    with CaptureQueriesContext(connection) as captured:
        assert update_rows(CatalogEntry, [], ["name"]) == 0
    assert len(captured) == 0


def test_an_unknown_column_is_an_error():
    with pytest.raises(KeyError):
        update_rows(CatalogEntry, [{"pk": 1, "plugin": None}], ["plugin"])


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_json_is_refused_before_the_database_sees_it(number):
    entry = CatalogEntryFactory()
    with pytest.raises(ValueError, match="JSON"):
        update_rows(CatalogEntry, [{"pk": entry.pk, "metadata": {"a": number}}], ["metadata"])


def test_more_rows_than_one_statement_takes():
    number = bulk.ROWS_PER_STATEMENT + 1
    Manifest.objects.bulk_create(
        [Manifest(blob_oid=f"{n:040x}", kind="skill", parser_version=1, parsed={}) for n in range(number)],
        batch_size=1000,
    )
    rows = [{"pk": pk, "parsed": {"n": pk}} for pk in Manifest.objects.values_list("pk", flat=True)]
    with CaptureQueriesContext(connection) as captured:
        assert update_rows(Manifest, rows, ["parsed"]) == number
    assert len(captured) == 2
    assert all(parsed == {"n": pk} for pk, parsed in Manifest.objects.values_list("pk", "parsed").iterator())


@pytest.mark.parametrize(
    ("lookup", "pick"),
    [
        ("pk__among", lambda job: job.pk),
        ("label__among", lambda job: job.label),
        ("created_at__among", lambda job: job.created_at),
        ("attempt__among", lambda job: job.attempt),
    ],
)
def test_among_is_in(lookup, pick):
    jobs = [JobFactory(label=f"it's {n}", attempt=n) for n in range(4)]
    wanted = [pick(job) for job in jobs[1:3]]
    found = Job.objects.filter(**{lookup: wanted})
    assert set(found) == set(Job.objects.filter(**{lookup.replace("among", "in"): wanted})) == set(jobs[1:3])
    assert set(Job.objects.exclude(**{lookup: wanted})) == {jobs[0], jobs[3]}
    assert list(Job.objects.filter(**{lookup: []})) == []


def test_among_takes_any_number_of_values():
    job = JobFactory(label="x42")
    values = [f"x{n}" for n in range(300_000)]
    with CaptureQueriesContext(connection) as captured:
        assert Job.objects.get(label__among=values) == job
    assert len(captured) == 1


@pytest.mark.parametrize(
    ("word", "found"),
    [("a", [1]), ("b", [1, 2]), ('it\'s "ü" %', [3]), ("", []), ("B", []), ("[", []), ("a,b", [])],
)
def test_has_word(word, found):
    for n, tags in enumerate([["a", "b"], ["b"], ['it\'s "ü" %'], [], ["ab"]], start=1):
        SourceFactory(tags=tags, scan_interval=n + 100)
    rows = Source.objects.filter(tags__has_word=word).values_list("scan_interval", flat=True)
    assert sorted(number - 100 for number in rows) == found
    assert Source.objects.exclude(tags__has_word=word).count() == 5 - len(found)


def test_lookups_are_for_every_model():
    assert "among" in models.Field.get_lookups()
    assert "has_word" in models.JSONField.get_lookups()


ITEM_COLUMNS = (
    "job_id", "object_type", "object_id", "object_label", "outcome", "code", "message", "detail", "duration_ms",
)  # fmt: skip


def item(job, n, **columns):
    blank = dict.fromkeys(ITEM_COLUMNS, "") | {
        "job_id": job.pk,
        "object_id": str(n),
        "detail": None,
        "duration_ms": None,
    }
    return blank | columns


def test_inserted_rows_are_as_django_would_have_stored_them():
    job = JobFactory()
    rows = [item(job, 1, message="ü '\" %s", detail={"a": [1, None]}, duration_ms=7), item(job, 2)]
    assert insert_rows(JobItem, rows, ITEM_COLUMNS) == 2
    assert list(job.items.order_by("object_id").values(*ITEM_COLUMNS)) == rows
    assert job.items.filter(detail__isnull=True).count() == 1


def test_rows_that_are_there_are_refused_or_left_alone():
    there = JobItemFactory(object_type="", object_id="1", message="mine")
    rows = [item(there.job, 1, message="yours"), item(there.job, 2)]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(JobItem, rows, ITEM_COLUMNS)
    assert insert_rows(JobItem, rows, ITEM_COLUMNS, ignore_conflicts=True) == 1
    assert list(there.job.items.order_by("object_id").values_list("message", flat=True)) == ["mine", ""]


def test_more_inserted_rows_than_one_statement_takes():
    job = JobFactory()
    rows = [item(job, n) for n in range(bulk.ROWS_PER_STATEMENT + 1)]
    with CaptureQueriesContext(connection) as captured:
        assert insert_rows(JobItem, rows, ITEM_COLUMNS) == len(rows)
    assert len(captured) == 2
    assert job.items.count() == len(rows)
