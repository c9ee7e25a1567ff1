"""Rows as a file: whole, exact, without formulas, and just those that were asked for."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.urls import reverse

from marketplace.models import CatalogEntry, Source
from skillmeat_site.core.admin import exports
from skillmeat_site.core.models import Job
from tests.factories.collections import ArtifactFactory
from tests.factories.core import ApiTokenFactory, JobFactory, UserFactory
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory

pytestmark = pytest.mark.django_db
ENTRIES = "/admin/marketplace/catalogentry/"
SOURCES = "/admin/marketplace/source/"


def body(answer):
    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert "no-store" in answer["Cache-Control"]
    return b"".join(answer.streaming_content).decode()


def records(answer):
    return list(csv.DictReader(io.StringIO(body(answer))))


def chosen(kind, rows, **more):
    return {"action": f"export_{kind}", "index": "0", "_selected_action": [row.pk for row in rows], **more}


def test_the_selection_as_csv(admin_client):
    entries = CatalogEntryFactory.create_batch(3)
    found = records(admin_client.post(ENTRIES, chosen("csv", entries[:2])))
    assert [row["id"] for row in found] == [str(entry.pk) for entry in entries[:2]]
    first = found[0]
    assert (first["name"], first["type"], first["status"]) == (entries[0].name, "skill", "new")
    assert first["source"] == str(entries[0].source)
    assert first["confidence"] == "95"
    assert datetime.fromisoformat(first["updated"]) == entries[0].updated_at
    assert not Job.objects.exists()


def test_the_selection_as_json_keeps_what_is_no_text(admin_client):
    source = SourceFactory(scanned=True, enabled=False)
    never = SourceFactory()
    found = json.loads(body(admin_client.post(SOURCES, chosen("json", [source, never]))))
    assert [row["id"] for row in found] == [source.pk, never.pk]
    assert found[0]["enabled"] is False
    assert found[0]["last_scan"] == source.last_scanned_at.astimezone(UTC).isoformat()
    assert found[1]["last_scan"] is None
    assert found[0]["health"] == "disabled"


def test_all_that_match_across_pages(admin_client, monkeypatch):
    monkeypatch.setattr(type(admin.site.get_model_admin(CatalogEntry)), "list_per_page", 2)
    monkeypatch.setattr(exports, "AT_ONCE", 3)
    hooks = CatalogEntryFactory.create_batch(8, type="hook")
    CatalogEntryFactory.create_batch(3, type="skill")
    answer = admin_client.post(f"{ENTRIES}?type=hook&o=-1", chosen("csv", hooks[:1], select_across="1"))
    by_name = sorted(hooks, key=lambda entry: entry.name, reverse=True)
    assert [row["id"] for row in records(answer)] == [str(entry.pk) for entry in by_name]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_everything_that_the_address_asks_for(admin_client, kind):
    CatalogEntryFactory.create_batch(3, type="hook")
    CatalogEntryFactory(type="skill")
    CatalogEntryFactory(type="hook", removed=True)
    answer = admin_client.get(f"{ENTRIES}export/{kind}/?type=hook")
    found = records(answer) if kind == "csv" else json.loads(body(answer))
    assert {row["type"] for row in found} == {"hook"}
    assert len(found) == 3
    listed = admin_client.get(f"{ENTRIES}?type=hook").content.decode()
    assert f'href="export/{kind}/?type=hook"' in listed


def test_no_rows_are_an_empty_file(admin_client):
    assert json.loads(body(admin_client.get(f"{ENTRIES}export/json/"))) == []
    assert records(admin_client.get(f"{ENTRIES}export/csv/")) == []


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", " ="])
def test_a_spreadsheet_runs_no_formula(admin_client, sign):
    name = f"{sign}HYPERLINK(1)"
    CatalogEntryFactory(name=name, path=f"{sign}x")
    found = records(admin_client.get(f"{ENTRIES}export/csv/"))[0]
    for value in (found["name"], found["path"]):
        assert value[0] in "'\\" or value.startswith(("'",)), value
    assert json.loads(body(admin_client.get(f"{ENTRIES}export/json/")))[0]["confidence"] == 95


def test_texts_are_whole_and_plain(admin_client):
    path = "deep/" * 600 + "end"
    CatalogEntryFactory(name='<b>"a" & b</b>', path=path)
    found = json.loads(body(admin_client.get(f"{ENTRIES}export/json/")))[0]
    assert found["name"] == '<b>"a" & b</b>'
    assert found["path"] == path


def test_what_is_invisible_is_written_out(admin_client):
    CatalogEntryFactory(name="a\u202eb", path="x\ny")
    found = records(admin_client.get(f"{ENTRIES}export/csv/"))[0]
    assert (found["name"], found["path"]) == (r"a\u202eb", r"x\ny")


def test_who_may_look_may_export_and_nobody_else(client):
    SourceFactory()
    client.force_login(UserFactory(permissions=["marketplace.view_source"]))
    assert len(records(client.get(f"{SOURCES}export/csv/"))) == 1
    assert "export_csv" in client.get(SOURCES).content.decode()
    assert client.get(f"{ENTRIES}export/csv/").status_code == 403
    client.logout()
    assert client.get(f"{SOURCES}export/csv/").status_code == 302


def test_strange_addresses(admin_client):
    CatalogEntryFactory()
    assert admin_client.get(f"{ENTRIES}export/xml/").status_code == 404
    answer = admin_client.get(f"{ENTRIES}export/csv/?nonsense=1", follow=True)
    assert "a filter that there is not" in answer.content.decode()
    assert records(admin_client.get(f"{ENTRIES}export/csv/?type=nonsense")) == []


@pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: model._meta.label_lower)
def test_every_list_can_be_exported(admin_client, admin_user, model):
    JobFactory(actor=admin_user)
    ArtifactFactory()
    CatalogEntryFactory()
    ApiTokenFactory()
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_export", args=["csv"])
    found = records(admin_client.get(url))
    assert len(found) == model._default_manager.count()
    for row in found:
        assert row["id"]
        assert None not in row
        assert "<" not in "".join(row.values())


def test_no_secret_is_exported(admin_client, admin_user):
    token = ApiTokenFactory()
    text = body(admin_client.get("/admin/core/apitoken/export/json/"))
    assert token.name in text
    assert token.digest not in text
    assert admin_user.password not in body(admin_client.get("/admin/auth/user/export/json/"))


def test_statements_do_not_grow_with_rows(admin_client, monkeypatch, django_assert_max_num_queries):
    for _ in range(30):
        CatalogEntryFactory()
    with django_assert_max_num_queries(12):
        assert len(records(admin_client.get(f"{ENTRIES}export/csv/"))) == 30
    assert Source.objects.count() == 30
