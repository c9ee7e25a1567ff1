"""What is too long for an address is kept with the session, and found again under a short one."""

from __future__ import annotations

import pytest

from collections_app.models import Artifact
from skillmeat_site.core.models import Job
from tests.admin.choosing import choose_all, confirmed, page
from tests.factories.collections import ArtifactFactory

pytestmark = pytest.mark.django_db
REASON = "\u3042" * 500
PIN = {"pin": "main", "pin_reason": REASON}


@pytest.fixture
def confirm(admin_client):
    ArtifactFactory()
    return choose_all(admin_client, Artifact, "pin")


def kept(client):
    return [key for key, _ in client.session.items() if key.startswith("options:")]


def test_a_long_text_is_previewed_under_a_short_address(admin_client, confirm):
    answer = admin_client.post(confirm, {**PIN, "preview": "1"})
    assert answer["Location"] == f"{confirm}?options=kept"
    shown = page(admin_client, answer["Location"])
    assert REASON in shown
    assert 'value="main"' in shown
    assert "will be changed" in shown
    assert "?options=kept&amp;fate=updated" in shown


def test_other_options_than_those_shown_come_back_too(admin_client, confirm):
    answer = admin_client.post(confirm, {**PIN, "shown": "of.others"})
    assert answer["Location"] == f"{confirm}?options=kept"
    assert not Job.objects.exists()


def test_once_done_nothing_is_kept(admin_client, confirm):
    admin_client.post(confirm, {**PIN, "preview": "1"})
    assert kept(admin_client)
    confirmed(admin_client, confirm, PIN)
    assert Artifact.objects.get().pin_reason == REASON
    assert not kept(admin_client)


def test_a_short_one_stands_in_the_address(admin_client, confirm):
    answer = admin_client.post(confirm, {"pin": "main", "pin_reason": "so", "preview": "1"})
    assert answer["Location"] == f"{confirm}?options=1&pin=main&pin_reason=so"


def test_what_is_wrong_is_told_at_once_and_not_kept(admin_client, confirm):
    shown = admin_client.post(confirm, {"pin": "", "pin_reason": REASON, "preview": "1"}).content.decode()
    assert "This field is required" in shown
    assert REASON in shown
    assert "Fill in the options" in shown
    assert not kept(admin_client)


def test_what_is_kept_no_longer_is_told(admin_client, confirm):
    shown = page(admin_client, f"{confirm}?options=kept")
    assert "no longer known" in shown
    assert "Fill in the options" in shown
