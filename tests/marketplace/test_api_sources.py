"""Sources over REST: create, read, change, delete, find; and who may."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from marketplace.models import Source
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.models import AuditEvent
from tests.factories.core import UserFactory
from tests.factories.marketplace import SourceFactory
from tests.marketplace.answers import BASE, ok, post_ascii, refused

pytestmark = pytest.mark.django_db

SOURCES = f"{BASE}/sources"
URL = "https://github.com/acme/tools"


def of(source: Source, action: str = "") -> str:
    return f"{SOURCES}/{source.pk}{action}"


# ---- create


def test_create(api):
    answer = api.post(SOURCES, {"url": URL, "tags": ["A"], "scan_interval": 60}, format="json")
    body = ok(answer, 201)
    source = Source.objects.get()
    assert answer["Location"] == of(source)
    assert answer["ETag"] == api.get(of(source))["ETag"]
    assert {name: body[name] for name in ("id", "url", "host", "owner", "name", "provider", "health")} == {
        "id": source.pk,
        "url": URL,
        "host": "github.com",
        "owner": "acme",
        "name": "tools",
        "provider": "auto",
        "health": "never_scanned",
    }
    assert (body["tags"], body["scan_interval"], body["last_error"], body["head_commit"]) == (["a"], 60, None, None)
    assert "scan" not in body


def test_create_and_scan(api, repository):
    body = ok(api.post(SOURCES, {"url": repository.url, "scan": True}, format="json"), 201)
    assert body["scan"]["new_count"] == 5
    assert body["counts"] == {"agent": 1, "command": 1, "skill": 3}
    assert body["health"] == "fresh"


def test_create_and_scan_that_fails_still_creates(api, tmp_path):
    missing = tmp_path / "repos" / "missing.git"
    body = ok(api.post(SOURCES, {"url": str(missing), "scan": True}, format="json"), 201)
    assert (body["scan"]["outcome"], body["scan"]["code"]) == ("failed", "upstream_not_found")
    assert body["last_error"]["code"] == "upstream_not_found"


def test_create_what_exists(api):
    first = ok(api.post(SOURCES, {"url": URL}, format="json"), 201)
    body = refused(
        api.post(SOURCES, {"url": f"{URL.upper().replace('HTTPS', 'https')}.git"}, format="json"), 409, "source_exists"
    )
    assert body["source_id"] == first["id"]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "invalid_parameter", "/url"),
        ({"url": None}, "invalid_parameter", "/url"),
        ({"url": ""}, "invalid_parameter", "/url"),
        ({"url": "nonsense"}, "invalid_url", None),
        ({"url": "https://x:token@github.com/a/b"}, "invalid_url", None),
        ({"url": "https://example.org/a/b"}, "host_not_allowed", None),
        ({"url": "/etc"}, "path_not_allowed", None),
        ({"url": URL, "ref": "a..b"}, "invalid_ref", None),
        ({"url": URL, "root_hint": "../x"}, "invalid_parameter", "/root_hint"),
        ({"url": URL, "manual_map": {"skill": ["a"]}}, "invalid_parameter", "/manual_map/skill"),
        ({"url": URL, "manual_map": {"a": "nonsense"}}, "invalid_parameter", "/manual_map"),
        ({"url": URL, "manual_map": {"\ud800": "skill"}}, "invalid_parameter", "/manual_map"),
        ({"url": URL, "single_artifact_type": "workflow"}, "invalid_parameter", "/single_artifact_type"),
        ({"url": URL, "tags": ["a b"]}, "invalid_parameter", "/tags"),
        ({"url": URL, "tags": "a"}, "invalid_parameter", "/tags"),
        ({"url": URL, "trust_level": "blind"}, "invalid_parameter", "/trust_level"),
        ({"url": URL, "scan_interval": 14}, "invalid_parameter", "/scan_interval"),
        ({"url": URL, "enabled": "perhaps"}, "invalid_parameter", "/enabled"),
    ],
)
def test_create_with_what_is_wrong(api, body, code, pointer):
    told = refused(post_ascii(api, SOURCES, body), 400, code)
    if pointer:
        assert pointer in [problem["pointer"] for problem in told["errors"]]
    assert not Source.objects.exists()


@pytest.mark.parametrize(("unknown", "meant"), [("access_token", None), ("root_hnt", "root_hint"), ("tag", "tags")])
def test_an_unknown_field_is_refused_with_a_suggestion(api, unknown, meant):
    """The reference system accepts access_token and ignores it."""
    body = refused(api.post(SOURCES, {"url": URL, unknown: "x"}, format="json"), 400, "unknown_field")
    assert unknown in body["detail"]
    assert meant is None or repr(meant) in body["detail"]


def test_a_body_that_is_no_object(api):
    refused(api.post(SOURCES, [1], format="json"), 400, "invalid_parameter")
    refused(api.post(SOURCES, b"{", content_type="application/json"), 400, "invalid_parameter")
    refused(api.post(SOURCES, b"x=1", content_type="text/csv"), 415, "unsupported_media_type")


# ---- read and change


def test_read(api):
    source = SourceFactory(scanned=True, last_error_code="upstream_timeout", last_error_detail="slow")
    answer = api.get(of(source))
    body = ok(answer)
    assert body["last_error"] == {"code": "upstream_timeout", "detail": "slow"}
    assert body["health"] == "unreachable"
    assert body["last_scanned_at"].endswith("Z")
    assert answer["ETag"]
    refused(api.get(f"{SOURCES}/404"), 404, "not_found")
    refused(api.get(f"{SOURCES}/{'9' * 30}"), 404, "not_found")


def test_patch_changes_what_it_names_and_nothing_else(api):
    source = SourceFactory(tags=["kept"])
    body = ok(api.patch(of(source), {"enabled": False, "scan_interval": 30}, format="json"))
    assert (body["enabled"], body["scan_interval"], body["tags"]) == (False, 30, ["kept"])
    assert ok(api.patch(of(source), {"scan_interval": None}, format="json"))["scan_interval"] is None
    refused(api.patch(of(source), {"head_commit": "a" * 40}, format="json"), 400, "unknown_field")
    refused(api.patch(of(source), {"tags": ["a b"]}, format="json"), 400, "invalid_parameter")
    refused(api.patch(f"{SOURCES}/404", {}, format="json"), 404, "not_found")


def test_patch_into_another_source_is_409(api):
    other = SourceFactory()
    assert (
        refused(api.patch(of(SourceFactory()), {"url": other.url}, format="json"), 409, "source_exists")["source_id"]
        == other.pk
    )


def test_if_match(api):
    source = SourceFactory()
    seen = api.get(of(source))["ETag"]
    changed = api.patch(of(source), {"tags": ["a"]}, format="json", headers={"If-Match": seen})
    assert ok(changed)["tags"] == ["a"]
    assert changed["ETag"] != seen
    for stale in (seen, '"other"'):
        late = api.patch(of(source), {"tags": ["b"]}, format="json", headers={"If-Match": stale})
        refused(late, 412, "precondition_failed")
        refused(api.delete(of(source), headers={"If-Match": stale}), 412, "precondition_failed")
    assert ok(api.get(of(source)))["tags"] == ["a"]
    assert ok(api.patch(of(source), {"tags": ["c"]}, format="json", headers={"If-Match": "*"}))["tags"] == ["c"]
    both = f'"x", {api.get(of(source))["ETag"]}'
    assert api.delete(of(source), headers={"If-Match": both}).status_code == 204


def test_put_is_not_allowed(api):
    refused(api.put(of(SourceFactory()), {"url": URL}, format="json"), 405, "method_not_allowed")


# ---- delete


def test_delete(api):
    source = SourceFactory()
    answer = api.delete(of(source))
    assert (answer.status_code, answer.content) == (204, b"")
    refused(api.get(of(source)), 404, "not_found")
    refused(api.delete(of(source)), 404, "not_found")


def test_delete_while_it_is_scanned(api):
    source = SourceFactory()
    Lease.acquire(Source, source.pk)
    assert refused(api.delete(of(source)), 409, "source_busy")["source_id"] == source.pk
    assert Source.objects.exists()


# ---- list


@pytest.fixture
def three(db):
    return [
        SourceFactory(name="alpha", tags=["x", "y"], trust_level="official"),
        SourceFactory(name="beta", owner="Other", scanned=True, tags=["xy"]),
        SourceFactory(name="gamma", enabled=False, host="git.example"),
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "alpha beta gamma"),
        ("q=ALPH", "alpha"),
        ("q=acme gam", "gamma"),
        ("q=100%25", ""),
        ("tag=x", "alpha"),
        ("enabled=false", "gamma"),
        ("enabled=true", "alpha beta"),
        ("health=fresh", "beta"),
        ("health=fresh,disabled", "beta gamma"),
        ("health=fresh&health=disabled", "beta gamma"),
        ("host=git.example", "gamma"),
        ("owner=OTHER", "beta"),
        ("trust_level=official", "alpha"),
        ("ordering=-name", "gamma beta alpha"),
        ("ordering=owner,-name&limit=2", "ordered"),
        ("limit=1&offset=1", "beta"),
    ],
)
def test_list(api, three, query, names):
    body = ok(api.get(f"{SOURCES}?{query}"))
    found = [row["name"] for row in body["results"]]
    if names == "ordered":  # how case sorts is the database's own
        names = " ".join(Source.objects.order_by("owner", "-name").values_list("name", flat=True)[:2])
    assert found == names.split()
    assert body["count"] == (len(found) if "limit" not in query else 3)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("health=fresch", "invalid_parameter"),
        ("trust_level=blind", "invalid_parameter"),
        ("ordering=tags", "invalid_parameter"),
        ("ordering=name,", "invalid_parameter"),
        ("limit=0", "invalid_parameter"),
        ("limit=501", "invalid_parameter"),
        ("limit=ten", "invalid_parameter"),
        ("offset=-1", "invalid_parameter"),
        ("heath=fresh", "unknown_field"),
        ("cursor=x", "unknown_field"),
        ("q=a%00b", "invalid_parameter"),
    ],
)
def test_list_refuses_what_it_does_not_know(api, three, query, code):
    """A misspelt filter must not mean "everything"."""
    refused(api.get(f"{SOURCES}?{query}"), 400, code)


def test_a_near_word_is_suggested(api, three):
    assert "'fresh'" in refused(api.get(f"{SOURCES}?health=fresch"), 400, "invalid_parameter")["detail"]
    assert "'health'" in refused(api.get(f"{SOURCES}?heath=fresh"), 400, "unknown_field")["detail"]


def test_a_query_parameter_on_a_single_source_is_refused(api, three):
    refused(api.get(f"{of(three[0])}?health=fresh"), 400, "unknown_field")


def test_an_absurd_number_of_words_is_refused_not_an_error(api, three):
    """Each word is a condition; SQLite gives up at a thousand."""
    words = "+".join(f"{n:x}" for n in range(1100))
    refused(api.get(f"{SOURCES}?q={words}"), 400, "invalid_parameter")
    assert ok(api.get(f"{SOURCES}?q={'alpha+' * 300}"))["count"] == 1, "the same word many times is one condition"


# ---- bulk update


def test_bulk_update_by_ids(api, three):
    ids = [three[0].pk, 404, three[0].pk, three[2].pk]
    body = ok(api.post(f"{SOURCES}/bulk-update", {"ids": ids, "enabled": False, "add_tags": ["new"]}, format="json"))
    assert [(row["id"], row["outcome"], row["code"]) for row in body["results"]] == [
        (three[0].pk, "updated", None),
        (404, "failed", "not_found"),
        (three[2].pk, "updated", None),
    ]
    assert body["summary"]["total"] == 3 == sum(n for name, n in body["summary"].items() if name != "total")
    three[0].refresh_from_db()
    assert (three[0].enabled, three[0].tags) == (False, ["x", "y", "new"])


def test_bulk_update_by_filter(api, three):
    body = ok(api.post(f"{SOURCES}/bulk-update", {"filter": {"tag": "x"}, "scan_interval": 60}, format="json"))
    assert [row["id"] for row in body["results"]] == [three[0].pk]
    body = ok(api.post(f"{SOURCES}/bulk-update", {"filter": {"tag": "x"}, "scan_interval": None}, format="json"))
    assert body["summary"]["updated"] == 1
    assert not Source.objects.filter(scan_interval__isnull=False).exists()


def test_bulk_update_dry_run(api, three):
    body = ok(api.post(f"{SOURCES}/bulk-update", {"filter": {}, "enabled": False, "dry_run": True}, format="json"))
    assert (body["dry_run"], body["summary"]["updated"], body["summary"]["unchanged"]) == (True, 2, 1)
    assert Source.objects.filter(enabled=True).count() == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ids": [], "enabled": True}, "invalid_parameter"),
        ({"enabled": True}, "invalid_parameter"),
        ({"ids": [1], "filter": {}, "enabled": True}, "invalid_parameter"),
        ({"ids": [1]}, "invalid_parameter"),
        ({"ids": ["x"], "enabled": True}, "invalid_parameter"),
        ({"ids": [0], "enabled": True}, "invalid_parameter"),
        ({"ids": "1", "enabled": True}, "invalid_parameter"),
        ({"filter": [], "enabled": True}, "invalid_parameter"),
        ({"filter": {"tga": "x"}, "enabled": True}, "unknown_field"),
        ({"filter": {"health": "fresch"}, "enabled": True}, "invalid_parameter"),
        ({"filter": {"q": "\ud800"}, "enabled": True}, "invalid_parameter"),
        ({"ids": [1], "enable": True}, "unknown_field"),
        ({"ids": [1], "add_tags": ["a b"]}, "invalid_parameter"),
        ({"ids": [1], "scan_interval": 1}, "invalid_parameter"),
    ],
)
def test_bulk_update_refuses(api, three, body, code):
    before = list(Source.objects.values())
    refused(post_ascii(api, f"{SOURCES}/bulk-update", body), 400, code)
    assert list(Source.objects.values()) == before


def test_ids_at_and_beyond_what_a_database_holds(api):
    body = ok(api.post(f"{SOURCES}/bulk-update", {"ids": [2**63 - 1], "enabled": True}, format="json"))
    assert [(row["outcome"], row["code"]) for row in body["results"]] == [("failed", "not_found")]
    beyond = api.post(f"{SOURCES}/bulk-update", {"ids": [2**63], "enabled": True}, format="json")
    refused(beyond, 400, "invalid_parameter")


# ---- who may


WRITES = [
    ("post", "", {"url": URL}),
    ("patch", "/{id}", {"tags": ["x"]}),
    ("delete", "/{id}", None),
    ("post", "/{id}/rescan", {}),
    ("post", "/bulk-rescan", {"ids": [1]}),
    ("post", "/bulk-update", {"ids": [1], "enabled": False}),
]
NEEDS = ["add_source", "change_source", "delete_source", "rescan_source", "rescan_source", "change_source"]


def ask(client, source, verb, path, body):
    return getattr(client, verb)(SOURCES + path.format(id=source.pk), body, format="json")


@pytest.mark.parametrize(("verb", "path", "body"), WRITES)
def test_anonymous_is_401_with_a_challenge(verb, path, body):
    answer = ask(APIClient(), SourceFactory(), verb, path, body)
    refused(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("verb", "path", "body"), WRITES)
def test_a_read_token_writes_nothing(client_for, admin_user, verb, path, body):
    source = SourceFactory()
    refused(ask(client_for(admin_user, "read"), source, verb, path, body), 403, "permission_denied")
    assert list(Source.objects.all()) == [source]


@pytest.mark.parametrize(("write", "needed"), list(zip(WRITES, NEEDS, strict=True)), ids=[w[0] + w[1] for w in WRITES])
def test_each_write_needs_its_own_permission(client_for, write, needed):
    source = SourceFactory()
    others = {"view_source", "add_source", "change_source", "delete_source", "rescan_source"} - {needed}
    without = UserFactory(permissions=[f"marketplace.{name}" for name in others])
    refused(ask(client_for(without), source, *write), 403, "permission_denied")
    within = UserFactory(permissions=[f"marketplace.{needed}", "marketplace.view_source"])
    assert ask(client_for(within), source, *write).status_code not in (401, 403)


def test_reading_needs_its_permission_too(client_for):
    source = SourceFactory()
    stranger, reader = UserFactory(), UserFactory(permissions=["marketplace.view_source"])
    for url in (SOURCES, of(source)):
        refused(APIClient().get(url), 401, "not_authenticated")
        refused(client_for(stranger, "read").get(url), 403, "permission_denied")
        ok(client_for(reader, "read").get(url))


def test_creating_with_a_scan_needs_both_permissions(client_for, repository):
    adder = client_for(UserFactory(permissions=["marketplace.add_source", "marketplace.view_source"]))
    refused(adder.post(SOURCES, {"url": repository.url, "scan": True}, format="json"), 403, "permission_denied")
    assert not Source.objects.exists()
    ok(adder.post(SOURCES, {"url": repository.url}, format="json"), 201)


def test_dry_runs_of_create_change_and_delete_write_nothing(api, repository, source):
    """What they answer is what the edit would do; afterwards everything is as it was."""
    other = {"url": repository.url, "ref": "main", "tags": ["One"], "dry_run": True}
    events = AuditEvent.objects.count()
    created = api.post(SOURCES, other, format="json")
    assert (created.status_code, created.json()["id"], created.json()["dry_run"]) == (200, None, True)
    assert created.json()["tags"] == ["one"]
    path = of(source)
    changed = api.patch(path, {"tags": ["Two"], "dry_run": True}, format="json")
    assert (changed.status_code, changed.json()["tags"], changed.json()["dry_run"]) == (200, ["two"], True)
    deleted = api.delete(f"{path}?dry_run=true")
    assert deleted.json() == {"id": source.pk, "outcome": "removed", "entries": 0, "dry_run": True}
    refused = api.post(SOURCES, {**other, "ref": ""}, format="json")
    assert refused.json()["code"] == "source_exists"
    assert [(row.pk, row.tags) for row in Source.objects.all()] == [(source.pk, [])]
    assert AuditEvent.objects.count() == events


def test_a_filter_with_a_lone_surrogate_is_refused(api, source):
    answer = post_ascii(api, f"{SOURCES}/bulk-rescan", {"filter": {"tag": "\ud800"}})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
