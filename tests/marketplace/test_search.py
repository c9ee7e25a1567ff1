"""Searching entries: what is found, in which order, page by page; and an index that is never behind its table."""

from __future__ import annotations

import json
from importlib import import_module
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from marketplace.domain.search import entry_words
from marketplace.models import CatalogEntry
from marketplace.querysets import Rank
from marketplace.search_index import restore_triggers
from marketplace.services.sources import delete_source
from skillmeat_site.core.actor import COMMAND_LINE
from tests.conftest import skill
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory
from tests.marketplace.answers import BASE, ok, pages
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db

ENTRIES = f"{BASE}/entries"
sqlite_only = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="triggers are SQLite's")


def found(text: str) -> list[str]:
    return list(CatalogEntry.objects.search(text).values_list("name", flat=True))


def asked(api, text: str, more: str = "") -> list[str]:
    return [row["name"] for row in ok(api.get(f"{ENTRIES}?q={quote(text)}{more}"))["results"]]


# ---- what is found


@pytest.fixture
def texts(db):
    source = SourceFactory()
    for name, more in {
        "node": {"description": "Servers in Node.js."},
        "cpp": {"description": "Compiles C++17."},
        "csharp": {"title": "C# and F#"},
        "quoted": {"description": 'Says "hello" and it\'s 100% sure'},
        "tagged": {"tags": ["Office", "data-science"]},
        "deep": {"path": "plugins/finance/skills/tax_return"},
        "spaced": {"namespace": "kit:tools"},
        "turkish": {"title": "İstanbul"},
        "chinese": {"description": "管理文档的工具"},
        "not-near": {"description": "AND OR NEAR"},
    }.items():
        CatalogEntryFactory(source=source, name=name, **more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node.js", "node"),
        ("nodejs", "node"),
        ("NODE", "node"),
        ("c++", "cpp"),
        ("c#", "csharp"),
        ("f#", "csharp"),
        ('"hello"', "quoted"),
        ("it's", "quoted"),
        ("100%", "quoted"),
        ("9_9%", ""),
        ("office", "tagged"),
        ("science", "tagged"),
        ("data-science", "tagged"),
        ("finance tax", "deep"),
        ("tools", "spaced"),
        ("istanbul", "turkish"),
        ("文档", "chinese"),
        ("工", "chinese"),
        ("AND", "csharp quoted not-near"),
        ("NEAR(z)", ""),
        ("near", "not-near"),
        ("-near", "not-near"),
        ("nea*", "not-near"),
        ("or:* | !x", ""),
        ("or:*", "not-near"),
        ("hel lo", ""),
        ("%", ""),
        ("_", ""),
        ("*", ""),
        ('"', ""),
        ("'", ""),
        ("\\", ""),
        ("=@:", ""),
        ("🚀", ""),
        ("\x00\ud800", ""),
        ("(((" * 3000, ""),
        ("node " * 2000, "node"),
        ("x" * 10_000, ""),
    ],
)
def test_found(texts, text, expected):
    assert found(text) == expected.split()
    assert list(CatalogEntry.objects.matching(text)) == list(CatalogEntry.objects.search(text))


@pytest.mark.parametrize(
    "text", ["node.js", "c++", 'say "hello', "100%", "文档", "🚀", "-x", "* OR 1", "a'b\\", "x" * 4000]
)
def test_asked(api, texts, text):
    assert asked(api, text) == found(text)


def test_nothing_asked_for_is_everything_and_no_word_is_nothing(api, texts):
    assert len(asked(api, "")) == len(asked(api, "  ")) == CatalogEntry.objects.count()
    assert asked(api, "***") == []


# ---- in which order


@pytest.fixture
def ranked(db):
    """Made in the order opposite to rank."""
    source = SourceFactory()
    for name, more in (
        ("elsewhere", {"description": "about pdf"}),
        ("tagged", {"tags": ["pdf"]}),
        ("titled", {"title": "Of PDF"}),
        ("my-pdf", {}),
        ("pdf-reader", {"description": "pdf"}),
        ("PDF", {"path": "z"}),
        ("pdf", {"title": "pdf", "path": "y"}),
    ):
        CatalogEntryFactory(source=source, name=name, **more)


ORDER = ["PDF", "pdf", "pdf-reader", "my-pdf", "titled", "tagged", "elsewhere"]


def test_rank(ranked):
    rows = CatalogEntry.objects.search("pdf")
    assert [row.name for row in rows] == ORDER
    ranks = [Rank.NAME, Rank.NAME, Rank.NAME_BEGINS, Rank.IN_NAME, Rank.IN_TITLE, Rank.IN_TAGS, Rank.ELSEWHERE]
    assert [row.rank for row in rows] == ranks


def test_rank_of_several_words(ranked):
    assert found("PDF reader") == found("pdf-reader") == found("reader pdf") == ["pdf-reader"]
    assert CatalogEntry.objects.search("PDF Reader").get().rank == Rank.NAME
    assert CatalogEntry.objects.search("reader pdf").get().rank == Rank.IN_NAME


def test_an_order_that_is_asked_for_wins(api, ranked):
    assert asked(api, "pdf") == ORDER
    assert asked(api, "pdf", "&ordering=-id") == [
        "pdf",
        "PDF",
        "pdf-reader",
        "my-pdf",
        "titled",
        "tagged",
        "elsewhere",
    ]
    assert asked(api, "pdf", "&ordering=id") == asked(api, "pdf", "&ordering=-id")[::-1]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_ranked_pages_yield_each_entry_once_and_lead_back(api, ranked, limit):
    walked = pages(api, f"{ENTRIES}?q=pdf&limit={limit}")
    assert [row["name"] for page in walked for row in page["results"]] == ORDER
    back, url = [], walked[-1]["previous"]
    while url:
        page = ok(api.get(url))
        back = [row["name"] for row in page["results"]] + back
        url = page["previous"]
    assert back == ORDER[: len(back)]
    assert len(back) == len(ORDER) - len(walked[-1]["results"])


