"""Catalog entries over REST: what is shown and what is hidden, filters, pages by cursor, exclusion."""

from __future__ import annotations

import base64
import json

import pytest
from rest_framework.test import APIClient

from marketplace.models import CatalogEntry
from skillmeat_site.core.models import Job
from tests.factories.core import UserFactory
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory
from tests.marketplace.answers import BASE, ok, pages, post_ascii, refused
from tests.marketplace.scanning import dump, row_counts

pytestmark = pytest.mark.django_db

ENTRIES = f"{BASE}/entries"
BULK = f"{ENTRIES}/bulk-update"


def names(client, query: str = "", url: str = ENTRIES) -> list[str]:
    return [row["name"] for row in ok(client.get(f"{url}?{query}"))["results"]]


@pytest.fixture
def catalog(db):
    """Two sources with an entry in every state."""
    one, two = SourceFactory(), SourceFactory()
    kit = CatalogEntryFactory(source=one, type="plugin", name="kit", path="kit", confidence=100)
    CatalogEntryFactory(source=one, name="alpha", title="PDF forms", tags=["office"], plugin=kit, confidence=90)
    CatalogEntryFactory(source=one, name="beta", type="command", namespace="team", confidence=40, basis="content")
    CatalogEntryFactory(source=one, name="changed", changed_since_first_seen=True, description="reads PDF")
    CatalogEntryFactory(source=one, name="gone", removed=True)
    CatalogEntryFactory(source=one, name="unwanted", excluded=True)
    CatalogEntryFactory(source=one, name="copy", duplicate_of=CatalogEntry.objects.get(name="alpha"))
    CatalogEntryFactory(source=two, name="other", type="agent", path="deep/50%_off/x", confidence=70)
    return one, two


# ---- lists


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "kit alpha beta changed other"),
        ("include=removed", "kit alpha beta changed gone other"),
        ("include=excluded", "kit alpha beta changed unwanted other"),
        ("include=duplicate", "kit alpha beta changed copy other"),
        ("include=removed,excluded,duplicate", "kit alpha beta changed gone unwanted copy other"),
        ("include=removed&include=duplicate", "kit alpha beta changed gone copy other"),
        ("status=new", "kit alpha beta other"),
        ("status=updated", "changed"),
        ("status=removed", "gone"),
        ("status=excluded", "unwanted"),
        ("status=removed,updated", "changed gone"),
        ("type=skill", "alpha changed"),
        ("type=command,agent", "beta other"),
        ("type=command&type=agent", "beta other"),
        ("tag=office", "alpha"),
        ("tag=off", ""),
        ("basis=content", "beta"),
        ("confidence_min=90", "kit alpha changed"),
        ("confidence_min=100", "kit"),
        ("q=pdf", "alpha changed"),
        ("q=PDF reads", "changed"),
        ("q=team", "beta"),
        ("q=50%25_off", "other"),
        ("q=5_%25", "other"),
        ("q=_%25", ""),
        ("q=office", "alpha"),
        ("q=node.js, (a) 'x' \"y\" *", ""),
        ("ordering=-name", "other kit changed beta alpha"),
        ("ordering=confidence&type=plugin,command,agent", "beta other kit"),
        ("ordering=type,-name&type=skill,agent", "other changed alpha"),
    ],
)
def test_list(api, catalog, query, expected):
    assert names(api, query) == expected.split()


def test_filter_by_source_and_plugin(api, catalog):
    one, two = catalog
    assert names(api, f"source={two.pk}") == ["other"]
    assert names(api, f"source={one.pk}&type=command") == ["beta"]
    assert names(api, f"plugin={CatalogEntry.objects.get(name='kit').pk}") == ["alpha"]
    assert names(api, "source=404") == []


