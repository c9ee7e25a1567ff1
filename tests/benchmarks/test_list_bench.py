"""What a page of a list of 100,000 entries costs, near its beginning and deep inside."""

from __future__ import annotations

import statistics
import time
from base64 import urlsafe_b64encode
from json import dumps

import pytest
from django.db import connection
from django.utils import timezone

from marketplace.domain.search import entry_words
from marketplace.models import CatalogEntry
from tests.factories.marketplace import SourceFactory, oid
from tests.marketplace.answers import BASE, ok

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db]

ENTRIES = 100_000
ROUNDS = 15
TYPES = ("skill", "skill", "skill", "command", "agent", "plugin", "hook", "mcp")


@pytest.fixture
def catalog(db):
    """Ten sources; of every hundred entries some are removed, excluded, repeated."""
    sources = SourceFactory.create_batch(10, scanned=True)
    now = timezone.now()
    rows = [
        CatalogEntry(
            source=sources[n // (ENTRIES // 10)],
            key=f"{n:064}",
            type=TYPES[n % len(TYPES)],
            path=f"plugins/p{n % 500}/skills/name-{n}",
            name=f"name-{oid(str(n))[:8]}",
            content_oid=oid(str(n)),
            commit=oid("commit"),
            confidence=40 + n % 60,
            basis="layout",
            fingerprint="f" * 32,
            description="Reads and writes documents. " * 8,
            signals=["skill_file:75", "standard_place:10"],
            presence="removed" if n % 100 < 3 else "present",
            removed_at=now if n % 100 < 3 else None,
            excluded_at=now if n % 100 == 50 else None,
        )
        for n in range(ENTRIES)
    ]
    for row in rows:
        row.search_text = entry_words(vars(row))
    CatalogEntry.objects.bulk_create(rows, batch_size=2_000)
    if connection.vendor == "postgresql":  # what autovacuum does by itself
        connection.cursor().execute("ANALYZE marketplace_catalogentry")
    return sources


def cursor_at(ordering: str, share: float) -> str:
    """The cursor of a page that begins after this share of the list."""
    names = [word.lstrip("-") for word in ordering.split(",")]
    row = CatalogEntry.objects.order_by(*ordering.split(","))[int(ENTRIES * share)]
    values = [getattr(row, name) for name in names]
    return urlsafe_b64encode(dumps([False, values]).encode()).decode()


LISTS = [
    ("by id", "entries", {}, "id"),
    ("by name", "entries", {"ordering": "name"}, "name,id"),
    ("by -confidence", "entries", {"ordering": "-confidence"}, "-confidence,-id"),
    ("of one type by name", "entries", {"ordering": "name", "type": "hook"}, "name,id"),
    ("of one source", "sources/{source}/entries", {}, "id"),
    ("of one source by name", "sources/{source}/entries", {"ordering": "name"}, "name,id"),
    ("all kinds by id", "entries", {"include": "removed,excluded,duplicate"}, "id"),
]
# What is searched for, and how often it is there. A word that every entry has means that all of them are ranked, on
# every page: the target is missed, and a limit would lose entries.
SEARCHES = [
    ("some hits", "name-00"),
    ("a path", "p123"),
    ("no hit", "nothing-of-this"),
    ("punctuation", "***"),
    ("a word of every entry", "documents"),
    ("a name's beginning of every entry", "name"),
]


def milliseconds(work, rounds: int) -> float:
    """The median of some runs."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def test_pages_and_searches(api, catalog, measured, record_figure, database):
    """One test, because making the rows takes longer than all the rest."""
    ok(api.get(f"{BASE}/entries"))  # what a running server has warm: imports, content types
    for label, path, query, order in LISTS:
        url = f"{BASE}/{path.format(source=catalog[5].pk)}"
        for page, more in (("first page", {}), ("deep page", {"cursor": cursor_at(order, 0.55)})):
            asked = query | more
            took = milliseconds(lambda url=url, asked=asked: ok(api.get(url, asked)), ROUNDS)
            record_figure(f"100,000 entries {label}, {page}, {database}", took, "ms", 50)
            with measured() as cost:
                assert len(ok(api.get(url, asked))["results"]) == 50
            record_figure(f"100,000 entries {label}, {page}, {database}", len(cost.statements), "queries", 6)
    for label, words in SEARCHES:
        for order, more in (("ranked", {}), ("by id", {"ordering": "id"})):
            asked = {"q": words} | more
            took = milliseconds(lambda asked=asked: ok(api.get(f"{BASE}/entries", asked)), ROUNDS)
            record_figure(f"100,000 entries, {label} {order}, {database}", took, "ms", 50)
    second = ok(api.get(f"{BASE}/entries", {"q": "documents"}))["next"]
    record_figure(
        f"100,000 entries, a word of every entry, second page, {database}",
        milliseconds(lambda: ok(api.get(second)), ROUNDS), "ms", None,
    )  # fmt: skip
    took = milliseconds(lambda: ok(api.get(f"{BASE}/entries?confidence_min=95")), 3)
    record_figure(f"100,000 entries, confidence_min=95, {database}", took, "ms", None)
