"""What stands in collection.toml, is valid, and is more than a database takes: told, stored as far as it goes."""

from __future__ import annotations

import pytest
from django.db import DataError, OperationalError

from collections_app.models import Artifact, Collection
from collections_app.services import indexing
from collections_app.services.indexing import index_collection, index_collections
from tests.collections_app.filled import WHO, artifact, filled, folder_of, write

pytestmark = pytest.mark.django_db

HEAD = 'format = 2\n[collection]\nname = "c"\n'


def record(name: str, path: str, more: str = "") -> str:
    return (
        f'\n[[artifacts]]\nname = "{name}"\ntype = "skill"\npath = "{path}"\norigin = "local"\n'
        f"added = 2026-01-01T00:00:00Z\n{more}\n"
    )


def rewrite(collection: Collection, *records: str, lock: str = "") -> None:
    write(folder_of(collection), {"collection.toml": HEAD + "".join(records), "collection.lock": lock})


def index(slug: str = "default"):
    return index_collection(slug, **WHO).to_json()


@pytest.mark.parametrize(
    ("more", "column", "stored"),
    [
        ('base_oid = "a\\u0000b"', "base_oid", "ab"),
        (f'base_oid = "{"a" * 100}"', "base_oid", "a" * 40),
        ('resolved_sha = "\\u0000"', "base_commit", ""),
        (f'resolved_sha = "{"a" * 100}"', "base_commit", "a" * 40),
        ('metadata = {zzz = "a\\u0000"}', "metadata", {"zzz": "a"}),
        ('metadata = {"z\\u0000" = [{"y\\u0000" = "\\u0000x"}]}', "metadata", {"z": [{"y": "x"}]}),
        ("metadata = {score = nan, list = [-inf, inf]}", "metadata", {"score": "nan", "list": ["-inf", "inf"]}),
        ("metadata = {day = 1979-05-27, at = 07:32:00}", "metadata", {"day": "1979-05-27", "at": "07:32:00"}),
        ('user_fields = ["ta\\u0000gs"]', "field_provenance", {"tags": None}),
    ],
)
def test_what_no_database_takes(more, column, stored):
    """The second index finds what it would write, and writes nothing."""
    collection = filled()
    rewrite(collection, record("alpha", "skills/alpha", more))
    assert index()["errors"] == []
    assert getattr(artifact(collection), column) == stored
    assert (index()["outcome"], index()["unchanged_count"]) == ("unchanged", 3)


def test_what_a_lock_says_was_written():
    collection = filled()
    entry = (
        '[lock]\n[lock.entries."alpha::skill"]\ncontent_hash = "x"\nfetched = 2026-01-01T00:00:00Z\n'
        'written = {"ti\\u0000tle" = "A\\u0000"}\n'
    )
    rewrite(collection, record("alpha", "skills/alpha"), lock=entry)
    index()
    assert artifact(collection).field_provenance == {"title": "A"}
    assert index()["outcome"] == "unchanged"


@pytest.mark.parametrize(("first", "second"), [("a", "a\\u0000"), ("n" * 300 + "1", "n" * 300 + "2")])
def test_two_names_that_are_one_in_the_index(first, second):
    """The second is an error row, the rest is indexed, and so it stays."""
    collection = filled()
    rewrite(collection, record(first, "skills/alpha"), record(second, "skills/beta"))
    told = index()
    assert [error["code"] for error in told["errors"]] == ["manifest_invalid"]
    assert "'skills/beta' has the name of 'skills/alpha'" in told["errors"][0]["detail"]
    rows = dict(Artifact.objects.values_list("path", "pk"))
    assert set(rows) == {"skills/alpha", "commands/git/sync.md"}
    again = index()
    assert (again["outcome"], again["errors"]) == ("unchanged", told["errors"])
    assert dict(Artifact.objects.values_list("path", "pk")) == rows
    rewrite(collection, record(first, "skills/alpha"), record("b", "skills/beta"))
    assert (index()["added_count"], index()["errors"]) == (1, [])


def test_a_row_is_found_again_by_the_name_that_it_has():
    """A record without a uuid, whose name is more than was stored: its row had been another one after each index."""
    collection = filled()
    rewrite(collection, record("al\\u0000pha", "skills/alpha"))
    index()
    before = artifact(collection).pk
    assert index()["outcome"] == "unchanged"
    assert artifact(collection).pk == before


def test_a_file_whose_name_a_record_has():
    """Commands may stand deep in folders: of a longer name than is stored, the record's counts."""
    folder = "/".join(["x" * 99] * 3)  # three parts and three colons: 300 characters
    collection = filled(files={f"commands/{folder}/a.md": "A.\n", f"commands/{folder}/b.md": "B.\n"})
    told = index()
    assert [error["code"] for error in told["errors"]] == ["name_taken"]
    assert list(Artifact.objects.values_list("path", flat=True)) == [f"commands/{folder}/a.md"]
    one = record("ignored", f"commands/{folder}/b.md").replace('"skill"', '"command"')
    rewrite(collection, one.replace("ignored", folder.replace("/", ":") + ":b"))
    index()
    assert list(Artifact.objects.values_list("path", flat=True)) == [f"commands/{folder}/b.md"]


def test_an_error_that_names_what_cannot_be_stored():
    """The detail tells the name, and the collection's row keeps the detail."""
    collection = filled()
    rewrite(collection, record("a\\u0000b", "skills/alpha"), record("a\\u0000b", "skills/beta"))
    (failed,) = index_collections(["default"], **WHO).failed
    collection.refresh_from_db()
    assert (failed.error_code, collection.problem_code) == ("manifest_invalid", "manifest_invalid")
    assert "skill:ab stands there twice" in failed.detail == collection.problem_detail


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the database answer so to the rows of ``bad``."""
    original = indexing.write_index

    def write_index(collection, plan, now=None):
        if collection.slug == "bad":
            raise error
        original(collection, plan, now)

    monkeypatch.setattr(indexing, "write_index", write_index)


def test_one_collection_that_the_database_refuses(monkeypatch):
    for slug in ("bad", "good"):
        write(folder_of(filled(slug)), {"skills/new/SKILL.md": "New.\n"})
    refuse(monkeypatch, DataError("value too long"))
    result = index_collections(["bad", "good"], **WHO)
    assert [(row.collection, row.error_code) for row in result.failed] == [("bad", "internal")]
    assert [(row.collection, row.indexed.added) for row in result.done] == [("good", 1)]


def test_no_database_ends_it(monkeypatch):
    filled("bad")
    refuse(monkeypatch, OperationalError("server closed the connection unexpectedly"))
    with pytest.raises(OperationalError):
        index_collections(["bad"], **WHO)