def test_below_their_source(api, catalog):
    one, two = catalog
    assert names(api, url=f"{BASE}/sources/{two.pk}/entries") == ["other"]
    assert names(api, "type=command", url=f"{BASE}/sources/{one.pk}/entries") == ["beta"]
    refused(api.get(f"{BASE}/sources/404/entries"), 404, "not_found")


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ("type=skil", "invalid_parameter", "'skill'"),
        ("status=remved", "invalid_parameter", "'removed'"),
        ("status=duplicate", "invalid_parameter", "updated"),
        ("include=new", "invalid_parameter", "removed"),
        ("basis=guess", "invalid_parameter", "layout"),
        ("ordering=path", "invalid_parameter", "name"),
        ("confidence_min=101", "invalid_parameter", ""),
        ("confidence_min=high", "invalid_parameter", ""),
        ("source=x", "invalid_parameter", ""),
        ("typ=skill", "unknown_field", "'type'"),
        ("page=2", "unknown_field", ""),
        ("limit=0", "invalid_parameter", ""),
        ("limit=501", "invalid_parameter", ""),
        ("offset=10", "invalid_parameter", "cursor"),
        ("q=a%00", "invalid_parameter", ""),
    ],
)
def test_lists_refuse_what_they_do_not_know(api, catalog, query, code, says):
    assert says in refused(api.get(f"{ENTRIES}?{query}"), 400, code)["detail"]


# ---- pages


@pytest.fixture
def many(db):
    """Names and confidences repeat, so that an order by them alone would not be total."""
    source = SourceFactory()
    for n in range(23):
        CatalogEntryFactory(
            source=source, name=f"n{n % 4}", path=f"skills/{n}", confidence=n % 3, type=("skill", "agent")[n % 2]
        )


@pytest.mark.parametrize(
    "ordering", ["id", "-id", "name", "-name", "confidence", "-confidence", "type,-name,confidence"]
)
@pytest.mark.parametrize("limit", [1, 7, 23, 500])
def test_the_cursor_walks_over_every_entry_once_and_back(api, many, ordering, limit):
    columns = ordering.split(",")
    if columns[0] not in ("id", "-id"):
        columns.append("-id" if columns[0].startswith("-") else "id")
    expected = list(CatalogEntry.objects.order_by(*columns).values_list("pk", flat=True))
    found = pages(api, f"{ENTRIES}?ordering={ordering}&limit={limit}")
    assert [row["id"] for page in found for row in page["results"]] == expected
    assert found[0]["previous"] is None
    assert all(len(page["results"]) <= limit for page in found)
    assert "count" not in found[0]
    back, url = [], found[-1]["previous"]
    while url:
        page = ok(api.get(url))
        back = [row["id"] for row in page["results"]] + back
        url = page["previous"]
    assert back == expected[: len(back)]
    assert len(back) == len(expected) - len(found[-1]["results"])


def test_filters_hold_on_every_page(api, many):
    found = pages(api, f"{ENTRIES}?type=agent&ordering=name&limit=2")
    rows = [row for page in found for row in page["results"]]
    assert {row["type"] for row in rows} == {"agent"}
    assert len({row["id"] for row in rows}) == 11


def test_rows_that_come_and_go_meanwhile_neither_repeat_nor_hide_others(api, many):
    """The reference system's pages skip and repeat rows."""
    first = ok(api.get(f"{ENTRIES}?limit=5"))
    seen = [row["id"] for row in first["results"]]
    CatalogEntry.objects.filter(pk=seen[0]).delete()
    late = CatalogEntryFactory(source=SourceFactory()).pk
    rest = [row["id"] for page in pages(api, first["next"]) for row in page["results"]]
    assert sorted(seen + rest) == sorted([*CatalogEntry.objects.values_list("pk", flat=True), seen[0]])
    assert late in rest


def cursor(value) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "%00", cursor([]), cursor({}), cursor(None), cursor([False]), cursor([False, []]),
        cursor([False, ["x", 1, 2]]), cursor([1, [1]]), cursor([False, [None]]), cursor([False, [[1]]]),
        cursor([False, ["a\x00b"]]), cursor([False, [1.5]]), "[" * 5000,
    ],
)  # fmt: skip
def test_a_cursor_that_is_none_of_this_list(api, many, text):
    refused(api.get(ENTRIES, {"cursor": text}), 400, "invalid_parameter")


@pytest.mark.parametrize("value", ["a\x00b", "\ud800"])
def test_a_cursor_whose_name_no_database_takes(api, many, value):
    refused(api.get(ENTRIES, {"ordering": "name", "cursor": cursor([False, [value, 1]])}), 400, "invalid_parameter")


# ---- one entry


