"""The admin's first page: who sees what, what it says where there is nothing, and that its numbers are the lists'."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cache_app.models import ProjectState
from collections_app.models import Artifact
from marketplace.models import EntryImport, Source
from skillmeat_site.core import overview
from skillmeat_site.core.jobs import queue
from skillmeat_site.core.models import Job, RefusedToken, UpstreamBudget, UpstreamToken
from skillmeat_site.core.results import JobStatus
from skillmeat_site.core.upstream_tokens import _digest
from tests.baselines import assert_baseline
from tests.factories.collections import ArtifactFactory, CollectionFactory
from tests.factories.core import JobFactory, JobItemFactory, UserFactory
from tests.factories.deployments import DeploymentFactory, ProjectFactory
from tests.factories.marketplace import CatalogEntryFactory, ScanRunFactory, SourceFactory, SourceTagFactory, oid

pytestmark = pytest.mark.django_db
INDEX = reverse("admin:index")
PANELS = {
    "sources": "marketplace.view_source",
    "catalog": "marketplace.view_catalogentry",
    "collections": "collections_app.view_artifact",
    "projects": "collections_app.view_deployment",
    "jobs": "core.view_job",
    "scans": "marketplace.view_scanrun",
    "limits": "core.view_upstreambudget",
}
HOSTILE = "<script>alert(1)</script>\u202e"


def everything(number=1, *, name="tools"):
    """Something for each panel, ``number`` times."""
    now = timezone.now()
    collection = CollectionFactory()
    for n in range(number):
        source = SourceFactory(scanned=True, name=f"{name}{n}")
        entry = CatalogEntryFactory(source=source, path=f"{name}/{n}", name=f"{name}{n}")
        artifact = ArtifactFactory(collection=collection, name=f"{name}{n}", base_oid=oid("older"))
        EntryImport.objects.create(
            entry=entry, artifact=artifact, imported_oid=oid("older"), imported_commit="", imported_at=now
        )
        SourceTagFactory(source=source)
        ScanRunFactory(source=source)
        deployment = DeploymentFactory(artifact=artifact)
        ProjectState.objects.create(
            project=deployment.project, status="ok", fetched_at=now, counts={"states": {"in_sync": 1}}
        )
        JobFactory(label=f"Rescan {name}{n}", actor=UserFactory())
        JobFactory(label=f"Import {name}{n}", status=JobStatus.RUNNING, done=1, total=3)
        UpstreamBudget.objects.create(
            host=f"{name[:4]}{n}.example", token_name=name, resource="core", limit=50, remaining=20, updated_at=now
        )
        UpstreamToken.objects.create(
            name=name,
            host=f"{name[:4]}{n}.example",
            secret="x",
            changed_at=now,
            disabled_at=now,
            disabled_reason="Refused.",
        )  # fmt: skip


def shown(client):
    return client.get(INDEX).content.decode()


def panels(text):
    return re.findall(r'id="panel-([a-z]+)" aria', text)


def figures(text):
    """Every figure that leads to a list: the list's URL, how many rows it promises."""
    found = re.findall(r'<a class="sm-figure" href="([^"]+)"><strong>(\d+)</strong>', text)
    return [(html.unescape(url), int(rows)) for url, rows in found]


def assert_lists_agree(client, least):
    found = figures(shown(client))
    assert len(found) >= least
    for url, rows in found:
        answer = client.get(url)
        assert answer.status_code == 200, url
        assert answer.context["cl"].queryset.count() == rows, url


def test_who_is_not_logged_in_sees_nothing(client):
    everything()
    answer = client.get(INDEX)
    assert answer.status_code == 302
    assert reverse("admin:login") in answer["Location"]
    assert client.get(reverse("admin:overview_panel", args=["jobs"])).status_code == 302


def test_who_may_see_everything_sees_every_panel(admin_client):
    everything()
    assert sorted(panels(shown(admin_client))) == sorted(PANELS)


@pytest.mark.parametrize(("panel", "permission"), PANELS.items())
def test_a_panel_is_for_those_who_may_see_its_rows(client, panel, permission):
    everything()
    client.force_login(UserFactory(permissions=[permission]))
    assert panels(shown(client)) == [panel]
    url = reverse("admin:overview_panel", args=[panel])
    assert client.get(url).status_code == 200
    client.force_login(UserFactory(permissions=[one for one in PANELS.values() if one != permission]))
    assert panel not in panels(shown(client))
    assert client.get(url).status_code == 404


def test_without_any_permission_the_page_says_what_to_do(client):
    everything()
    client.force_login(UserFactory())
    text = shown(client)
    assert panels(text) == []
    assert "Somebody who manages users" in text
    assert "most worth" not in text.lower()


