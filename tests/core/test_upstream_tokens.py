"""Tokens for repositories: chosen by owner and host, kept encrypted, and not used again once they were refused."""

from __future__ import annotations

import logging

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import InvalidParameter
from skillmeat_site.core.models import AuditEvent, RefusedToken, UpstreamToken
from skillmeat_site.core.secret_text import Unreadable, seal, unseal
from skillmeat_site.core.upstream_tokens import (
    change_token,
    forget_refusal,
    host_of,
    note_refused,
    refusals,
    remove_token,
    store_token,
    token_for,
)
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import UpstreamAuth
from skillmeat_site.upstream.policy import AccessPolicy
from tests.factories.core import UserFactory

pytestmark = pytest.mark.django_db
POLICY = AccessPolicy(("github.com", "git.corp.example", "git.corp.example:8443", "http://10.0.0.1:3000"))
LIST = reverse("admin:core_upstreamtoken_changelist")
ADD = reverse("admin:core_upstreamtoken_add")
VALUE = "a-value-that-no-pattern-knows-0123456789"


def at(url):
    return parse_url(url, POLICY)


def store(value=VALUE, host="github.com", owner="", name="main"):
    return store_token(name=name, host=host, owner=owner, value=value, actor=COMMAND_LINE)


# ---- sealing


def test_what_is_sealed_can_be_read_again_and_looks_like_nothing():
    sealed = seal(VALUE)
    assert unseal(sealed) == VALUE
    assert VALUE not in sealed
    assert seal(VALUE) != sealed


def test_another_key_reads_nothing_but_an_old_one_may_stand_beside_it(settings):
    sealed, old = seal(VALUE), settings.SECRET_KEY
    settings.SECRET_KEY = "another-" + "y" * 50
    with pytest.raises(Unreadable):
        unseal(sealed)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert unseal(sealed) == VALUE
    with pytest.raises(Unreadable):
        unseal(sealed[:-5] + "AAAA=")


# ---- choosing


def test_the_owners_before_the_hosts_before_the_environments(settings):
    settings.GITHUB_TOKEN = "environment"
    assert token_for(at("https://github.com/acme/tools")) == "environment"
    store("hosts")
    assert token_for(at("https://github.com/acme/tools")) == "hosts"
    store("acmes", owner="Acme", name="acme")
    assert token_for(at("https://github.com/ACME/tools")) == "acmes"
    assert token_for(at("https://github.com/other/tools")) == "hosts"


def test_each_host_has_its_own(settings):
    settings.GITHUB_TOKEN = "environment"
    store("corps", host="https://GIT.corp.example/", name="a")
    store("ports", host="git.corp.example:8443", name="b")
    store("plain", host="http://10.0.0.1:3000", name="c")
    assert token_for(at("https://git.corp.example/a/b")) == "corps"
    assert token_for(at("https://git.corp.example:8443/a/b")) == "ports"
    assert token_for(at("http://10.0.0.1:3000/a/b")) == "plain"
    assert token_for(at("https://github.com/a/b")) == "environment"
    assert token_for(at("git@github.com:a/b")) is None
    assert token_for(at("git@git.corp.example:a/b")) is None
    assert token_for(at("/srv/repos/a")) is None


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("github.com", "github.com"),
        (" HTTPS://GitHub.com:443/ ", "github.com"),
        ("http://h:80", "http://h"),
        ("h:8443", "h:8443"),
        ("[::1]:3000", "[::1]:3000"),
    ],
)
def test_hosts_are_spelled_as_urls_are(typed, stored):
    row = store(host=typed)
    assert row.host == stored


def test_it_costs_few_statements(settings):
    settings.GITHUB_TOKEN = "environment"
    counts = []
    for url in ("https://github.com/a/b", "/srv/x"):
        with CaptureQueriesContext(connection) as captured:
            token_for(at(url))
        counts.append(len(captured))
    assert counts == [2, 0]


def test_its_use_is_noted_once_in_a_while():
    row = store()
    token_for(at("https://github.com/a/b"))
    row.refresh_from_db()
    assert row.last_used_at is not None
    with CaptureQueriesContext(connection) as captured:
        token_for(at("https://github.com/a/b"))
    assert len(captured) == 1


# ---- storing


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"value": ""}, "/value"),
        ({"value": "two words"}, "/value"),
        ({"value": "line\nbreak"}, "/value"),
        ({"value": "x" * 1001}, "/value"),
        ({"host": ""}, "/host"),
        ({"host": "user@github.com"}, "/host"),
        ({"host": "github.com/acme"}, "/host"),
        ({"host": "ssh://github.com"}, "/host"),
        ({"host": "h:99999"}, "/host"),
        ({"owner": "a b"}, "/owner"),
        ({"name": " "}, "/name"),
    ],
    ids=repr,
)
def test_what_is_refused(changes, pointer):
    with pytest.raises(InvalidParameter) as caught:
        store(**changes)
    assert [problem.pointer for problem in caught.value.errors] == [pointer]
    assert changes.get("value") in (None, "") or changes["value"] not in str(caught.value)
    assert not UpstreamToken.objects.exists()


def test_one_for_each_host_and_owner():
    store()
    with pytest.raises(InvalidParameter, match="there is a token"):
        store("other")


# ---- refusing


