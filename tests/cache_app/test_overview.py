"""Deployments on the overview: as they were last read, and the lists that show these very ones."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from django.utils import timezone

from cache_app.jobs import refresh
from cache_app.models import ProjectState
from cache_app.services.overview import tally_projects
from collections_app.domain.drift import DriftState
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from tests.core.test_overview import assert_lists_agree, panel_text, shown
from tests.factories.deployments import DeploymentFactory, ProjectFactory, put_project

pytestmark = pytest.mark.django_db


def read_all():
    runner.run_inline(refresh, {"ids": None, "force": True}, COMMAND_LINE)


def test_numbers_are_those_of_the_lists_after_a_reading(admin_client, admin_user, roots):
    project = put_project(roots, "shop")
    DeploymentFactory.create_batch(3, project=project)
    gone = put_project(roots, "gone")
    shutil.rmtree(gone.path)
    read_all()
    tally = tally_projects(admin_user)
    assert (tally.projects, tally.unreadable, tally.stale) == (2, 1, 0)
    assert tally.states[DriftState.MISSING] == 3
    assert_lists_agree(admin_client, 3)
    assert "3 deployments have drifted" in shown(admin_client)
    assert "the oldest reading:" in panel_text(shown(admin_client), "projects")


def test_the_age_of_the_oldest_reading_is_told(admin_user):
    now = timezone.now()
    for hours in (1, 30, 5):
        ProjectState.objects.create(project=ProjectFactory(), status="ok", fetched_at=now - timedelta(hours=hours))
    tally = tally_projects(admin_user)
    assert tally.oldest == now - timedelta(hours=30)
    assert tally.stale == 1
    assert tally.facts.drifted == 0


def test_stale_and_unreadable_projects_are_counted_once(admin_client, admin_user):
    old = timezone.now() - timedelta(days=9)
    ProjectState.objects.create(project=ProjectFactory(), status="error", fetched_at=old)
    ProjectState.objects.create(project=ProjectFactory(), status="unread")
    ProjectFactory()
    tally = tally_projects(admin_user)
    assert (tally.unreadable, tally.stale) == (1, 2)
    assert_lists_agree(admin_client, 3)
