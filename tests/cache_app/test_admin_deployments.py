"""Deployments by their state: the disks of few, the last readings of many; which of the two is said."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from cache_app.admin import deployments as page
from cache_app.models import ProjectState
from collections_app.models import Deployment
from tests.factories.deployments import DeploymentFactory, ProjectFactory

pytestmark = pytest.mark.django_db
DEPLOYMENTS = "/admin/collections_app/deployment/"


def reading(project, **states):
    rows = [
        {
            "profile": "claude_code",
            "type": "skill",
            "name": name,
            "target": name,
            "state": state,
            "content_oid": "1" * 40,
        }
        for name, state in states.items()
    ]
    ProjectState.objects.create(project=project, fetched_at=timezone.now(), artifacts=rows)


@pytest.fixture
def deployed(monkeypatch):
    """Two projects that were read, one that was not, and more deployments than are looked at."""
    monkeypatch.setattr(page, "LOOKED_AT", 3)
    one, two, unread = ProjectFactory.create_batch(3)
    for project in (one, two, unread):
        for name in ("alpha", "beta"):
            DeploymentFactory(project=project, name=name)
    reading(one, alpha="modified", beta="in_sync", stranger="missing")
    reading(two, alpha="missing", beta="unknown")


def listed(client, **query):
    shown = client.get(DEPLOYMENTS, query).content.decode()
    return shown, re.findall(r'class="field-shown_name"><a [^>]*>([^<]+)', shown)


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ("modified", ["alpha"]),
        ("missing", ["alpha"]),
        ("in_sync", ["beta"]),
        ("drifted", ["alpha", "alpha"]),
        ("conflict", []),
    ],
)
def test_of_many_the_last_reading_is_asked(admin_client, deployed, monkeypatch, state, names):
    monkeypatch.setattr("collections_app.admin.deploy_deployments.StateFilter.narrow", lambda *a: pytest.fail("disks"))
    shown, found = listed(admin_client, state=state)
    assert found == names
    assert shown.count("found by their state when the projects were last read") == 1


def test_of_few_the_disks_are_looked_at(admin_client, deployed):
    unread = Deployment.objects.latest("project_id").project_id
    shown, found = listed(admin_client, state="missing", project=unread)
    assert "last read" not in shown.partition("messagelist")[2].partition("</ul>")[0]
    assert found == []  # no project of these has a folder: what cannot be looked at is unknown
    assert sorted(listed(admin_client, state="unknown", project=unread)[1]) == ["alpha", "beta"]