def test_tokens_are_told_only_to_those_who_may_see_them(client):
    everything(name="secret-name")
    client.force_login(UserFactory(permissions=["core.view_upstreambudget"]))
    assert "was refused" not in shown(client)
    seeing = ["core.view_upstreambudget", "core.view_upstreamtoken"]
    client.force_login(UserFactory(permissions=seeing))
    assert "1 token was refused" not in shown(client)
    client.force_login(UserFactory(permissions=[*seeing, "core.change_upstreamtoken"]))
    assert "1 token was refused" in shown(client)


def all_that_is_wrong():
    states_of_sources()
    states_of_artifacts()
    everything()
    deployed = DeploymentFactory.create_batch(3)
    for one, (status, state) in zip(deployed, (("error", ""), ("ok", "modified"), ("ok", "outdated")), strict=True):
        ProjectState.objects.create(
            project=one.project, status=status, fetched_at=timezone.now() - timedelta(days=30),
            counts={"states": {state: 1}} if state else {},
        )  # fmt: skip


def suggested(client):
    panels = client.get(INDEX).context["overview"].panels
    return {str(one.title): (shown.slug, one) for shown in panels for one in shown.panel.suggestions}


def test_who_may_only_look_is_advised_nothing_that_they_cannot_do(client):
    all_that_is_wrong()
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    assert list(suggested(client)) == ["No worker is running"]


def test_what_is_advised_can_be_done_by_those_who_have_its_permissions(admin_client, client):
    """And by nobody who lacks one of them."""
    all_that_is_wrong()
    every = suggested(admin_client)
    assert len(every) >= 10
    for title, (panel, one) in every.items():
        assert one.needs
        client.force_login(UserFactory(permissions={PANELS[panel], *one.needs, *SEES.get(panel, ())}))
        assert title in suggested(client)
        assert client.get(one.button.url).status_code == 200, title
        for lacking in {*one.needs} - {PANELS[panel]}:
            client.force_login(UserFactory(permissions={PANELS[panel], *one.needs} - {lacking}))
            assert title not in suggested(client), lacking


SEES = {"limits": ["core.view_upstreamtoken"]}


@pytest.mark.parametrize(("panel", "permission"), PANELS.items())
def test_a_number_is_a_link_only_for_those_who_may_see_its_list(client, panel, permission):
    states_of_entries()
    all_that_is_wrong()
    client.force_login(UserFactory(permissions=[permission]))
    text = shown(client)
    assert 'class="sm-figure"' in text or panel in ("scans", "limits")
    for url, _rows in figures(text):
        assert client.get(url).status_code == 200, url


def test_at_the_beginning_there_are_three_steps(admin_client):
    text = shown(admin_client)
    assert "Get going" in text
    assert [text.index(step) for step in ("Add a source", "Scan it", "Import what you like")] == sorted(
        text.index(step) for step in ("Add a source", "Scan it", "Import what you like")
    )
    assert f'href="{reverse("admin:marketplace_source_add")}"' in text
    assert panels(text) == ["jobs"]


def test_each_step_is_done_in_its_turn(admin_client):
    source = SourceFactory()
    text = shown(admin_client)
    assert text.count("sm-step-done") == 1
    assert "Choose and rescan" in text
    Source.objects.update(last_success_at=timezone.now())
    entry = CatalogEntryFactory(source=source)
    text = shown(admin_client)
    assert text.count("sm-step-done") == 2
    assert "Choose and import" in text
    EntryImport.objects.create(
        entry=entry, artifact=ArtifactFactory(), imported_oid="", imported_commit="", imported_at=timezone.now()
    )
    assert "Get going" not in shown(admin_client)


def test_the_steps_offer_only_what_one_may_do(client):
    client.force_login(UserFactory(permissions=["marketplace.view_source"]))
    text = shown(client)
    assert "Get going" in text
    assert reverse("admin:marketplace_source_add") not in text


def test_what_the_steps_say_is_not_said_twice(admin_client):
    text = shown(admin_client)
    assert "Add a first source" not in text
    assert "No worker is running" in text


def states_of_sources():
    now = timezone.now()
    for number, columns in enumerate(
        [
            {"last_success_at": now},
            {"last_success_at": now - timedelta(days=30)},
            {},
            {"last_error_code": "upstream_timeout", "not_before": now + timedelta(hours=1)},
            {"last_error_code": "upstream_auth", "not_before": now - timedelta(hours=1)},
            {"last_error_code": "removals_held"},
            {"last_error_code": "upstream_auth", "enabled": False, "not_before": now + timedelta(hours=1)},
        ],
        start=1,
    ):
        SourceFactory.create_batch(number, **columns)


