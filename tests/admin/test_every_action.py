"""Every action that the contract lists works from a selection across pages: a plan, one job, its page."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib import admin

from cache_app.models import ProjectState
from collections_app.models import Artifact, Collection, Deployment, Project, RefreshPlan, Snapshot
from collections_app.refresh_jobs import plan
from collections_app.services.snapshots import snapshot_collection
from marketplace.models import CatalogEntry, Source, SourceTag
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import ApiToken, Job
from skillmeat_site.core.models.token import Scope
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import JobStatus
from skillmeat_site.core.tokens import issue_token
from tests.admin.choosing import changelist, choose_all, confirmed, outcomes, page
from tests.collections_app.deploying import deploy
from tests.conftest import skill
from tests.factories.core import JobFactory, JobItemFactory, UserFactory
from tests.factories.deployments import put_project
from tests.factories.marketplace import SourceTagFactory
from tests.marketplace.conftest import registered  # noqa: F401 - a fixture
from tests.marketplace.imports.importing import bring
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db
THREE = ("a", "b", "c")


@pytest.fixture(autouse=True)
def short_pages(monkeypatch):
    """Three rows are two pages."""
    for model in admin.site._registry:
        monkeypatch.setattr(type(admin.site.get_model_admin(model)), "list_per_page", 2)


@pytest.fixture
def world(registered):  # noqa: F811 - the fixture
    """Three sources of one skill each, scanned and not imported."""
    return {name: registered({f"skills/{name}/SKILL.md": skill(name)}, name=name) for name in THREE}


@pytest.fixture
def imported(world):
    """... and imported, each into a collection of its own."""
    for name, (_, source) in world.items():
        bring(source, collection=name)
    return world


@pytest.fixture
def deployed(imported, settings, tmp_path):
    """... and deployed, each into a project of its own."""
    settings.SKILLMEAT_PROJECT_ROOTS = [tmp_path / "projects"]
    (tmp_path / "projects").mkdir()
    for artifact in Artifact.objects.order_by("name"):
        deploy(put_project(tmp_path / "projects", artifact.name), artifact)
    return imported


@pytest.fixture
def act(admin_client):
    """``act(Model, "verb", "what the confirmation says", {"updated": 3}, option=…)``; returns the job."""

    def go(model, action, said, expected, **options):
        assert "Select all 3" in page(admin_client, changelist(model)), "the list must have more than one page"
        confirm = choose_all(admin_client, model, action)
        shown = page(admin_client, confirm)
        assert "<strong>3</strong> selected" in shown
        assert said in shown
        job = confirmed(admin_client, confirm, options)
        assert outcomes(job) == expected, list(job.items.values())
        assert not job.is_active
        shown = page(admin_client, admin_client.get(confirm)["Location"])
        assert f'href="{changelist(model)}"' in shown
        return job

    return go


def change_upstream(world):
    for name, (repository, source) in world.items():
        repository.commit({f"skills/{name}/SKILL.md": skill(name, "Changed")})
        scan(source)


def test_sources(act, world):
    for name, (repository, _) in world.items():
        repository.commit({f"skills/{name}2/SKILL.md": skill(f"{name}2")})
    act(Source, "rescan", "<strong>3</strong> will be scanned", {"updated": 3})
    assert CatalogEntry.objects.count() == 6
    job = act(
        Source, "force_rescan", "<strong>3</strong> will be scanned", {"unchanged": 3}, force="on", allow_removals="on"
    )
    assert (job.params["force"], job.params["allow_removals"]) == (True, True)
    act(Source, "refresh_auto_tags", "<strong>3</strong> will be skipped: not on GitHub", {"skipped": 3})
    for _, source in world.values():
        SourceTagFactory(source=source)
    act(Source, "approve_tags", "<strong>3</strong> will be changed", {"updated": 3})
    assert set(SourceTag.objects.filter(normalized__startswith="tag").values_list("status", flat=True)) <= {"approved"}
    act(Source, "disable", "<strong>3</strong> will be changed", {"updated": 3})
    assert not Source.objects.filter(enabled=True).exists()
    act(Source, "enable", "<strong>3</strong> will be changed", {"updated": 3})
    assert not Source.objects.filter(enabled=False).exists()


def test_import_all_of_sources(admin_client, world):
    confirm = choose_all(admin_client, Source, "import_all")
    CatalogEntry.objects.create(
        source=Source.objects.first(), key="late", type="skill", name="late", path="late", content_oid="1" * 40,
        commit="1" * 40, confidence=90, fingerprint="x",
    )  # fmt: skip
    shown = page(admin_client, confirm)
    assert "<strong>3</strong> will be created" in shown
    assert "skill:late" not in shown
    job = confirmed(admin_client, confirm, {"collection": "all", "strategy": "skip"})
    assert outcomes(job) == {"created": 3}
    assert set(Artifact.objects.values_list("collection__slug", "name")) == {("all", name) for name in THREE}


def test_entries(act, world):
    act(CatalogEntry, "exclude", "<strong>3</strong> will be changed", {"updated": 3}, reason="later")
    assert CatalogEntry.objects.filter(excluded_reason="later").count() == 3


def test_entries_restored_imported_and_imported_anew(admin_client, act, world):
    CatalogEntry.objects.update(excluded_at="2026-01-01T00:00:00Z")
    confirm = choose_all(admin_client, CatalogEntry, "restore", "?show=all")
    assert "<strong>3</strong> will be changed" in page(admin_client, confirm)
    assert outcomes(confirmed(admin_client, confirm)) == {"updated": 3}
    created = "<strong>3</strong> will be created"
    act(CatalogEntry, "import", created, {"created": 3}, collection="default", strategy="skip")
    before = set(Artifact.objects.values_list("pk", flat=True))
    change_upstream(world)
    changed = "<strong>3</strong> will be changed"
    act(CatalogEntry, "reimport", changed, {"updated": 3}, keep_deployments="on", collection="")
    assert set(Artifact.objects.values_list("pk", flat=True)) == before
    act(CatalogEntry, "reimport", "<strong>3</strong> are so already", {"unchanged": 3}, collection="")
    assert not set(Artifact.objects.values_list("pk", flat=True)) & before


def test_collections(act, imported):
    act(Collection, "snapshot", "<strong>3</strong> collections will be read", {"created": 3}, reason="safe")
    assert Snapshot.objects.filter(reason="safe").count() == 3
    act(Collection, "refresh_cache", "<strong>3</strong> collections will be read", {"unchanged": 3})
    act(Collection, "check_updates", "<strong>3</strong> were current", {"unchanged": 3})
    change_upstream(imported)
    act(Collection, "refresh_metadata", "<strong>3</strong> had an update", {"updated": 3})
    assert set(Artifact.objects.values_list("description", flat=True)) == {"Changed"}
    act(Collection, "sync", "<strong>3</strong> had an update", {"updated": 3}, strategy="abort")
    act(Collection, "delete", "<strong>3</strong> will be removed", {"removed": 3})
    assert not Collection.objects.exists()


def test_artifacts(act, imported):
    act(Artifact, "pin", "<strong>3</strong> artifacts will be changed", {"updated": 3}, pin="main", pin_reason="so")
    act(Artifact, "unpin", "<strong>3</strong> will be changed", {"updated": 3})
    act(Artifact, "tags", "<strong>3</strong> ", {"updated": 3}, add_tags="web", remove_tags="")
    act(Artifact, "title", "<strong>3</strong> ", {"updated": 3}, title="Mine")
    assert set(Artifact.objects.values_list("pin", "title")) == {("", "Mine")}
    act(Artifact, "check_updates", "<strong>3</strong> were current", {"unchanged": 3})
    change_upstream(imported)
    act(Artifact, "refresh_metadata", "<strong>3</strong> had an update", {"updated": 3})
    act(Artifact, "sync", "<strong>3</strong> had an update", {"updated": 3}, strategy="abort")
    act(Artifact, "remove", "<strong>3</strong> will be removed", {"removed": 3})
    assert not Artifact.objects.exists()


def test_artifacts_deployed_and_taken_back(act, imported, settings, tmp_path):
    settings.SKILLMEAT_PROJECT_ROOTS = [tmp_path]
    project = put_project(tmp_path, "app")
    folder = Path(project.path) / ".claude/skills"
    options = {"project": project.pk, "profile": "claude_code"}
    act(Artifact, "deploy", "Fill in the options", {"created": 3}, **options)
    assert sorted(path.name for path in folder.iterdir()) == list(THREE)
    act(Artifact, "undeploy", "<strong>3</strong> will be removed", {"removed": 3})
    assert not folder.exists() or not list(folder.iterdir())


def test_projects_and_deployments(act, deployed):
    act(Project, "refresh_cache", "<strong>3</strong> are stale", {"updated": 3}, force="on")
    assert ProjectState.objects.filter(status="ok").count() == 3
    act(Deployment, "undeploy", "<strong>3</strong> will be removed", {"removed": 3})
    assert not Deployment.objects.exists()


def test_suggested_tags(act, world):
    SourceTag.objects.all().delete()
    for _, source in world.values():
        SourceTagFactory(source=source)
    for verb, status in (("approve", "approved"), ("reject", "rejected"), ("reopen", "pending")):
        act(SourceTag, verb, "<strong>3</strong> will be changed", {"updated": 3})
        assert set(SourceTag.objects.values_list("status", flat=True)) == {status}


def test_tokens(admin_client, admin_user):
    for name in THREE:
        issue_token(admin_user, scope=Scope.READ, actor=COMMAND_LINE, name=name)
    confirm = choose_all(admin_client, ApiToken, "revoke")
    assert "<strong>3</strong> will be revoked" in page(admin_client, confirm)
    assert "3 tokens were revoked" in admin_client.post(confirm, follow=True).content.decode()
    assert not ApiToken.objects.filter(revoked_at=None).exists()


class TestOneAtATime:
    """What only one row can have is refused for all, with nothing done, and done for the one that a filter leaves."""

    @pytest.fixture
    def only(self, admin_client):
        """``only(Model, "verb", "Choose one …", collection, …)``: the job that the one of this collection ran."""

        def go(model, action, refusal, filtered, **options):
            assert "Select all 3" in page(admin_client, changelist(model))
            many = choose_all(admin_client, model, action)
            before = Job.objects.count()
            assert refusal in page(admin_client, many)
            assert refusal in admin_client.post(many, options, follow=True).content.decode()
            assert Job.objects.count() == before
            one = choose_all(admin_client, model, action, f"?{filtered}")
            assert "<strong>1</strong> selected" in page(admin_client, one)
            return confirmed(admin_client, one, options)

        return go

    def test_a_snapshot_is_restored(self, act, only, imported):
        for name in THREE:
            snapshot_collection(name, reason="safe", actor=COMMAND_LINE, report=SilentReport())
        act(Artifact, "remove", "<strong>3</strong> will be removed", {"removed": 3})
        Snapshot.objects.exclude(reason="safe").delete()
        chosen = Collection.objects.get(slug="b")
        job = only(Snapshot, "restore", "Choose one snapshot", f"collection={chosen.pk}")
        assert job.status == JobStatus.SUCCEEDED
        assert list(Artifact.objects.values_list("name", flat=True)) == ["b"]

    def test_a_refresh_is_planned_and_its_plan_applied(self, only, imported):
        change_upstream(imported)
        options = {"mode": "sync", "strategy": "abort"}
        job = only(Collection, "plan", "Choose one collection", "q=b", **options)
        assert (job.status, RefreshPlan.objects.get().collection.slug) == (JobStatus.SUCCEEDED, "b")
        for name in ("a", "c"):
            runner.run_inline(plan, {"slug": name, **options}, COMMAND_LINE).unwrap()
        chosen = Collection.objects.get(slug="b")
        job = only(RefreshPlan, "apply", "Choose one plan", f"collection={chosen.pk}")
        assert job.status == JobStatus.SUCCEEDED
        assert list(Artifact.objects.filter(description="Changed").values_list("name", flat=True)) == ["b"]


def test_jobs(admin_client, monkeypatch):
    for _ in THREE:
        JobFactory(status=JobStatus.QUEUED, kind="marketplace.bulk_rescan", params={"ids": [1, 2]})
    confirm = choose_all(admin_client, Job, "cancel")
    assert "<strong>3</strong> queued, end at once" in page(admin_client, confirm)
    assert outcomes(confirmed(admin_client, confirm)) == {"updated": 3}
    cancelled = Job.objects.filter(status=JobStatus.CANCELLED)
    for job in cancelled:
        JobItemFactory(job=job, outcome="deferred", object_id="1")
    confirm = choose_all(admin_client, Job, "retry", "?status=cancelled")
    assert "<strong>3</strong> will be retried" in page(admin_client, confirm)
    monkeypatch.setattr(runner, "deliver", lambda job_id: Job.objects.filter(pk=job_id).delete())
    answer = admin_client.post(confirm)
    assert outcomes(Job.objects.get(kind="core.retry_jobs")) == {"updated": 3}
    assert Job.objects.filter(parent__in=cancelled).count() == 3
    assert "succeeded" in page(admin_client, answer["Location"])


def test_jobs_of_which_the_user_may_not_do_all(client):
    client.force_login(UserFactory(permissions=["core.view_job", "core.retry_job", "marketplace.rescan_source"]))
    for kind, params in (
        ("marketplace.rescan", {"source_id": 1}),
        ("collections.bulk_refresh", {"slugs": ["a"]}),
        ("core.plan", {"kind": "collections.bulk_refresh", "params": {"slugs": ["a"]}}),
    ):
        JobFactory(kind=kind, status=JobStatus.FAILED, params=params)
    confirm = choose_all(client, Job, "retry")
    shown = page(client, confirm)
    assert "<strong>1</strong> will be retried" in shown
    assert "<strong>2</strong> need a permission that you do not have" in shown
    client.post(confirm)
    job = Job.objects.get(kind="core.retry_jobs")
    assert outcomes(job) == {"updated": 1, "failed": 2}
    assert set(job.items.values_list("code", flat=True)) == {"", "permission_denied"}