def test_f18_a_refused_token_is_not_used_until_it_changes(settings):
    settings.GITHUB_TOKEN = "environment"
    row = store()
    note_refused(VALUE)
    row.refresh_from_db()
    assert row.disabled_at is not None
    with pytest.raises(UpstreamAuth, match="'main' is disabled") as caught:
        token_for(at("https://github.com/a/b"))
    assert VALUE not in caught.value.detail
    assert [(one.name, one.host) for one in refusals()] == [("main", "github.com")]
    change_token(row, actor=COMMAND_LINE, changes={"name": "renamed"})
    with pytest.raises(UpstreamAuth):
        token_for(at("https://github.com/a/b"))
    change_token(row, actor=COMMAND_LINE, changes={"value": "fresh"})
    assert token_for(at("https://github.com/a/b")) == "fresh"
    assert refusals() == []


def test_f18_the_environments_as_well(settings):
    settings.GITHUB_TOKEN = "environment"
    note_refused("environment")
    note_refused("environment")
    with pytest.raises(UpstreamAuth, match="GITHUB_TOKEN was refused"):
        token_for(at("https://github.com/a/b"))
    [refusal] = refusals()
    assert (refusal.name, refusal.host) == ("GITHUB_TOKEN", "")
    assert "environment" not in str(list(RefusedToken.objects.values()))
    settings.GITHUB_TOKEN = "another"
    assert token_for(at("https://github.com/a/b")) == "another"
    assert refusals() == []
    settings.GITHUB_TOKEN = "environment"
    forget_refusal(RefusedToken.objects.get(), actor=COMMAND_LINE)
    assert token_for(at("https://github.com/a/b")) == "environment"


def test_another_tokens_refusal_is_not_ours():
    store()
    note_refused("unknown")
    assert token_for(at("https://github.com/a/b")) == VALUE


def test_a_token_of_another_key_has_to_be_entered_again(settings):
    store()
    settings.SECRET_KEY = "another-" + "y" * 50
    with pytest.raises(UpstreamAuth, match="another SECRET_KEY"):
        token_for(at("https://github.com/a/b"))
    note_refused(VALUE)


# ---- admin: entered, never shown


def test_the_value_is_shown_nowhere(admin_client, admin_user, caplog):
    caplog.set_level(logging.DEBUG)
    form = {"name": "corp", "host": "github.com", "owner": "Acme", "value": VALUE}
    pages = [admin_client.post(ADD, form, follow=True)]
    row = UpstreamToken.objects.get()
    assert (row.owner, row.created_by) == ("acme", admin_user)
    assert token_for(at("https://github.com/acme/x")) == VALUE
    change = reverse("admin:core_upstreamtoken_change", args=[row.pk])
    note_refused(VALUE)
    again = {**form, "name": "", "host": "::"}
    pages += [
        admin_client.get(url) for url in (LIST, change, reverse("admin:core_upstreamtoken_history", args=[row.pk]))
    ]
    pages += [admin_client.post(change, again), admin_client.get(reverse("admin:core_auditevent_changelist"))]
    for page in pages:
        assert page.status_code == 200
        text = page.content.decode()
        assert VALUE not in text
        assert row.secret not in text
    everything = [list(AuditEvent.objects.values()), list(UpstreamToken.objects.values()), caplog.text]
    assert VALUE not in str(everything)
    assert [event.action for event in AuditEvent.objects.all()] == ["upstream_token.stored"]


def test_a_form_without_a_value_keeps_the_old_one(admin_client):
    row = store()
    note_refused(VALUE)
    change = reverse("admin:core_upstreamtoken_change", args=[row.pk])
    assert "not used" in admin_client.get(change).content.decode()
    admin_client.post(change, {"name": "other", "host": "github.com", "owner": "", "value": ""})
    row.refresh_from_db()
    assert (row.name, row.disabled_at is None) == ("other", False)
    admin_client.post(change, {"name": "other", "host": "github.com", "owner": "", "value": "fresh"})
    row.refresh_from_db()
    assert row.disabled_at is None
    assert token_for(at("https://github.com/a/b")) == "fresh"


def test_what_the_service_refuses_is_told_in_the_form(admin_client):
    page = admin_client.post(ADD, {"name": "x", "host": "github.com/acme", "owner": "", "value": "v"})
    assert "must be host, host:port" in page.content.decode()
    page = admin_client.post(ADD, {"name": "x", "host": "github.com", "owner": "", "value": ""})
    assert "Enter the token." in page.content.decode()
    assert not UpstreamToken.objects.exists()


def test_removing(admin_client):
    row = store()
    admin_client.post(reverse("admin:core_upstreamtoken_delete", args=[row.pk]), {"post": "yes"})
    assert not UpstreamToken.objects.exists()
    assert AuditEvent.objects.first().action == "upstream_token.removed"
    remove_token(store(), actor=COMMAND_LINE)
    assert not UpstreamToken.objects.exists()


def test_who_may(client):
    client.force_login(UserFactory(permissions=["core.view_job"]))
    assert client.get(LIST).status_code == 403
    assert client.post(ADD, {}).status_code == 403


def test_refused_tokens_of_the_environment_in_the_admin(admin_client, settings):
    settings.GITHUB_TOKEN = "environment"
    note_refused("environment")
    row = RefusedToken.objects.get()
    page = admin_client.get(reverse("admin:core_refusedtoken_changelist")).content.decode()
    assert "GITHUB_TOKEN" in page
    assert row.digest not in page
    admin_client.post(reverse("admin:core_refusedtoken_delete", args=[row.pk]), {"post": "yes"})
    assert token_for(at("https://github.com/a/b")) == "environment"


def test_hosts_of_urls():
    assert host_of("https://github.com/a/b") == "github.com"
    assert host_of("http://10.0.0.1:3000/a/b") == "http://10.0.0.1:3000"
