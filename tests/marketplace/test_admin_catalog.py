"""The lists and pages of sources, entries and scan runs."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from marketplace.models import CatalogEntry, ScanRun, Source
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.models import AuditEvent
from tests.factories.core import JobFactory, UserFactory
from tests.factories.marketplace import CatalogEntryFactory, ScanRunFactory, SourceFactory, oid

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>\u202egnp\nend"
SHOWN = r"&lt;script&gt;alert(1)&lt;/script&gt;\u202egnp\nend"


def changelist(model):
    return reverse(f"admin:marketplace_{model}_changelist")


def change(row):
    return reverse(f"admin:marketplace_{row._meta.model_name}_change", args=[row.pk])


def listed(client, model, **query):
    return client.get(changelist(model), query).content.decode()


SOURCE_FORM = {
    "url": "https://github.com/Acme/Tools.git",
    "ref": "",
    "root_hint": "",
    "tags": "one, two",
    "provider": "auto",
    "trust_level": "basic",
    "enabled": "on",
    "scan_interval": "",
    "single_artifact_type": "",
    "manual_map-folder": ["", ""],
    "manual_map-type": ["", ""],
}


def test_add_a_source_goes_through_the_service(admin_client, admin_user):
    answer = admin_client.post(reverse("admin:marketplace_source_add"), SOURCE_FORM, follow=True)
    source = Source.objects.get()
    assert source.tags == ["one", "two"]
    assert source.owner.lower() == "acme"
    assert AuditEvent.objects.get().action == "source.created"
    shown = answer.content.decode()
    assert "was added successfully" in shown
    assert reverse("admin:marketplace_source_do", args=[source.pk, "rescan"]) in shown


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"url": "ftp://example.org/x"}, "invalid_url"),
        ({"url": "https://elsewhere.example/a/b"}, "host_not_allowed"),
        ({"root_hint": "../etc"}, "must be a folder inside the repository"),
        ({"tags": "not a tag!"}, "must be at most 20 words"),
        ({"manual_map-folder": ["prompts"], "manual_map-type": [""]}, "Choose a type"),
        ({"manual_map-folder": ["a"], "manual_map-type": ["nonsense"]}, "There is no type “nonsense”"),
    ],
)
def test_what_the_service_refuses_is_a_form_error(admin_client, columns, said):
    answer = admin_client.post(reverse("admin:marketplace_source_add"), {**SOURCE_FORM, **columns})
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Source.objects.exists()


def test_a_known_source_is_refused(admin_client):
    add = reverse("admin:marketplace_source_add")
    admin_client.post(add, SOURCE_FORM)
    answer = admin_client.post(add, {**SOURCE_FORM, "url": "https://github.com/acme/tools"})
    assert "source_exists" in answer.content.decode()
    assert Source.objects.count() == 1


def test_change_writes_only_what_was_changed(admin_client):
    admin_client.post(reverse("admin:marketplace_source_add"), SOURCE_FORM)
    source = Source.objects.get()
    Source.objects.filter(pk=source.pk).update(head_commit=oid("head"))
    answer = admin_client.post(change(source), {**SOURCE_FORM, "url": source.url, "tags": "two, three"})
    assert answer.status_code == 302
    source.refresh_from_db()
    assert source.tags == ["two", "three"]
    assert source.head_commit == oid("head")
    assert AuditEvent.objects.latest("id").data == {"fields": ["tags"]}


def test_delete_takes_entries_and_runs_along(admin_client):
    source = SourceFactory()
    CatalogEntryFactory(source=source)
    ScanRunFactory(source=source)
    url = reverse("admin:marketplace_source_delete", args=[source.pk])
    shown = admin_client.get(url).content.decode()
    assert "catalog entries: 1" in shown.replace("Catalog", "catalog")
    admin_client.post(url, {"post": "yes"})
    assert not Source.objects.exists()
    assert not CatalogEntry.objects.exists()


def test_a_source_that_is_being_scanned_is_not_deleted(admin_client):
    source, free = SourceFactory(), SourceFactory()
    Lease.acquire(Source, source.pk)
    url = reverse("admin:marketplace_source_delete", args=[source.pk])
    assert "source_busy" in admin_client.post(url, {"post": "yes"}, follow=True).content.decode()
    chosen = {"action": "delete_selected", "_selected_action": [free.pk, source.pk], "post": "yes"}
    answer = admin_client.post(changelist("source"), chosen, follow=True).content.decode()
    assert "source_busy" in answer
    assert "Successfully deleted" not in answer
    assert Source.objects.count() == 2


def test_delete_selected_sources(admin_client):
    chosen = {"action": "delete_selected", "_selected_action": [SourceFactory().pk, SourceFactory().pk]}
    assert "Are you sure" in admin_client.post(changelist("source"), chosen).content.decode()
    admin_client.post(changelist("source"), {**chosen, "post": "yes"})
    assert not Source.objects.exists()
    assert AuditEvent.objects.filter(action="source.deleted").count() == 2


def test_source_list_filters(admin_client):
    SourceFactory(name="fresh-one", scanned=True)
    SourceFactory(name="new-one")
    SourceFactory(name="off-one", enabled=False)
    SourceFactory(name="bad-one", last_error_code="upstream_timeout")
    for query, name in (
        ({"health": "fresh"}, "fresh-one"),
        ({"health": "never_scanned"}, "new-one"),
        ({"enabled": "no"}, "off-one"),
        ({"health": "unreachable"}, "bad-one"),
        ({"q": "bad"}, "bad-one"),
    ):
        shown = listed(admin_client, "source", **query)
        assert f"acme/{name}" in shown
        assert shown.count('class="action-select"') == 1
    shown = listed(admin_client, "source")
    assert ">3 skills<" in shown
    assert f"{changelist('catalogentry')}?source=" in shown
    assert "upstream_timeout" in listed(admin_client, "source")


def test_source_page_shows_what_scans_found(admin_client):
    source = SourceFactory(scanned=True, last_error_code="upstream_auth", last_error_detail="<b>no</b>")
    ScanRunFactory(source=source, job=JobFactory(label="The last scan"))
    shown = admin_client.get(change(source)).content.decode()
    assert "&lt;b&gt;no" in shown
    assert "The last scan" in shown
    assert f"{changelist('catalogentry')}?source={source.pk}" in shown
    assert 'name="head_commit"' not in shown


def test_entry_list_hides_what_is_in_the_way(admin_client):
    kept = CatalogEntryFactory(name="kept")
    CatalogEntryFactory(name="gone", removed=True)
    CatalogEntryFactory(name="unwanted", excluded=True)
    CatalogEntryFactory(name="twin", duplicate_of=kept)

    def names(**query):
        shown = listed(admin_client, "catalogentry", **query)
        return {name for name in ("kept", "gone", "unwanted", "twin") if f">{name}</a>" in shown}

    assert names() == {"kept"}
    assert names(show="all") == {"kept", "gone", "unwanted", "twin"}
    assert names(show="duplicates") == {"twin"}
    assert names(status="removed") == {"gone"}
    assert names(status="excluded") == {"unwanted"}
    assert names(presence="removed") == {"gone"}
    assert names(status="removed", show="visible") == set()
    assert names(source=str(kept.source_id)) == {"kept"}
    assert names(source="x") == set()
    assert names(confidence="high") == {"kept"}
    assert names(confidence="low") == set()
    assert names(type="command") == set()
    assert names(basis="layout", q="kep") == {"kept"}


def test_entry_page(admin_client):
    source = SourceFactory()
    plugin = CatalogEntryFactory(source=source, type="plugin", name="toolbox")
    entry = CatalogEntryFactory(
        source=source, name=HOSTILE, path="p/" + HOSTILE, title=HOSTILE, description=f"one\n{HOSTILE}",
        metadata={"a": HOSTILE}, warnings=[{"code": "odd", "detail": HOSTILE}], signals=["file:40"],
        tags=["t"], plugin=plugin, moved_from="old", excluded_at=timezone.now(), excluded_reason=HOSTILE,
    )  # fmt: skip
    twin = CatalogEntryFactory(name="elsewhere", content_oid=entry.content_oid)
    shown = admin_client.get(change(entry)).content.decode()
    assert "<script>alert" not in shown
    assert "\u202e" not in shown
    assert SHOWN in shown
    for text in ("toolbox", "file:40", entry.content_oid, change(plugin), change(twin), "&quot;odd&quot;"):
        assert text in shown
    assert reverse("admin:marketplace_catalogentry_do", args=[entry.pk, "restore"]) in shown
    assert reverse("admin:marketplace_catalogentry_do", args=[entry.pk, "exclude"]) not in shown
    assert admin_client.post(change(entry), {}).status_code == 403
    assert "\u202e" not in listed(admin_client, "catalogentry", show="all")


@pytest.mark.parametrize("model", ["catalogentry", "scanrun"])
def test_nobody_adds_or_deletes_what_scans_write(admin_client, model):
    row = CatalogEntryFactory() if model == "catalogentry" else ScanRunFactory()
    assert admin_client.get(reverse(f"admin:marketplace_{model}_add")).status_code == 403
    assert admin_client.get(reverse(f"admin:marketplace_{model}_delete", args=[row.pk])).status_code == 403


def test_run_list_and_page(admin_client):
    run = ScanRunFactory(job=JobFactory(label="Its job"), code="removals_held", result={"moved": [HOSTILE]})
    shown = listed(admin_client, "scanrun", outcome="updated", source=str(run.source_id))
    assert "removals_held" in shown
    assert "Its job" in shown
    page = admin_client.get(change(run)).content.decode()
    assert "<script>alert" not in page
    assert r"\u202e" in page


@pytest.mark.parametrize("model", ["source", "catalogentry", "scanrun"])
def test_lists_ask_a_constant_number_of_questions(admin_client, model):
    asked = []
    for more in (3, 27):
        for _ in range(more):
            source = SourceFactory(scanned=True)
            plugin = CatalogEntryFactory(source=source, type="plugin")
            CatalogEntryFactory(source=source, plugin=plugin)
            ScanRunFactory(source=source, job=JobFactory(actor=UserFactory()))
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(changelist(model)).status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1]
    assert ScanRun.objects.count() == 30


def test_readers_may_only_read(client):
    source = SourceFactory()
    client.force_login(UserFactory(permissions=["marketplace.view_source"]))
    shown = client.get(change(source)).content.decode()
    assert "/do/rescan/" not in shown
    assert 'name="_save"' not in shown
    assert client.post(change(source), SOURCE_FORM).status_code == 403
