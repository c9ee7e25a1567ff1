"""API tokens and audit events in the admin."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from skillmeat_site.core.admin.fields import MOST_LISTED
from skillmeat_site.core.models import ApiToken, AuditEvent
from skillmeat_site.core.models.token import PREFIX, digest
from tests.factories.core import ApiTokenFactory, AuditEventFactory, JobFactory, UserFactory

pytestmark = pytest.mark.django_db
TOKENS = reverse("admin:core_apitoken_changelist")
ADD = reverse("admin:core_apitoken_add")
EVENTS = reverse("admin:core_auditevent_changelist")


def form(user, **columns):
    expiry = columns.pop("expires_at", timezone.now() + timedelta(days=30))
    return {
        "user": user.pk,
        "name": "laptop",
        "scope": "write",
        "expires_at_0": expiry.strftime("%Y-%m-%d"),
        "expires_at_1": expiry.strftime("%H:%M:%S"),
        **columns,
    }


def test_a_new_token_is_shown_exactly_once(admin_client, admin_user):
    shown = admin_client.post(ADD, form(admin_user), follow=True).content.decode()
    secret = re.search(PREFIX + r"[\w-]{30,}", shown)[0]
    token = ApiToken.objects.get()
    assert token.digest == digest(secret)
    assert (token.user, token.name, token.scope) == (admin_user, "laptop", "write")
    assert timezone.now() + timedelta(days=29) < token.expires_at
    for url in (TOKENS, reverse("admin:core_apitoken_change", args=[token.pk])):
        again = admin_client.get(url).content.decode()
        assert secret not in again
        assert token.digest not in again
    assert AuditEvent.objects.get().action == "token.issued"
    assert secret not in str(AuditEvent.objects.values())


def test_the_same_form_sent_again_makes_no_other_token(admin_client, admin_user):
    """A reload of the page with the token, or a second click."""
    form_id = re.search(r'name="form_id" value="([0-9a-f-]{36})"', admin_client.get(ADD).content.decode())[1]
    first = admin_client.post(ADD, form(admin_user, form_id=form_id)).content.decode()
    assert "shown only this once" in first
    answer = admin_client.post(ADD, form(admin_user, form_id=form_id), follow=True)
    again = answer.content.decode()
    assert "sent_before" in again
    assert "shown that once only" in again
    assert PREFIX not in again
    assert answer.redirect_chain == [(TOKENS, 302)]
    assert ApiToken.objects.count() == AuditEvent.objects.count() == 1
    assert LogEntry.objects.count() == 1
    other = re.search(r'name="form_id" value="([0-9a-f-]{36})"', admin_client.get(ADD).content.decode())[1]
    assert other != form_id
    admin_client.post(ADD, form(admin_user, form_id=other))
    assert ApiToken.objects.count() == 2


def test_a_form_that_was_refused_can_be_sent_once_more(admin_client, admin_user):
    form_id = str(uuid4())
    expired = form(admin_user, form_id=form_id, expires_at=timezone.now() - timedelta(days=1))
    assert f'value="{form_id}"' in admin_client.post(ADD, expired).content.decode()
    admin_client.post(ADD, form(admin_user, form_id=form_id))
    assert ApiToken.objects.count() == 1


def test_a_token_that_has_expired_is_not_made(admin_client, admin_user):
    shown = admin_client.post(ADD, form(admin_user, expires_at=timezone.now() - timedelta(days=1)))
    assert "would have expired" in shown.content.decode()
    assert not ApiToken.objects.exists()


def test_only_superusers_make_tokens_for_others(client, admin_user):
    user = UserFactory(permissions=["core.add_apitoken", "core.view_apitoken"])
    client.force_login(user)
    client.post(ADD, form(admin_user))
    assert not ApiToken.objects.exists()
    client.post(ADD, form(user))
    assert ApiToken.objects.get().user == user


def users_offered(shown):
    """The options of the user's select, the chosen one marked; without scripts there are no others."""
    options = re.search(r'<select name="user".*?</select>', shown, re.DOTALL)[0]
    found = re.findall(r'<option value="(\d*)"( selected)?>', options)
    return [f"{pk}*" if selected else pk for pk, selected in found]


def test_who_may_not_look_at_users_makes_a_token_for_themselves(client, admin_user):
    user = UserFactory(permissions=["core.add_apitoken"])
    client.force_login(user)
    assert users_offered(client.get(ADD).content.decode()) == [f"{user.pk}*"]
    issued = client.post(ADD, form(user)).content.decode()
    assert f'href="{reverse("admin:index")}">I have copied it' in issued


def test_superusers_choose_anybody_and_begin_with_themselves(admin_client, admin_user):
    other = UserFactory()
    offered = users_offered(admin_client.get(ADD).content.decode())
    assert sorted(offered) == sorted(["", f"{admin_user.pk}*", str(other.pk)])


def test_among_very_many_users_others_are_found_by_typing(admin_client, admin_user):
    UserFactory.create_batch(MOST_LISTED)
    shown = admin_client.get(ADD).content.decode()
    assert "admin-autocomplete" in shown
    assert f"{admin_user.pk}*" in users_offered(shown)
    assert len(users_offered(shown)) < 5


def test_tokens_are_never_edited(admin_client, admin_user):
    token = ApiTokenFactory()
    url = reverse("admin:core_apitoken_change", args=[token.pk])
    assert admin_client.post(url, form(admin_user)).status_code == 403


def test_revoke(admin_client):
    live, revoked = ApiTokenFactory(), ApiTokenFactory(revoked_at=timezone.now())
    chosen = {"action": "revoke", "_selected_action": [live.pk, revoked.pk]}
    confirm = admin_client.post(TOKENS, chosen)["Location"]
    assert "<strong>1</strong> will be revoked" in admin_client.get(confirm).content.decode()
    assert "1 token was revoked" in admin_client.post(confirm, follow=True).content.decode()
    assert not ApiToken.objects.usable().exists()
    assert AuditEvent.objects.get().action == "token.revoked"


def test_audit_events_are_shown_and_left_alone(admin_client):
    job = JobFactory()
    event = AuditEventFactory(object_label="<b>\u202e", job=job, data={"reason": "<script>"})
    url = reverse("admin:core_auditevent_change", args=[event.pk])
    for shown in (admin_client.get(EVENTS).content.decode(), admin_client.get(url).content.decode()):
        assert r"&lt;b&gt;\u202e" in shown
        assert "\u202e" not in shown
    assert "&lt;script&gt;" in admin_client.get(url).content.decode()
    assert admin_client.post(url, {}).status_code == 403
    assert admin_client.get(reverse("admin:core_auditevent_add")).status_code == 403
    assert admin_client.get(reverse("admin:core_auditevent_delete", args=[event.pk])).status_code == 403
    assert admin_client.get(EVENTS, {"job": str(job.pk)}).status_code == 200


def test_the_tables_of_the_queue_are_left_out(admin_client):
    assert "django_q" not in admin_client.get(reverse("admin:index")).content.decode()
