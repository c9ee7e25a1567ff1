"""Suggested tags over REST: shown with their source, decided on one by one; and who may."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from marketplace.models import SourceTag
from skillmeat_site.core.models import AuditEvent
from tests.conftest import skill
from tests.factories.core import UserFactory
from tests.factories.marketplace import SourceFactory, SourceTagFactory
from tests.marketplace.answers import BASE, ok, refused

pytestmark = pytest.mark.django_db


def url(source, field=""):
    return f"{BASE}/sources/{source.pk}" + (f"/{field}" if field else "")


def decide(api, tag, field="path-tags", **body):
    return api.patch(url(tag.source, field), {"value": tag.value, "status": "approved", **body}, format="json")


def test_a_scanned_source_shows_its_tags(api, registered):
    _, source = registered({"skills/05-data-ai/etl/SKILL.md": skill("etl"), "skills/web/x/SKILL.md": skill("x")})
    body = ok(api.get(url(source)))
    assert body["auto_tags"] == []
    assert [tag["normalized"] for tag in body["path_tags"]] == ["data-ai", "web"]
    assert body["path_tags"][0] == {
        "value": "05-data-ai",
        "normalized": "data-ai",
        "kind": "path",
        "status": "pending",
        "last_seen_at": body["last_scanned_at"],
        "gone_at": None,
        "decided_at": None,
    }


def test_gone_tags_are_shown_if_somebody_decided_on_them(api):
    source = SourceFactory()
    SourceTagFactory(source=source, normalized="b", gone=True, status="rejected")
    SourceTagFactory(source=source, normalized="a", status="approved")
    SourceTagFactory(source=source, normalized="c", gone=True)
    SourceTagFactory(source=source, normalized="t", kind="topic")
    body = ok(api.get(f"{BASE}/sources"))["results"][0]
    assert [(tag["normalized"], tag["gone_at"] is None) for tag in body["path_tags"]] == [("a", True), ("b", False)]
    assert [tag["normalized"] for tag in body["auto_tags"]] == ["t"]


@pytest.mark.parametrize(("field", "kind"), [("path-tags", "path"), ("auto-tags", "topic")])
def test_a_decision(api, admin_user, field, kind):
    tag = SourceTagFactory(kind=kind)
    before = api.get(url(tag.source))["ETag"]
    answer = decide(api, tag, field)
    body = ok(answer)
    assert (body["normalized"], body["kind"], body["status"]) == (tag.normalized, kind, "approved")
    tag.refresh_from_db()
    assert (tag.status, tag.decided_by) == ("approved", admin_user)
    assert answer["ETag"] == api.get(url(tag.source))["ETag"] != before
    event = AuditEvent.objects.get(action="tags.approved")
    assert (event.actor, event.trigger) == (admin_user, "api")
    other = "path-tags" if field == "auto-tags" else "auto-tags"
    refused(decide(api, tag, other), 404, "not_found")


def test_a_dry_run_says_it_and_does_nothing(api):
    tag = SourceTagFactory()
    body = ok(decide(api, tag, dry_run=True))
    assert (body["status"], body["dry_run"]) == ("approved", True)
    tag.refresh_from_db()
    assert tag.status == "pending"
    assert not AuditEvent.objects.filter(action="tags.approved").exists()


def test_if_match_is_the_sources_state(api):
    tag = SourceTagFactory()
    seen = api.get(url(tag.source))["ETag"]
    body = {"value": tag.value, "status": "approved"}
    ok(api.patch(url(tag.source, "path-tags"), body, format="json", headers={"If-Match": seen}))
    late = api.patch(
        url(tag.source, "path-tags"), {**body, "status": "rejected"}, format="json", headers={"If-Match": seen}
    )
    refused(late, 412, "precondition_failed")
    tag.refresh_from_db()
    assert tag.status == "approved"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"status": "aproved"}, 400, "invalid_parameter"),
        ({"status": None}, 400, "invalid_parameter"),
        ({"value": ""}, 400, "invalid_parameter"),
        ({"value": "other"}, 404, "not_found"),
        ({"value": "\u202e"}, 404, "not_found"),
        ({"value": "x" * 101}, 400, "invalid_parameter"),
        ({"state": "approved"}, 400, "unknown_field"),
    ],
)
def test_refusals(api, body, status, code):
    tag = SourceTagFactory()
    problem = refused(decide(api, tag, **body), status, code)
    if body.get("status"):
        assert "did you mean 'approved'" in problem["detail"]
    assert SourceTag.objects.get().status == "pending"


def test_an_unknown_source(api):
    refused(decide(api, SourceTagFactory(source=SourceFactory()), "path-tags/more"), 404, "not_found")
    answer = api.patch(f"{BASE}/sources/404/path-tags", {"value": "a", "status": "approved"}, format="json")
    refused(answer, 404, "not_found")


def test_who_may(client_for):
    tag, user = SourceTagFactory(), UserFactory()
    refused(decide(client_for(user), tag), 403, "permission_denied")
    user.user_permissions.add(Permission.objects.get(codename="change_source"))
    refused(decide(client_for(user, "read"), tag), 403, "permission_denied")
    ok(decide(client_for(user), tag))