def states_of_entries():
    """Every type, in every combination of what makes a status, some imported, some of those with an update."""
    source = SourceFactory(scanned=True)
    best = CatalogEntryFactory(source=source)
    artifacts = ArtifactFactory.create_batch(3, collection=CollectionFactory())
    number = 0
    for type_ in ("marketplace", "plugin", "skill", "command", "agent", "hook", "mcp"):
        for removed in (False, True):
            for excluded in (False, True):
                for changed in (False, True):
                    for links in (0, 1, 2):
                        number += 1
                        entry = CatalogEntryFactory(
                            source=source, type=type_, path=f"p/{number}", removed=removed, excluded=excluded,
                            changed_since_first_seen=changed, duplicate_of=best if number % 5 == 0 else None,
                            content_oid=artifacts[0].base_oid if number % 3 else "" if number % 7 == 0 else oid("x"),
                        )  # fmt: skip
                        for artifact in artifacts[:links]:
                            EntryImport.objects.create(
                                entry=entry, artifact=artifact, imported_oid="", imported_commit="",
                                imported_at=timezone.now(),
                            )  # fmt: skip
    assert Artifact.objects.count() == 3


def states_of_artifacts():
    collection = CollectionFactory()
    CollectionFactory(problem_code="manifest_invalid")
    ids = ("", oid("a"), oid("b"), oid("c"))
    for base in ids:
        for current in ids:
            for upstream in ids:
                ArtifactFactory(collection=collection, base_oid=base, content_oid=current, upstream_oid=upstream)


def states_of_jobs():
    parent = JobFactory(status=JobStatus.RUNNING)
    item = JobItemFactory(job=parent)
    JobFactory(status=JobStatus.QUEUED, parent=parent, parent_item=item)
    JobFactory.create_batch(9, status=JobStatus.QUEUED)
    JobFactory.create_batch(12)


@pytest.mark.parametrize(
    ("make", "least"),
    [(states_of_sources, 7), (states_of_entries, 5 + 7 + 1), (states_of_artifacts, 6), (states_of_jobs, 2)],
)
def test_every_number_is_what_its_list_shows(admin_client, make, least):
    make()
    assert_lists_agree(admin_client, least)


def test_the_numbers_of_a_bar_add_up_to_all_rows(admin_client):
    states_of_sources()
    states_of_entries()
    states_of_artifacts()
    by_panel = {one.slug: one.panel.total for one in admin_client.get(INDEX).context["overview"].panels}
    assert by_panel["sources"] == 28 + 1
    assert by_panel["catalog"] == 7 * 2 * 2 * 2 * 3 + 1
    assert by_panel["collections"] == 64 + 3


def suggestion(text, title):
    """The link of the button beside a suggestion."""
    return html.unescape(text.split(title)[1].split('href="')[1].split('"')[0])


@pytest.mark.parametrize(
    ("make", "title", "rows"),
    [
        (states_of_sources, "9 sources cannot be read", 9),
        (states_of_artifacts, "1 collection cannot be read", 1),
        (states_of_artifacts, "16 artifacts have lost their files", 16),
        (states_of_artifacts, "6 artifacts are in conflict", 6),
    ],
)
def test_a_suggestion_leads_to_the_rows_it_counts(admin_client, make, title, rows):
    make()
    JobFactory()
    text = "".join(
        f'{one.title} href="{one.button.url}"'
        for shown in admin_client.get(INDEX).context["overview"].panels
        for one in shown.panel.suggestions
    )
    answer = admin_client.get(suggestion(text, title))
    assert answer.context["cl"].queryset.count() == rows


def test_updates_and_held_removals_lead_to_their_rows(admin_client):
    everything(3)
    SourceFactory(scanned=True, last_error_code="removals_held")
    found = [one for shown in admin_client.get(INDEX).context["overview"].panels for one in shown.panel.suggestions]
    links = {str(one.title): one.button.url for one in found}
    for title, rows in (
        ("3 updates are available", 3), ("1 source waits for your word", 1), ("3 suggested tags wait", 3),
    ):  # fmt: skip
        assert admin_client.get(links[title]).context["cl"].queryset.count() == rows


def test_at_most_three_are_suggested_the_most_urgent_first(admin_client):
    everything(2)
    states_of_sources()
    JobFactory(status=JobStatus.QUEUED)
    text = shown(admin_client)
    titles = re.findall(r"<strong>([^<]+)</strong><span>", text)
    assert titles == ["No worker is running", "2 tokens were refused", "9 sources cannot be read"]
    assert text.count("sm-primary") == 1


