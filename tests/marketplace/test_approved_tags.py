"""Approved tags go with what is imported, and to what was imported before; nothing is ever taken away by them."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from collections_app.domain.artifact_edit import ArtifactEdit
from collections_app.models import Artifact, Collection
from collections_app.services.artifacts import edit_artifacts
from collections_app.services.homes import home
from marketplace.jobs import approve_tags, decide_tags, import_source
from marketplace.models.tag import TagKind
from marketplace.services.approved_tags import approved_of, spread_tags
from marketplace.services.tags import decide_tag
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import Cancelled
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.models import Job
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import JobStatus
from tests.conftest import skill
from tests.factories.marketplace import SourceTagFactory
from tests.marketplace.answers import BASE, ok

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(registered):
    """Two skills in two folders; both folders' names and two topics are suggested."""
    tagged = "---\nname: pages\ndescription: x\ntags: [own]\n---\n"
    _, source = registered({"skills/data-ai/etl/SKILL.md": skill("etl"), "skills/web/pages/SKILL.md": tagged})
    for name in ("topic", "other"):
        SourceTagFactory(source=source, kind="topic", normalized=name)
    return source


def approve(source, name, kind=TagKind.PATH):
    return decide_tag(source, kind, name, "approved", actor=COMMAND_LINE)


def bring_in(source, **more):
    params = {"source_id": source.pk, "ids": list(source.entries.values_list("pk", flat=True)), **more}
    runner.run_inline(import_source, params, COMMAND_LINE).unwrap()


def tags():
    return {artifact.name: artifact.tags for artifact in Artifact.objects.all()}


def spread(*chosen):
    return spread_tags([tag.pk for tag in chosen], actor=COMMAND_LINE, report=SilentReport())


def test_an_import_brings_approved_tags_along(known):
    approve(known, "web")
    approve(known, "topic", TagKind.TOPIC)
    SourceTagFactory(source=known, kind="topic", normalized="past", status="approved", gone=True)
    bring_in(known)
    assert tags() == {"etl": ["topic"], "pages": ["own", "topic", "web"]}
    manifest = (home().collection("default") / "collection.toml").read_text()
    assert '"web"' in manifest
    assert "past" not in manifest


def test_an_import_without_decisions_brings_only_its_own(known):
    bring_in(known)
    assert tags() == {"etl": [], "pages": ["own"]}


def test_it_is_one_statement_per_import(known):
    approve(known, "web")
    with CaptureQueriesContext(connection) as captured:
        approved = approved_of(known)
    assert len(captured) == 1
    with CaptureQueriesContext(connection) as captured:
        assert approved.added_to(["own"], "skills/web/pages") == ("own", "web")
        assert approved.added_to(["WEB"], "skills/web/pages") == ("WEB",)
        assert len(approved.added_to([f"t{n}" for n in range(20)], "skills/web/pages")) == 20
    assert len(captured) == 0


def test_an_approval_reaches_what_was_imported_before(api, known, worker):
    bring_in(known)
    answer = api.patch(f"{BASE}/sources/{known.pk}/auto-tags", {"value": "topic", "status": "approved"}, format="json")
    ok(answer)
    assert tags() == {"etl": [], "pages": ["own"]}
    worker()
    job = Job.objects.get(kind="marketplace.spread_tags")
    assert (job.status, job.trigger, job.items.count()) == (JobStatus.SUCCEEDED, "api", 2)
    assert tags() == {"etl": ["topic"], "pages": ["own", "topic"]}
    for status in ("approved", "rejected"):
        ok(api.patch(f"{BASE}/sources/{known.pk}/auto-tags", {"value": "topic", "status": status}, format="json"))
    worker()
    assert Job.objects.filter(kind="marketplace.spread_tags").count() == 1
    assert tags() == {"etl": ["topic"], "pages": ["own", "topic"]}


def test_nothing_imported_means_no_job(api, known):
    ok(api.patch(f"{BASE}/sources/{known.pk}/path-tags", {"value": "web", "status": "approved"}, format="json"))
    assert not Job.objects.exists()


def test_a_dry_run_queues_nothing(api, known):
    bring_in(known)
    before = Job.objects.count()
    body = {"value": "web", "status": "approved", "dry_run": True}
    ok(api.patch(f"{BASE}/sources/{known.pk}/path-tags", body, format="json"))
    assert Job.objects.count() == before


@pytest.mark.parametrize("in_bulk", ["decide", "approve"])
def test_approvals_in_bulk_reach_them_as_well(known, worker, in_bulk):
    bring_in(known)
    if in_bulk == "approve":
        runner.run_inline(approve_tags, {"ids": [known.pk]}, COMMAND_LINE).unwrap()
    else:
        ids = list(known.found_tags.values_list("pk", flat=True))
        runner.run_inline(decide_tags, {"ids": ids, "status": "approved"}, COMMAND_LINE).unwrap()
    worker()
    assert {name: sorted(found) for name, found in tags().items()} == {
        "etl": ["data-ai", "other", "topic"], "pages": ["other", "own", "topic", "web"],
    }  # fmt: skip


def test_a_cancel_defers_what_is_left(known):
    class CancelledOnce(SilentReport):
        """As a job: it looks from time to time."""

        asked = False

        def tick(self):
            super().tick()
            if not self.asked:
                self.asked = True
                raise Cancelled

    bring_in(known)
    ids = [approve(known, "topic", TagKind.TOPIC).pk, approve(known, "web").pk]
    result = spread_tags(ids, actor=COMMAND_LINE, report=CancelledOnce())
    assert {(row.outcome, row.code) for row in result.rows} == {("deferred", "cancelled")}
    assert (len(result.rows), result.job_status, tags()) == (2, "cancelled", {"etl": [], "pages": ["own"]})


def test_a_rejection_before_the_job_runs_holds(known):
    bring_in(known)
    tag = approve(known, "topic", TagKind.TOPIC)
    decide_tag(known, TagKind.TOPIC, "topic", "rejected", actor=COMMAND_LINE)
    assert spread(tag).rows == ()
    assert tags() == {"etl": [], "pages": ["own"]}


def test_what_a_user_took_off_stays_off(known):
    first, second = approve(known, "topic", TagKind.TOPIC), approve(known, "other", TagKind.TOPIC)
    bring_in(known)
    etl = Artifact.objects.get(name="etl")
    edit = ArtifactEdit.of({"remove_tags": ["topic"]})
    edit_artifacts([etl.pk], edit, actor=COMMAND_LINE, report=SilentReport())
    spread(second)
    assert tags()["etl"] == ["other"]
    assert spread(first).summary.counts["updated"] == 1


def test_a_busy_collection_fails_its_rows_only(known):
    bring_in(known)
    bring_in(known, collection="second")
    lease = Lease.acquire(Collection, Collection.objects.get(slug="default").pk)
    result = spread(approve(known, "web"))
    assert sorted((row.outcome.value, row.code) for row in result.rows) == [
        ("failed", "collection_busy"), ("updated", ""),
    ]  # fmt: skip
    lease.release()
    assert Artifact.objects.get(name="pages", collection__slug="second").tags == ["own", "web"]
    assert Artifact.objects.get(name="pages", collection__slug="default").tags == ["own"]
