"""The navigation and the frame of every page."""

from __future__ import annotations

import html
import re

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import reverse

from marketplace.models import Source
from skillmeat_site.core import navigation
from skillmeat_site.core.models import Job
from tests.factories.core import UserFactory
from tests.factories.marketplace import SourceFactory

pytestmark = pytest.mark.django_db
INDEX = reverse("admin:index")


def groups(user, path=INDEX):
    request = RequestFactory().get(path)
    request.user = user
    return admin.site.get_app_list(request)


def links(text):
    """The navigation's links: text → URL; and the URL that is marked as the page itself."""
    nav = text.split('<nav class="sm-nav"')[1].split("</nav>")[0]
    found = {
        html.unescape(word.strip()): url
        for url, word in re.findall(r'<a href="([^"]+)"(?: aria-current="page")?>([^<]+)</a>', nav)
    }
    current = re.findall(r'href="([^"]+)" aria-current="page"', nav)
    return found, current


def test_sections_stand_in_the_order_of_work(admin_user):
    assert [group["app_label"] for group in groups(admin_user)] == [
        "sources", "collections", "projects", "work", "settings",
    ]  # fmt: skip


def test_every_page_stands_in_exactly_one_section(admin_user):
    shown = [model["model"] for group in groups(admin_user) for model in group["models"]]
    assert len(shown) == len(set(shown))
    assert set(shown) == set(admin.site._registry)


def test_only_what_one_may_see_is_shown(client):
    client.force_login(UserFactory(permissions=["marketplace.view_source", "core.view_job"]))
    found, _ = links(client.get(INDEX).content.decode())
    assert found == {
        "Sources": reverse("admin:marketplace_source_changelist"),
        "Jobs": reverse("admin:core_job_changelist"),
    }


def test_the_page_one_is_on_is_marked(admin_client):
    source = SourceFactory()
    here = reverse("admin:marketplace_source_changelist")
    for url in (here, reverse("admin:marketplace_source_change", args=[source.pk])):
        assert links(admin_client.get(url).content.decode())[1] == [here]
    assert links(admin_client.get(INDEX).content.decode())[1] == [INDEX]


def test_what_no_section_names_is_not_lost(admin_user, monkeypatch):
    monkeypatch.delitem(navigation._sections, "work")
    last = groups(admin_user)[-1]
    assert last["app_label"] == navigation.OTHER
    assert Job in [model["model"] for model in last["models"]]


def test_a_section_is_declared_once_and_takes_no_page_from_another():
    with pytest.raises(TypeError, match="declared twice"):
        navigation.section("sources", "Again", order=1)
    with pytest.raises(TypeError, match="another one"):
        navigation.section("elsewhere", "Elsewhere", Source, order=1)
    assert "elsewhere" not in navigation._sections


def test_the_pages_of_an_app_are_still_listed(admin_client):
    answer = admin_client.get(reverse("admin:app_list", args=["marketplace"]))
    assert answer.status_code == 200
    assert "Catalog entries" in answer.content.decode()


def test_the_frame_has_a_skip_link_and_landmarks(admin_client):
    text = admin_client.get(INDEX).content.decode()
    assert 'href="#content-start" class="skip-to-content-link"' in text
    assert text.index("skip-to-content-link") < text.index("sm-nav")
    for landmark in ('<main id="content-start"', '<header id="header"', '<nav class="sm-nav"'):
        assert text.count(landmark) == 1
    assert text.count("<h1") == 1
    assert 'aria-controls="sm-nav-list"' in text


def test_the_login_page_has_no_navigation(client):
    text = client.get(reverse("admin:login")).content.decode()
    assert "sm-nav" not in text
    assert "core/logo.svg" in text


def test_a_hostile_user_name_does_no_harm(client):
    client.force_login(UserFactory(username="<script>x</script>", is_superuser=True))
    assert "<script>x" not in client.get(INDEX).content.decode()
