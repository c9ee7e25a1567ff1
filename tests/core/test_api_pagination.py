"""Two ways to page: limit and offset with a count, and cursors that hold their place."""

from __future__ import annotations

import base64
import json
from itertools import chain

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from marketplace.models import CatalogEntry
from skillmeat_site.core.api.pagination import KeysetCursor
from skillmeat_site.core.errors import InvalidParameter
from skillmeat_site.core.models import Job, JobItem
from tests.factories.core import JobFactory, JobItemFactory
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory

pytestmark = pytest.mark.django_db


def page(queryset, url):
    """One page as a client sees it: rows, next, previous."""
    pager = KeysetCursor()
    rows = pager.paginate_queryset(queryset, Request(APIRequestFactory().get(url)))
    links = pager.get_paginated_response([]).data
    return [row.pk for row in rows], links["next"], links["previous"]


def walk(queryset, url, link):
    """The pages from ``url`` on, along ``next`` (1) or ``previous`` (2)."""
    pages = []
    while url:
        shown = page(queryset, url)
        pages.append(shown[0])
        last, url = url, shown[link]
    return pages, last


@pytest.fixture
def entries():
    """Names and confidences that tie."""
    source = SourceFactory()
    for n in range(17):
        CatalogEntryFactory(source=source, path=f"p{n}", name=f"name{n % 3}", confidence=50 + n % 4)
    return CatalogEntry.objects.all()


ORDERS = [("id",), ("-id",), ("name", "id"), ("-name", "-id"), ("-confidence", "id"), ("confidence", "name", "-id")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(order=st.sampled_from(ORDERS), limit=st.integers(1, 20))
def test_forward_and_back_are_the_same_rows(entries, order, limit):
    queryset = entries.order_by(*order)
    expected = list(queryset.values_list("pk", flat=True))
    forward, last = walk(queryset, f"/x?limit={limit}", 1)
    assert list(chain(*forward)) == expected
    assert all(len(rows) == limit for rows in forward[:-1])
    assert 0 < len(forward[-1]) <= limit
    back, first = walk(queryset, last, 2)
    assert list(chain(*reversed(back))) == expected
    assert page(queryset, first)[2] is None
    again, _ = walk(queryset, first, 1)  # and forward again from the page that `previous` led to
    assert list(chain(*again)) == expected


def test_a_page_holds_its_place_when_rows_come_and_go(entries):
    queryset = entries.order_by("name", "id")
    expected = list(queryset.values_list("pk", flat=True))
    first, following, _ = page(queryset, "/x?limit=5")
    CatalogEntry.objects.filter(pk__in=first[-2:]).delete()  # the one that the cursor names among them
    new = CatalogEntryFactory(path="new", name="aaa").pk  # before the cursor
    assert page(queryset, following)[0] == expected[5:10]
    CatalogEntry.objects.filter(pk__in=expected[5:7]).delete()
    rows, _, previous = page(queryset, following)
    assert rows == expected[7:12]
    assert page(queryset, previous)[0] == [new, *expected[:3]][-5:]


def test_after_the_last_row_there_is_nothing(entries):
    queryset = entries.order_by("id")
    _, following, _ = page(queryset, "/x?limit=10")
    CatalogEntry.objects.filter(pk__gt=page(queryset, "/x?limit=10")[0][-1]).delete()
    assert page(queryset, following)[0] == []
    assert page(CatalogEntry.objects.none().order_by("id"), "/x") == ([], None, None)


def test_without_an_order_the_models_own_counts(entries):
    assert page(entries, "/x?limit=500")[0] == sorted(entries.values_list("pk", flat=True))


def cursor(content):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).decode()


BAD = [
    "", "!", "x", "é", "=" * 8, cursor(b""), cursor(b"\xff"), cursor([]), cursor({}), cursor(1), cursor(None),
    cursor([False]), cursor([False, 1, 2]), cursor([0, ["a", 1]]), cursor([False, ["a"]]),
    cursor([False, ["a", 1, 2]]),
    cursor([False, ["a", "b"]]), cursor([False, ["a", None]]), cursor([False, ["a", 1.5]]),
    cursor([False, ["a", [1]]]),
    cursor([False, {"a": 1}]), cursor(b"[" * 100_000), cursor([False, ["\x00", 1]]), cursor([False, ["\ud800", 1]]),
    cursor(b'[false, ["a", ' + b"9" * 5000 + b"]]"), cursor(b'[false, ["a", NaN]]'),
]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_a_cursor_that_is_none_of_this_list_is_refused(entries, text):
    with pytest.raises(InvalidParameter):
        page(
            entries.order_by("name", "id"),
            "/x?" + APIRequestFactory().get("/x", {"cursor": text}).META["QUERY_STRING"],
        )


@pytest.mark.parametrize("values", [["a", 10**30], ["a", -(10**30)], [10**30, 1], [True, 1], ["", 1]])
def test_a_cursor_may_point_anywhere(entries, values):
    page(entries.order_by("name", "id"), f"/x?cursor={cursor([False, values])}")


def test_a_cursor_of_another_order_is_refused(entries):
    text = cursor([False, ["name1", 3]])
    with pytest.raises(InvalidParameter):
        page(entries.order_by("confidence", "id"), f"/x?cursor={text}")


def test_items_are_paged_by_cursor_and_keep_their_filter(api):
    job = JobFactory()
    wanted = [JobItemFactory(job=job, outcome="failed").pk for _ in range(5)]
    JobItemFactory.create_batch(5, job=job, outcome="updated")
    seen, url = [], f"/api/v1/jobs/{job.pk}/items?limit=2&outcome=failed"
    while url:
        body = api.get(url).json()
        assert set(body) == {"next", "previous", "results"}
        seen.append([row["id"] for row in body["results"]])
        url = body["next"]
    assert seen == [wanted[:2], wanted[2:4], wanted[4:]]


def test_an_offset_into_a_cursor_list_is_refused(api):
    job = JobItemFactory().job
    answer = api.get(f"/api/v1/jobs/{job.pk}/items?offset=0")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


def test_limit_and_offset_walk_the_whole_list_in_a_total_order(api):
    JobFactory.create_batch(7)
    Job.objects.update(created_at=Job.objects.first().created_at)  # nothing but ties
    seen, url = [], "/api/v1/jobs?limit=3&ordering=-created_at"
    while url:
        body = api.get(url).json()
        assert body["count"] == 7
        seen += [row["id"] for row in body["results"]]
        url = body["next"]
    assert len(seen) == len(set(seen)) == 7
    assert seen == sorted(seen, reverse=True)
    beyond = api.get("/api/v1/jobs?offset=100").json()
    assert (beyond["results"], beyond["count"], beyond["next"]) == ([], 7, None)
    assert JobItem.objects.count() == 0
