"""The page "History" of an object: its audit events, for who may look at the object; and none where there are none."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.urls import reverse

from collections_app.models import Artifact, Collection, Project
from marketplace.models import Source
from skillmeat_site.core.admin.history import PER_PAGE, History
from skillmeat_site.core.models import ApiToken, AuditEvent, Job, UpstreamToken
from tests.admin.choosing import choose_all, confirmed
from tests.factories.collections import ArtifactFactory, CollectionFactory
from tests.factories.core import AuditEventFactory, JobFactory, UserFactory
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory

pytestmark = pytest.mark.django_db
EVENTS = {ApiToken, Collection, Job, Project, Source, UpstreamToken}


def place(row, name="history"):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


def shown(client, row, **query):
    answer = client.get(place(row), query)
    assert answer.status_code == 200
    return answer.content.decode().replace("<wbr>", "")


def event(row, **columns):
    return AuditEventFactory(object_type=row._meta.label_lower, object_id=str(row.pk), **columns)


def test_an_action_stands_in_the_history_of_its_object(admin_client, admin_user):
    source = SourceFactory()
    confirmed(admin_client, choose_all(admin_client, Source, "disable"))
    text = shown(admin_client, source)
    made = AuditEvent.objects.get(object_type="marketplace.source")
    assert f'<a href="{place(made, "change")}"><code>{made.action}</code></a>' in text
    assert admin_user.username in text
    assert place(source) in admin_client.get(place(source, "change")).content.decode()


def test_the_newest_come_first_and_those_of_others_not_at_all(admin_client):
    source, other = SourceFactory(), SourceFactory()
    for number in range(PER_PAGE + 1):
        event(source, action=f"step.{number:03}")
    event(other, action="step.other")
    CatalogEntryFactory(pk=source.pk, source=other)
    AuditEventFactory(object_type="marketplace.catalogentry", object_id=str(source.pk), action="step.entry")
    first = re.findall(r"step\.(\w+)", shown(admin_client, source))
    assert first == [f"{number:03}" for number in range(PER_PAGE, 0, -1)]
    assert re.findall(r"step\.(\w+)", shown(admin_client, source, page="2")) == ["000"]
    assert "page 2 of 2" in shown(admin_client, source, page="99")


def test_who_may_look_at_the_object_may_see_its_history_and_follow_what_they_may_see(client):
    source = SourceFactory()
    made = event(source, actor_name="<b>\u202e", job=JobFactory())
    client.force_login(UserFactory(permissions=["marketplace.view_source"]))
    text = shown(client, source)
    assert "source.changed" in text
    assert r"&lt;b&gt;\u202e" in text
    assert place(made, "change") not in text
    assert place(made.job, "change") not in text
    client.force_login(UserFactory(permissions=["marketplace.view_catalogentry"]))
    assert client.get(place(source)).status_code == 403
    source.delete()
    assert client.get(reverse("admin:marketplace_source_history", args=["987"])).status_code == 404


def test_an_object_of_which_nothing_is_told_says_so(admin_client):
    assert "Nothing was recorded of it yet." in shown(admin_client, SourceFactory())


def test_what_has_no_events_by_its_nature_has_no_history(admin_client):
    entry = CatalogEntryFactory()
    assert admin_client.get(place(entry)).status_code == 404
    assert "historylink" not in admin_client.get(place(entry, "change")).content.decode()


def test_pages_of_djangos_own_forms_keep_djangos_log(admin_client, admin_user):
    group = Group.objects.create(name="readers")
    admin_client.post(place(group, "change"), {"name": "writers"})
    assert "Changed" in shown(admin_client, group)
    assert admin_client.get(place(admin_user)).status_code == 200


def test_a_collection_has_snapshots_and_events(admin_client, client):
    collection = CollectionFactory()
    event(collection, action="collection.renamed")
    assert "collection.renamed" not in shown(admin_client, collection)
    assert "?show=events" in shown(admin_client, collection)
    assert "collection.renamed" in shown(admin_client, collection, show="events")
    client.force_login(UserFactory(permissions=["collections_app.view_collection"]))
    assert "collection.renamed" in shown(client, collection)


def test_an_artifacts_history_is_that_of_snapshots(client):
    artifact = ArtifactFactory()
    client.force_login(UserFactory(permissions=["collections_app.view_artifact"]))
    assert "historylink" not in client.get(place(artifact, "change")).content.decode()
    assert client.get(place(artifact)).status_code == 403


def test_whatever_events_are_recorded_of_has_a_history():
    """And nothing else, but what Django's own forms write."""
    kept = {model: page.history for model, page in admin.site._registry.items()}
    assert {model for model, history in kept.items() if history is History.EVENTS} == EVENTS
    assert {model for model, history in kept.items() if history is History.FORMS} == {get_user_model(), Group}
    assert kept[Artifact] is History.NONE