def test_a_token_of_the_environment_that_was_refused(admin_client, settings):
    settings.GITHUB_TOKEN = "ghp_refused"
    RefusedToken.objects.create(
        digest=_digest("ghp_refused"), name="GITHUB_TOKEN", reason="401", refused_at=timezone.now()
    )
    text = shown(admin_client)
    assert "1 token was refused" in text
    assert reverse("admin:core_refusedtoken_changelist") in text
    assert "ghp_refused" not in text


def test_a_worker_that_lives_is_told(admin_client, monkeypatch):
    monkeypatch.setattr(queue, "live_clusters", lambda: 2)
    text = shown(admin_client)
    assert "2 workers are alive" in text
    assert "No worker is running" not in text


def test_hostile_names_do_no_harm(admin_client):
    everything(2, name=HOSTILE)
    JobFactory(label=HOSTILE, status=JobStatus.FAILED, error_code="upstream_timeout")
    text = shown(admin_client)
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;alert" in text


def test_jobs_are_followed_while_one_is_active(admin_client):
    job = JobFactory(label="Rescan acme", status=JobStatus.RUNNING, done=4, total=10)
    url = reverse("admin:overview_panel", args=["jobs"])
    text = shown(admin_client)
    assert f'data-panel="{url}"' in text
    assert "http-equiv" in text
    now = admin_client.get(url).json()
    assert now["active"] is True
    assert "4 / 10" in now["html"]
    assert reverse("admin:core_job_change", args=[job.pk]) in now["html"]
    Job.objects.update(status=JobStatus.SUCCEEDED, finished_at=timezone.now())
    now = admin_client.get(url).json()
    assert now["active"] is False
    assert "succeeded" in now["html"]
    text = shown(admin_client)
    assert "data-panel" not in text
    assert "http-equiv" not in text


def test_parts_of_bulk_jobs_are_not_listed(admin_client):
    parent = JobFactory(label="Rescan all", status=JobStatus.RUNNING)
    JobFactory(label="A part", status=JobStatus.RUNNING, parent=parent, parent_item=JobItemFactory(job=parent))
    JobFactory(label="Another part", parent=parent, parent_item=JobItemFactory(job=parent))
    text = shown(admin_client)
    assert "Rescan all" in text
    assert "part" not in panel_text(text, "jobs")


def panel_text(text, slug):
    return text.split(f'id="panel-{slug}"')[1].split("</section>")[0]


def test_an_unknown_panel_is_not_found(admin_client):
    assert admin_client.get(reverse("admin:overview_panel", args=["strange"])).status_code == 404


def test_the_chart_is_also_a_table(admin_client):
    run = ScanRunFactory(new_count=12, updated_count=3, removed_count=1)
    text = panel_text(shown(admin_client), "scans")
    assert "<desc" in text
    row = text.split(f'<th scope="row">{run.created_at.date()}</th>')[1].split("</tr>")[0]
    assert re.findall(r"<td>(\d+)</td>", row) == ["12", "3", "1", "1", "0"]
    assert text.count('<th scope="row">') == 30


def statements(client):
    client.get(INDEX)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(INDEX).status_code == 200
    return [query["sql"] for query in captured]


@pytest.mark.parametrize(("superuser", "number"), [(True, 300), (False, 30)])
def test_the_page_costs_the_same_however_much_there_is(client, admin_user, settings, superuser, number):
    settings.GITHUB_TOKEN = "ghp_here"
    permissions = [*PANELS.values(), "core.view_upstreamtoken", "marketplace.view_sourcetag"]
    client.force_login(admin_user if superuser else UserFactory(permissions=permissions))
    everything(3)
    few = statements(client)
    everything(number, name="more")
    many = statements(client)
    assert len(few) == len(many), "\n".join(many)
    if superuser:
        assert_baseline("overview:superuser", many)
    assert len(many) <= 15, "\n".join(many)


def test_a_panel_is_declared_once():
    with pytest.raises(TypeError):
        overview.panel("jobs", permission="", order=1)(lambda request: None)


def test_projects_that_were_never_read(admin_client):
    ProjectFactory.create_batch(2)
    text = panel_text(shown(admin_client), "projects")
    assert "Nothing is deployed, as far as was read" in text
    assert "reading no longer holds" in text
    assert_lists_agree(admin_client, 2)


def test_types_are_told_by_the_word_that_goes_with_their_number(admin_client):
    CatalogEntryFactory.create_batch(2, type="skill")
    CatalogEntryFactory(type="mcp")
    text = panel_text(shown(admin_client), "catalog")
    found = re.findall(r"<strong>(\d+)</strong> <span class=\"sm-figure-label\">([^<]+)</span>", text)
    assert found == [("2", "skills"), ("1", "MCP server")]
