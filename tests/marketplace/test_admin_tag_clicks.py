"""A suggested tag is decided on by one click: in the list, and on the page of its source."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from skillmeat_site.core.models import AuditEvent, Job
from tests.factories.core import UserFactory
from tests.factories.marketplace import SourceTagFactory

pytestmark = pytest.mark.django_db
TAGS = "/admin/marketplace/sourcetag/"


def decide(tag, status):
    return reverse("admin:marketplace_sourcetag_decide", args=[tag.pk, status])


def buttons(shown):
    return re.findall(r'<button type="submit" form="sm-click" formaction="([^"]*)" value="([^"]*)"', shown)


def source_page(tag):
    return reverse("admin:marketplace_source_change", args=[tag.source_id])


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_one_click_decides_and_comes_back_to_the_list(admin_client, admin_user, status):
    tag = SourceTagFactory()
    before = f"http://testserver{TAGS}?status=pending&p=1"
    answer = admin_client.post(decide(tag, status), headers={"Referer": before}, follow=True)
    tag.refresh_from_db()
    assert tag.status == status
    assert tag.decided_by == admin_user
    assert answer.redirect_chain[0][0] == before
    assert f"“{tag.normalized}” is {status}" in answer.content.decode()
    assert AuditEvent.objects.get().action == f"tags.{status}"
    assert not Job.objects.exists()


def test_each_tag_has_the_buttons_of_the_other_decisions(admin_client):
    pending, approved = SourceTagFactory(), SourceTagFactory(status="approved")
    found = buttons(admin_client.get(TAGS).content.decode())
    assert found == [
        (decide(pending, "approved"), "approved"),
        (decide(pending, "rejected"), "rejected"),
        (decide(approved, "rejected"), "rejected"),
        (decide(approved, "pending"), "pending"),
    ]
    on_the_source = buttons(admin_client.get(source_page(pending)).content.decode())
    assert on_the_source == found[:2]


@pytest.mark.parametrize("place", ["list", "source"])
def test_the_buttons_belong_to_a_form_of_their_own(admin_client, place):
    """Else Enter in a field would press the first of them, and what was typed would be lost."""
    url = TAGS if place == "list" else source_page(SourceTagFactory())
    shown = admin_client.get(url).content.decode()
    forms = re.findall(r"<form.*?</form>", shown, re.DOTALL)
    [clicks] = [form for form in forms if 'id="sm-click"' in form]
    assert "csrfmiddlewaretoken" in clicks
    assert 'name="action"' not in clicks
    assert 'name="url"' not in clicks


def test_a_second_click_changes_nothing(admin_client):
    tag = SourceTagFactory()
    for _ in range(2):
        assert admin_client.post(decide(tag, "approved")).status_code == 302
    assert AuditEvent.objects.count() == 1


def test_a_decision_is_taken_back(admin_client):
    tag = SourceTagFactory(status="rejected")
    admin_client.post(decide(tag, "pending"))
    tag.refresh_from_db()
    assert (tag.status, tag.decided_at) == ("pending", None)


def test_looking_decides_nothing(admin_client):
    tag = SourceTagFactory()
    assert admin_client.get(decide(tag, "approved")).status_code == 405
    tag.refresh_from_db()
    assert tag.status == "pending"


def test_a_forged_click_is_refused(admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    tag = SourceTagFactory()
    assert client.post(decide(tag, "approved")).status_code == 403
    tag.refresh_from_db()
    assert tag.status == "pending"


def test_who_may_only_look_has_no_buttons_and_may_not_click(client):
    tag = SourceTagFactory()
    client.force_login(UserFactory(permissions=["marketplace.view_sourcetag", "marketplace.view_source"]))
    assert buttons(client.get(TAGS).content.decode()) == []
    assert buttons(client.get(source_page(tag)).content.decode()) == []
    assert client.post(decide(tag, "approved")).status_code == 403
    tag.refresh_from_db()
    assert tag.status == "pending"


def test_a_nonsensical_decision_or_a_tag_that_is_gone(admin_client):
    tag = SourceTagFactory()
    answer = admin_client.post(decide(tag, "aproved"), follow=True).content.decode()
    assert "did you mean &#x27;approved&#x27;?" in answer
    tag.delete()
    assert admin_client.post(decide(SourceTagFactory.build(pk=10**6), "approved")).status_code == 404


def test_it_comes_back_to_pages_of_this_site_only(admin_client):
    tag = SourceTagFactory()
    answer = admin_client.post(decide(tag, "approved"), headers={"Referer": "https://elsewhere.example/x"})
    assert answer.url == TAGS


def test_a_hostile_tag_is_shown_as_text(admin_client):
    tag = SourceTagFactory(normalized="<script>alert(1)", value="\u202e<b>")
    shown = admin_client.get(TAGS).content.decode()
    said = admin_client.post(decide(tag, "rejected"), follow=True).content.decode()
    for text in (shown, said):
        assert "<script>alert" not in text
        assert "\u202e" not in text
