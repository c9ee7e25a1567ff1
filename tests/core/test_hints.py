"""Errors that say what to do now: the same words in the documentation and on the pages."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.template import Context, Template
from django.urls import reverse
from django.utils import timezone

from cache_app.models import ProjectState
from skillmeat_site.core.admin.display import change_url
from skillmeat_site.core.admin.hints import hint, hint_for
from skillmeat_site.core.errors import REGISTRY, RESULT_HINTS, hint_of, result_code
from tests.architecture.test_completeness import CODES, table
from tests.factories.collections import ArtifactFactory, CollectionFactory
from tests.factories.core import JobFactory
from tests.factories.deployments import ProjectFactory
from tests.factories.marketplace import ScanRunFactory, SourceFactory


def spoken(text):
    """A cell of the documentation as a page says it: a link becomes the file that it leads to."""
    return re.sub(r"\[[^\]]+\]\(([^)]+)\)", r"docs/\1", text).replace("\\|", "|")


@pytest.mark.parametrize("code", CODES)
def test_the_hint_of_an_error_is_the_documented_one(code):
    assert hint_of(code) == spoken(table("errors.md")[code][-1])


def test_every_code_of_results_has_the_documented_hint():
    documented = {code: cells[-1] for code, cells in table("errors.md", 1).items()}
    assert set(RESULT_HINTS) == set(documented) - set(REGISTRY)
    assert {code: spoken(documented[code]) for code in RESULT_HINTS} == RESULT_HINTS


def test_an_unknown_code_has_no_hint():
    assert hint_of("strange") == hint_for("strange") == hint("strange") == ""


def test_a_code_is_declared_once():
    assert result_code("pinned", hint=RESULT_HINTS["pinned"]) == "pinned"
    with pytest.raises(TypeError):
        result_code("pinned", hint="Something else.")


def test_what_is_typed_stands_in_code():
    assert hint_for("not_authenticated") == (
        "Send <code>Authorization: Bearer …</code>; <code>manage.py create_token</code> makes one."
    )


def test_advice_is_not_told_twice():
    advice = REGISTRY["upstream_unreachable"].advice
    assert hint_for("upstream_unreachable", f"no answer; {advice}") == ""
    assert hint_for("upstream_unreachable", "no answer") != ""


def test_the_filter_escapes(monkeypatch):
    monkeypatch.setitem(RESULT_HINTS, "hostile", "<b>`<i>`</b>")
    template = Template("{% load skillmeat %}{{ code|hint_for:detail }}")
    shown = template.render(Context({"code": "hostile", "detail": "x"}))
    assert shown == "&lt;b&gt;<code>&lt;i&gt;</code>&lt;/b&gt;"


@pytest.mark.django_db
def test_a_source_that_fails_says_what_to_do(admin_client):
    source = SourceFactory(last_error_code="upstream_auth", last_error_detail="<b>401</b>")
    shown = admin_client.get(reverse("admin:marketplace_source_change", args=[source.pk])).content.decode()
    assert "&lt;b&gt;401" in shown
    assert "Check <code>GITHUB_TOKEN</code>, and that it may read the repository" in shown


@pytest.mark.django_db
def test_a_message_says_what_to_do(admin_client):
    """A job that has ended cannot be cancelled."""
    job = JobFactory()
    answer = admin_client.post(reverse("admin:core_job_cancel", args=[job.pk]), follow=True)
    assert "Nothing; its result stands in the job." in answer.content.decode()


PROBLEMS = [
    (CollectionFactory, {"problem_code": "manifest_invalid", "problem_detail": "line 3"}, "Correct the file where"),
    (ArtifactFactory, {"problem_code": "special_file", "problem_detail": "a socket"}, "Remove it from the artifact."),
    (ScanRunFactory, {"code": "upstream_blocked", "detail": "451"}, "Nothing; disable the source."),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("factory", "columns", "said"), PROBLEMS)
def test_pages_of_rows_with_a_problem_say_what_to_do(admin_client, factory, columns, said):
    assert said in admin_client.get(change_url(factory(**columns))).content.decode()


@pytest.mark.django_db
def test_a_project_that_cannot_be_read_says_what_to_do(admin_client):
    project = ProjectFactory()
    ProjectState.objects.create(project=project, status="error", error_code="project_missing", error_detail="gone")
    assert "or forget the project" in admin_client.get(change_url(project)).content.decode()


@pytest.mark.django_db
def test_a_deletion_that_is_refused_says_what_to_do(admin_client):
    source = SourceFactory(lease_token=uuid4(), lease_until=timezone.now() + timedelta(minutes=1))
    page = reverse("admin:marketplace_source_delete", args=[source.pk])
    assert "Wait for it" in admin_client.post(page, {"post": "yes"}, follow=True).content.decode()


@pytest.mark.django_db
def test_a_form_that_is_refused_says_what_to_do(admin_client):
    known = SourceFactory()
    said = {"url": known.url, "provider": "auto", "trust_level": "basic", "enabled": "on"}
    answer = admin_client.post(reverse("admin:marketplace_source_add"), said)
    assert answer.status_code == 200
    assert "Use that source." in answer.content.decode()