def test_search_and_filters(api, ranked):
    CatalogEntry.objects.filter(name="my-pdf").update(type="command")
    assert asked(api, "pdf", "&type=command") == ["my-pdf"]
    source = CatalogEntry.objects.get(name="my-pdf").source_id
    assert len(ok(api.get(f"{BASE}/sources/{source}/entries?q=pdf"))["results"]) == 7
    assert len(ok(api.get(f"{BASE}/sources/{source}/entries?q=pdf&status=removed"))["results"]) == 0


# ---- other faces


def test_admin_search(admin_client, ranked):
    def names(**query):
        answer = admin_client.get("/admin/marketplace/catalogentry/", query)
        assert answer.status_code == 200
        return [row.name for row in answer.context["cl"].result_list]

    assert names(q="pdf") == ORDER
    assert names(q='"pdf') == ORDER
    assert names(q="***") == []
    assert len(names(q="x\x00")) == 7  # Django's own form refuses it, with a message
    assert len(names(q=" ")) == 7
    by_name = names(q="pdf", o="1")
    assert by_name != ORDER
    assert sorted(by_name) == sorted(ORDER)


def test_list_entries_by_words(ranked, capsys):
    call_command("list_entries", "-q", "pdf", "--json")
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["results"]] == ORDER
    call_command("exclude_entries", "-q", "pdf reader", "--json")
    assert [row["name"] for row in CatalogEntry.objects.filter(excluded_at__isnull=False).values()] == ["pdf-reader"]


# ---- the index follows


def test_a_scan_keeps_the_index(registered):
    repository, source = registered(
        {"skills/a/SKILL.md": skill("alpha", "old words"), "skills/b/SKILL.md": skill("b")}
    )
    assert found("old") == ["alpha"]
    repository.commit({"skills/a/SKILL.md": skill("alpha", "new words")})
    scan(source)
    assert found("new") == ["alpha"]
    assert found("old") == []
    repository.commit({"skills/a/SKILL.md": None, "moved/skills/a/SKILL.md": skill("alpha", "new words")})
    scan(source)
    assert found("moved") == ["alpha"]
    delete_source(source, actor=COMMAND_LINE)
    assert found("alpha") == found("moved") == []
    check_index()


def test_tags_of_the_frontmatter_are_found(registered):
    head = "---\nname: alpha\ndescription: x\ntags: [spreadsheets, C++]\n---\n"
    registered({"skills/a/SKILL.md": head})
    assert found("spreadsheet") == found("c++") == ["alpha"]
    assert CatalogEntry.objects.search("spreadsheet").get().rank == Rank.IN_TAGS


def test_every_scanned_row_has_its_words(registered):
    registered({"skills/Über-Tool/SKILL.md": skill("Über-Tool", "Liest “Dateien”")})
    entry = CatalogEntry.objects.get()
    assert entry.search_text == entry_words(vars(entry))
    assert entry.search_text.startswith("=ubertool= =ubertool =tool")


def check_index() -> None:
    """SQLite's index holds what its table says: FTS5 compares, and raises if it does not."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO marketplace_entrysearch(marketplace_entrysearch, rank) VALUES ('integrity-check', 1)"
            )


def test_the_index_follows_every_way_of_writing(texts):
    entry = CatalogEntry.objects.get(name="node")
    entry.search_text = "=first"
    entry.save()
    assert found("node") == []
    CatalogEntry.objects.filter(pk=entry.pk).update(search_text="second")
    assert found("first") == []
    assert found("second") == ["node"]
    entry.delete()
    assert found("second") == []
    check_index()


@sqlite_only
def test_triggers_that_went_with_a_rebuilt_table_come_back(texts):
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER marketplace_entrysearch_insert")
    CatalogEntryFactory(name="unseen")
    assert found("unseen") == []
    restore_triggers(connection)
    assert found("unseen") == ["unseen"]
    CatalogEntryFactory(name="seen")
    assert found("seen") == ["seen"]
    restore_triggers(connection)
    check_index()


# ---- the migration


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_migration_fills_what_is_there_and_goes_back(texts):
    name = "0004_entry_search"
    before = import_module(f"marketplace.migrations.{name}").Migration.dependencies
    try:
        MigrationExecutor(connection).migrate(before)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM marketplace_catalogentry")
            assert cursor.fetchone() == (10,)
    finally:
        call_command("migrate", verbosity=0)
    assert found("node.js") == ["node"]
    assert found("c++") == ["cpp"]
    assert found("office") == ["tagged"]
    check_index()


def test_the_migration_goes_by_batches(texts, monkeypatch, django_assert_num_queries):
    migration = import_module("marketplace.migrations.0004_entry_search")
    CatalogEntry.objects.update(search_text="")
    monkeypatch.setattr(migration, "ROWS_PER_STATEMENT", 4)
    with django_assert_num_queries(7):  # three batches, each read and written, and a last look
        migration.fill(apps, SimpleNamespace(connection=connection))
    assert found("tools") == ["spaced"]
    assert not CatalogEntry.objects.filter(search_text="").exists()