def test_one_entry_is_shown_whatever_its_state(api, catalog):
    for entry in CatalogEntry.objects.with_status():
        answer = api.get(f"{ENTRIES}/{entry.pk}")
        body = ok(answer)
        assert (body["id"], body["status"], body["excluded"]) == (entry.pk, entry.status, entry.status == "excluded")
        assert body == ok(api.get(f"{BASE}/sources/{entry.source_id}/entries/{entry.pk}"))
        assert answer["ETag"]
    refused(api.get(f"{ENTRIES}/404"), 404, "not_found")


def test_an_entry_of_another_source_is_not_found_below_this_one(api, catalog):
    one, _ = catalog
    other = CatalogEntry.objects.get(name="other").pk
    url = f"{BASE}/sources/{one.pk}/entries/{other}"
    refused(api.get(url), 404, "not_found")
    refused(api.patch(url, {"excluded": True}, format="json"), 404, "not_found")


def test_links_are_ids(api, catalog):
    copy = CatalogEntry.objects.get(name="copy")
    alpha = CatalogEntry.objects.get(name="alpha")
    assert ok(api.get(f"{ENTRIES}/{copy.pk}"))["duplicate_of"] == alpha.pk
    assert ok(api.get(f"{ENTRIES}/{alpha.pk}"))["plugin"] == alpha.plugin_id


def test_patch_excludes_and_restores(api):
    entry = CatalogEntryFactory()
    url = f"{ENTRIES}/{entry.pk}"
    body = ok(api.patch(url, {"excluded": True, "excluded_reason": "why"}, format="json"))
    assert (body["status"], body["excluded"], body["excluded_reason"]) == ("excluded", True, "why")
    assert ok(api.patch(url, {"excluded_reason": "because"}, format="json"))["excluded_reason"] == "because"
    assert ok(api.patch(url, {"excluded": True}, format="json"))["excluded_reason"] == "because"
    body = ok(api.patch(url, {"excluded": False}, format="json"))
    assert (body["status"], body["excluded"], body["excluded_reason"]) == ("new", False, "")


def test_patch_refuses(api):
    entry = CatalogEntryFactory()
    url = f"{ENTRIES}/{entry.pk}"
    before = dump()
    refused(api.patch(url, {"name": "mine"}, format="json"), 400, "unknown_field")
    refused(api.patch(url, {"excluded": "perhaps"}, format="json"), 400, "invalid_parameter")
    refused(api.patch(url, {"excluded": True, "excluded_reason": "x" * 501}, format="json"), 400, "invalid_parameter")
    refused(api.patch(f"{ENTRIES}/404", {"excluded": True}, format="json"), 404, "not_found")
    assert dump() == before


def test_patch_honours_if_match(api):
    entry = CatalogEntryFactory()
    url = f"{ENTRIES}/{entry.pk}"
    seen = api.get(url)["ETag"]
    ok(api.patch(url, {"excluded": True}, format="json", headers={"If-Match": seen}))
    late = api.patch(url, {"excluded": False}, format="json", headers={"If-Match": seen})
    refused(late, 412, "precondition_failed")
    assert ok(api.get(url))["excluded"]


@pytest.mark.parametrize("verb", ["post", "put", "delete"])
def test_entries_are_made_and_removed_by_scans_only(api, verb):
    url = ENTRIES if verb == "post" else f"{ENTRIES}/{CatalogEntryFactory().pk}"
    refused(getattr(api, verb)(url, {}, format="json"), 405, "method_not_allowed")


# ---- many


def test_bulk_exclude_by_ids_each_once(api, catalog):
    alpha, unwanted = (CatalogEntry.objects.get(name=name).pk for name in ("alpha", "unwanted"))
    request = {"ids": [alpha, 404, alpha, unwanted], "excluded": True, "excluded_reason": "not wanted"}
    body = ok(api.post(BULK, request, format="json"))
    assert [(row["id"], row["outcome"], row["code"]) for row in body["results"]] == [
        (alpha, "updated", None),
        (404, "failed", "not_found"),
        (unwanted, "unchanged", None),
    ]
    assert body["summary"]["total"] == 3 == sum(n for name, n in body["summary"].items() if name != "total")
    assert Job.objects.get().result == body


def test_bulk_restore_by_filter(api, catalog):
    body = ok(api.post(BULK, {"filter": {"status": "excluded"}, "excluded": False}, format="json"))
    assert body["summary"]["updated"] == 1
    assert not CatalogEntry.objects.filter(excluded_at__isnull=False).exists()


