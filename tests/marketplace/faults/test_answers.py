"""Answers that are cut, damaged, too long, too slow or about something else: asked again, or not believed."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplace.models import CatalogEntry, Source
from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import UpstreamInvalid, UpstreamNotFound, UpstreamUnreachable
from tests.conftest import skill, skills
from tests.fakes import github_faults as faults
from tests.fakes.git_http import status
from tests.marketplace.faults.conftest import asked, gaps, packed_tar
from tests.marketplace.scanning import dump, row_counts, scan
from tests.marketplace.sweeping import TOKEN

pytestmark = pytest.mark.django_db

LOOKED_AT = {"last_scanned_at", "last_success_at", "next_scan_at", "updated_at"}


# ---- conditional requests


@pytest.mark.fault(11)
@pytest.mark.parametrize(("token", "cost"), [(TOKEN, 0), ("", 1)])
def test_not_modified_writes_nothing_but_when_it_was_looked_at(upstream, by_api, settings, token, cost):
    settings.GITHUB_TOKEN = token
    scan(by_api)
    entries, rows, row = dump(), row_counts(), Source.objects.values().get()
    used = upstream.used[token]
    upstream.requests.clear()
    with CaptureQueriesContext(connection) as captured:
        assert scan(by_api).short_circuit == "commit"
    assert [request.path for request in upstream.requests] == ["/repos/acme/tools/commits/HEAD"]
    assert upstream.requests[0].headers["if-none-match"] == f'"{by_api.head_commit}"'
    assert upstream.used[token] - used == cost
    assert (dump(), row_counts()) == (entries, rows)
    after = Source.objects.values().get()
    assert {name for name in row if row[name] != after[name]} <= LOOKED_AT
    written = [query["sql"] for query in captured if query["sql"].startswith(("INSERT", "DELETE"))]
    assert all("core_upstreambudget" in sql.lower() for sql in written)


@pytest.mark.fault(12)
def test_not_modified_where_nothing_is_known_is_asked_once_more_without_condition(upstream, source):
    upstream.on("/commits/", status(304, ""))
    assert scan(source).counters.new == 2
    asks = [request for request in upstream.requests if "/commits/" in request.path]
    assert ["if-none-match" in request.headers for request in asks] == [False, False]


@pytest.mark.fault(13)
def test_what_one_token_saw_says_nothing_to_another(upstream, by_api, settings):
    upstream.repository("acme/tools").readers = frozenset([TOKEN])
    scan(by_api)
    before = dump()
    assert scan(by_api).short_circuit == "commit"
    settings.GITHUB_TOKEN = "ghp_" + "another" * 5
    with pytest.raises(UpstreamNotFound):
        scan(by_api)
    assert dump() == before
    assert upstream.requests[-1].headers["authorization"] == f"Bearer {settings.GITHUB_TOKEN}"


@pytest.mark.fault(13)
def test_only_the_form_whose_tag_is_the_commit_is_asked_conditionally(upstream, by_api, tools):
    scan(by_api)
    tools.commit(skills("gamma"))
    scan(by_api)
    conditional = {request.headers["accept"] for request in upstream.requests if "if-none-match" in request.headers}
    assert conditional == {"application/vnd.github.sha"}


# ---- what passes

NOISE = "".join(random.Random(1).choices("abcdefghij ", k=3000))

PASSING = {
    21: [status(500, "<html>no"), status(502, "<html>no"), status(503, "<html>no")],
    22: [faults.mangled(lambda body: body[:-3]), status(200, "<html>hello"), status(200, "[]")],
    23: [faults.drop, faults.reset],
    24: [faults.cut_body, faults.cut_chunk],
    25: [faults.cut_gzip],
}


@pytest.mark.fault(21)
@pytest.mark.fault(22)
@pytest.mark.fault(23)
@pytest.mark.fault(24)
@pytest.mark.fault(25)
@pytest.mark.parametrize("path", ["/commits/", "/git/trees/", "/git/blobs/"])
@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, id=f"{row}-{n}") for row, found in PASSING.items() for n, fault in enumerate(found)],
)
def test_a_fault_that_passes_is_not_noticed(upstream, by_api, tools, path, fault):
    tools.commit({"skills/alpha/SKILL.md": skill("alpha", body=NOISE), "skills/beta/SKILL.md": None})
    upstream.on(path, fault)
    assert scan(by_api).counters.new == 1
    assert CatalogEntry.objects.get().description == "Does things"
    assert [len(asked(upstream, part)) for part in ("/commits/", "/git/trees/", "/git/blobs/")] == [
        1 + (path == part) for part in ("/commits/", "/git/trees/", "/git/blobs/")
    ]


@pytest.mark.fault(21)
def test_one_that_stays_is_asked_three_times_with_growing_pauses(upstream, by_api, api):
    scan(by_api)
    before = dump()
    upstream.requests.clear()
    upstream.always("", status(502, "<html>"))
    with pytest.raises(UpstreamUnreachable, match="502"):
        scan(by_api)
    assert len(upstream.requests) == 3
    first, second = gaps(upstream)
    assert first >= 0.25
    assert second >= 0.5
    assert dump() == before
    assert api.get("/api/v1/marketplace/entries").json()["results"]


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda body: body[:-1], id="cut"),
        pytest.param(lambda body: b"{}", id="empty"),
        pytest.param(lambda body: b"[]", id="a list"),
        pytest.param(lambda body: body.replace(b'"tree"', b'"trees"'), id="another name"),
        pytest.param(lambda body: body.replace(b'"mode": "100644"', b'"mode": 7', 1), id="another type"),
    ],
)
def test_another_shape_is_an_error_after_one_more_try_and_old_data_stays(upstream, by_api, tools, change):
    scan(by_api)
    tools.commit({"skills/alpha/SKILL.md": None})
    before = dump()
    upstream.requests.clear()
    upstream.always("/git/trees/", faults.mangled(change))
    with pytest.raises(UpstreamInvalid):
        scan(by_api)
    assert len(asked(upstream, "/git/trees/")) == 2
    assert dump() == before
    assert Source.objects.get().last_error_code == "upstream_invalid"


# ---- what is too much


@pytest.mark.fault(28)
@pytest.mark.parametrize("fault", [faults.endless, faults.gzip_bomb])
def test_an_endless_or_exploding_answer_is_cut_off_and_not_asked_for_again(upstream, by_api, fault):
    upstream.always("/commits/", fault)
    faults._bomb()  # made once, before anything is measured
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded):
            scan(by_api)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(upstream.requests) == 1
    # Unpacked the bomb has 60 MB; the loopback server lives in this process too.
    assert peak < 10_000_000


@pytest.mark.fault(28)
@pytest.mark.parametrize("count", [2, 40])
def test_an_archive_beyond_all_bounds_is_given_up_and_few_files_are_read_without_it(
    upstream, by_api, tools, settings, count
):
    tools.commit(skills(*(f"s{n}" for n in range(count))))
    settings.SKILLMEAT_FETCH_MAX_BYTES = 2 * 1024**2
    huge = random.Random(2).randbytes(9_000_000)
    upstream.always("/legacy.tar.gz/", faults.mangled(lambda body: packed_tar({"large": huge})))
    if count > 20:
        with pytest.raises(LimitExceeded):
            scan(by_api)
        assert not CatalogEntry.objects.exists()
    else:
        assert scan(by_api).counters.new == 2 + count
    assert len(asked(upstream, "/legacy.tar.gz/")) == 1
    assert len(asked(upstream, "/git/blobs/")) == (0 if count > 20 else 2 + count)
