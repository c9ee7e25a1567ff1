"""Suggested tags in the admin: listed, on their source's page, approved and rejected."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from marketplace.admin import tags as admin_tags
from marketplace.models import SourceTag
from skillmeat_site.core.models import AuditEvent, Job
from tests.factories.core import UserFactory
from tests.factories.marketplace import SourceFactory, SourceTagFactory
from tests.marketplace.test_admin_actions import choose

pytestmark = pytest.mark.django_db
TAGS = reverse("admin:marketplace_sourcetag_changelist")
SOURCES = reverse("admin:marketplace_source_changelist")


def page(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def page_of(row):
    return reverse(f"admin:marketplace_{row._meta.model_name}_change", args=[row.pk])


def test_the_list_and_its_filters(admin_client):
    source = SourceFactory()
    SourceTagFactory(source=source, normalized="waiting-one", value="01 Waiting_One")
    SourceTagFactory(source=source, normalized="topic-one", kind="topic", status="approved")
    SourceTagFactory(normalized="gone-one", gone=True, status="rejected")

    def listed(query=""):
        shown = page(admin_client, TAGS + query)
        return {name for name in ("waiting", "topic", "gone") if f"{name}-one" in shown}

    assert listed() == {"waiting", "topic"}
    assert listed("?show=all") == {"waiting", "topic", "gone"}
    assert listed("?status=approved") == {"topic"}
    assert listed("?kind=path") == {"waiting"}
    assert listed(f"?show=all&source={source.pk}") == {"waiting", "topic"}
    assert listed("?q=topic") == {"topic"}
    assert "01 Waiting_One" in page(admin_client, TAGS)


def test_the_list_costs_the_same_however_long(admin_client, django_assert_max_num_queries):
    SourceTagFactory.create_batch(30)
    with django_assert_max_num_queries(8):
        page(admin_client, TAGS)


def test_a_source_shows_its_tags(admin_client, monkeypatch):
    tag = SourceTagFactory(normalized="web", status="rejected")
    SourceTagFactory(source=tag.source, normalized="lost", gone=True)
    SourceTagFactory(source=tag.source, normalized="topical", kind="topic")
    shown = page(admin_client, page_of(tag.source))
    assert f'<a href="{page_of(tag)}">web</a> <span class="sm-badge sm-quiet">rejected</span>' in shown
    assert f"{TAGS}?source={tag.source_id}&amp;kind=path" in shown
    assert "topical" in shown
    assert "lost" not in shown
    monkeypatch.setattr(admin_tags, "MAX_SHOWN", 1)
    SourceTagFactory(source=tag.source, normalized="zz-last")
    assert "zz-last" not in page(admin_client, page_of(tag.source))


def test_a_tag_is_approved_from_its_page(admin_client, admin_user):
    tag = SourceTagFactory()
    button = reverse("admin:marketplace_sourcetag_do", args=[tag.pk, "approve"])
    shown = page(admin_client, page_of(tag))
    assert button in shown
    assert "/do/reject" in shown
    assert "/do/reopen" not in shown
    confirm = admin_client.get(button)["Location"]
    assert "<strong>1</strong> will be changed" in page(admin_client, confirm)
    job_page = page(admin_client, admin_client.post(confirm)["Location"])
    assert page_of(tag) in job_page
    tag.refresh_from_db()
    assert (tag.status, tag.decided_by) == ("approved", admin_user)
    assert AuditEvent.objects.get(action="tags.approved").trigger == "admin"
    shown = page(admin_client, page_of(tag))
    assert button not in shown
    assert "/do/reopen" in shown


@pytest.mark.parametrize(
    ("action", "status"), [("approve", "approved"), ("reject", "rejected"), ("reopen", "pending")]
)
def test_many_tags_in_one_job(admin_client, action, status):
    tags = [SourceTagFactory(status=each) for each in ("pending", "approved", "rejected")]
    confirm = choose(admin_client, TAGS, action, tags)
    shown = page(admin_client, confirm)
    assert "<strong>2</strong> will be changed" in shown
    assert "<strong>1</strong> are so already" in shown
    admin_client.post(confirm)
    assert set(SourceTag.objects.values_list("status", flat=True)) == {status}
    assert Job.objects.get().kind == "marketplace.decide_tags"


def test_approve_all_that_wait_in_sources(admin_client):
    waiting = SourceTagFactory()
    rejected = SourceTagFactory(source=waiting.source, status="rejected")
    idle = SourceFactory()
    confirm = choose(admin_client, SOURCES, "approve_tags", [waiting.source, idle])
    shown = page(admin_client, confirm)
    assert "<strong>1</strong> will be changed" in shown
    assert "<strong>1</strong> are so already" in shown
    admin_client.post(confirm)
    waiting.refresh_from_db()
    rejected.refresh_from_db()
    assert (waiting.status, rejected.status) == ("approved", "rejected")
    assert "/do/approve_tags" not in page(admin_client, page_of(waiting.source))
    assert "/do/approve_tags" in page(admin_client, page_of(SourceTagFactory().source))


def test_only_who_may_change_sources_decides(client):
    tag, user = SourceTagFactory(), UserFactory(is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["view_sourcetag", "view_source"]))
    client.force_login(user)
    assert "/do/" not in page(client, page_of(tag))
    assert client.get(reverse("admin:marketplace_sourcetag_do", args=[tag.pk, "approve"])).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="change_source"))
    assert "/do/approve" in page(client, page_of(tag))


def test_nobody_adds_or_deletes_tags_by_hand(admin_client):
    tag = SourceTagFactory()
    assert admin_client.get(reverse("admin:marketplace_sourcetag_add")).status_code == 403
    assert admin_client.get(reverse("admin:marketplace_sourcetag_delete", args=[tag.pk])).status_code == 403