def test_a_filter_selects_what_the_list_shows(api, catalog):
    """Hidden entries are not touched by a filter that does not ask for them."""
    one, _ = catalog
    request = {"filter": {"source": one.pk, "type": ["skill", "plugin"]}, "excluded": True, "dry_run": True}
    body = ok(api.post(BULK, request, format="json"))
    shown = ok(api.get(f"{ENTRIES}?source={one.pk}&type=skill,plugin"))["results"]
    assert {row["id"] for row in body["results"]} == {row["id"] for row in shown}


def test_a_dry_run_writes_nothing(api, catalog):
    before = dump(), row_counts()
    body = ok(api.post(BULK, {"filter": {}, "excluded": True, "dry_run": True}, format="json"))
    assert (body["dry_run"], body["summary"]["updated"]) == (True, 5)
    assert (dump(), row_counts()) == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ids": [], "excluded": True}, "invalid_parameter"),
        ({"excluded": True}, "invalid_parameter"),
        ({"ids": [1]}, "invalid_parameter"),
        ({"ids": [1], "filter": {}, "excluded": True}, "invalid_parameter"),
        ({"ids": [-1], "excluded": True}, "invalid_parameter"),
        ({"ids": [2**63], "excluded": True}, "invalid_parameter"),
        ({"ids": [1], "exclude": True}, "unknown_field"),
        ({"ids": [1], "excluded": True, "excluded_reason": "x" * 501}, "invalid_parameter"),
        ({"filter": {"typ": "skill"}, "excluded": True}, "unknown_field"),
        ({"filter": {"type": "skil"}, "excluded": True}, "invalid_parameter"),
        ({"filter": {"q": "\ud800"}, "excluded": True}, "invalid_parameter"),
        ({"filter": {"limit": 1}, "excluded": True}, "unknown_field"),
    ],
)
def test_bulk_refuses(api, catalog, body, code):
    before = dump()
    refused(post_ascii(api, BULK, body), 400, code)
    assert dump() == before
    assert not Job.objects.exists()


def test_more_than_twenty_are_202(api):
    entries = CatalogEntryFactory.create_batch(21, source=SourceFactory())
    ids = [entry.pk for entry in entries]
    body = ok(api.post(BULK, {"ids": ids, "excluded": True}, format="json"), 202)
    assert (body["kind"], body["status"]) == ("marketplace.bulk_update_entries", "queued")
    assert not CatalogEntry.objects.filter(excluded_at__isnull=False).exists()
    assert ok(api.post(BULK, {"ids": ids[:20], "excluded": True}, format="json"))["summary"]["updated"] == 20


# ---- who may


def test_who_may_read(client_for):
    entry = CatalogEntryFactory()
    reader = UserFactory(permissions=["marketplace.view_catalogentry"])
    for url in (ENTRIES, f"{ENTRIES}/{entry.pk}", f"{BASE}/sources/{entry.source_id}/entries"):
        refused(APIClient().get(url), 401, "not_authenticated")
        refused(client_for(UserFactory(), "read").get(url), 403, "permission_denied")
        ok(client_for(reader, "read").get(url))


def test_who_may_decide(client_for, admin_user):
    entry = CatalogEntryFactory()
    reader = UserFactory(permissions=["marketplace.view_catalogentry"])
    decider = UserFactory(permissions=["marketplace.view_catalogentry", "marketplace.change_catalogentry"])
    one, many = f"{ENTRIES}/{entry.pk}", {"ids": [entry.pk], "excluded": True}
    for client, status, code in (
        (APIClient(), 401, "not_authenticated"),
        (client_for(reader), 403, "permission_denied"),
        (client_for(admin_user, "read"), 403, "permission_denied"),
    ):
        refused(client.patch(one, {"excluded": True}, format="json"), status, code)
        refused(client.post(BULK, many, format="json"), status, code)
    assert not CatalogEntry.objects.filter(excluded_at__isnull=False).exists()
    ok(client_for(decider).patch(one, {"excluded": True}, format="json"))
    ok(client_for(decider).post(BULK, {**many, "excluded": False}, format="json"))


@pytest.mark.parametrize("query", ["source={}", "plugin={}"])
@pytest.mark.parametrize("number", [10**30, -(10**187), 2**63])
def test_an_id_that_no_database_holds_finds_nothing(api, catalog, query, number):
    assert ok(api.get(f"{ENTRIES}?{query.format(number)}"))["results"] == []
