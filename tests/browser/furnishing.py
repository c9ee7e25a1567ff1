"""A house that has been lived in: something of everything the pages show. Runs inside the house's own Django.

What can come about by work comes about by work (scans, imports, deployments, plans). Only what takes weeks or a
network (history, limits, sources on GitHub) is written by the factories.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone

from cache_app.jobs import refresh
from collections_app.jobs import bulk_deploy, bulk_snapshot, index
from collections_app.models import Artifact, Collection, Deployment, Project, RefreshPlan, Snapshot
from collections_app.refresh_jobs import plan
from collections_app.services.projects import register_project
from marketplace import sample
from marketplace.jobs import bulk_import, bulk_reimport, bulk_update_entries, rescan
from marketplace.models import CatalogEntry, ScanRun, Source, SourceTag
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.jobs.registry import JobDefinition
from skillmeat_site.core.models import ApiToken, AuditEvent, Job, UpstreamBudget, UpstreamToken
from skillmeat_site.core.models.token import Scope
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.core.results import ACTIVE, JobStatus, Trigger
from skillmeat_site.core.upstream_tokens import store_token
from skillmeat_site.upstream.sample import commit, create_repository
from tests.browser.library import office, office_later
from tests.factories.core import JobFactory, JobItemFactory
from tests.factories.marketplace import ScanRunFactory, SourceFactory

BEGAN = 1_767_225_600


def furnish(repositories: Path, projects: Path) -> None:
    """Everything, in the order in which it would have happened."""
    actor = administrator()
    toolbox, library = repositories / "toolbox.git", repositories / "office-skills.git"
    sample.create(toolbox)
    create_repository(library)
    commit(library, office(), "Skills for an office", time=BEGAN)
    for path, tags in ((toolbox, ["starter"]), (library, ["office", "trusted"])):
        source = create_source(url=f"file://{path}", tags=tags, actor=actor)
        run(rescan, actor, source_id=source.pk)
    fill_collections(actor)
    deploy_some(actor, projects)
    sample.change(toolbox)
    commit(library, office_later(), "Reviews know the new form", time=BEGAN + 90_000)
    for source in Source.objects.order_by("pk"):
        run(rescan, actor, source_id=source.pk)
    drift(actor, projects)
    decide(actor)
    fail(actor, repositories)
    run(refresh, actor, ids=list(Project.objects.values_list("pk", flat=True)), force=True)
    run(plan, actor, slug="default", mode="sync")
    elsewhere()
    active(actor)
    history()


def administrator() -> Actor:
    user = get_user_model().objects.get(username="admin")
    return Actor(Trigger.ADMIN, user.pk, user.get_username())


def run(definition: JobDefinition, actor: Actor, **params: Any) -> Job:
    return runner.run_inline(definition, params, actor).job


def fill_collections(actor: Actor) -> None:
    """One large collection, a small one, an empty one; a file that nobody knows is in the way of one import."""
    stranger = settings.SKILLMEAT_HOME / "collections/default/skills/pdf/SKILL.md"
    stranger.parent.mkdir(parents=True)
    stranger.write_text("Nobody knows me.\n")
    entries = CatalogEntry.objects.importable().order_by("pk")
    run(bulk_import, actor, ids=list(entries.values_list("pk", flat=True)), strategy="overwrite")
    toolbox = list(entries.filter(source__name__contains="toolbox").values_list("pk", flat=True))
    run(bulk_import, actor, ids=toolbox, collection="starter", strategy="skip")
    run(bulk_snapshot, actor, slugs=["default", "starter"], reason="Before the spring cleaning")


def deploy_some(actor: Actor, projects: Path) -> None:
    for name in ("webshop", "intranet"):
        folder = projects / name
        folder.mkdir()
        register_project(str(folder), name=name, actor=actor, report=SilentReport())
        chosen = Artifact.objects.filter(collection__slug="starter").exclude(type="plugin")
        run(bulk_deploy, actor, ids=[str(pk) for pk in chosen.values_list("pk", flat=True)], project=str(folder))


def drift(actor: Actor, projects: Path) -> None:
    """Somebody edited a deployed copy, and one in the collection; another copy is gone."""
    (projects / "webshop/.claude/skills/pdf/SKILL.md").open("a").write("\nOnly black ink.\n")
    (projects / "webshop/.claude/commands/review/security.md").unlink()
    skill = settings.SKILLMEAT_HOME / "collections/default/skills/review-invoices"
    note, script = skill / "SKILL.md", skill / "scripts/total.py"
    note.write_text(note.read_text().replace("in **two** sentences", "in **one** sentence, to the accountant"))
    script.write_text(script.read_text().replace("sum(", "round(sum(").replace(")))", ")), 2))"))
    run(index, actor, slug="default")


def decide(actor: Actor) -> None:
    """Some entries are hidden, some follow their repository; the rest waits."""
    hidden = list(CatalogEntry.objects.filter(name__startswith="draft-").values_list("pk", flat=True)[:3])
    run(bulk_update_entries, actor, ids=hidden, excluded=True, reason="We write these ourselves.")
    changed = CatalogEntry.objects.update_available().filter(path__contains="/legal/").order_by("pk")
    run(bulk_reimport, actor, ids=list(changed.values_list("pk", flat=True)[:2]), keep_deployments=True)
    SourceTag.objects.filter(normalized="finance").update(status="approved", decided_at=timezone.now())


def fail(actor: Actor, repositories: Path) -> None:
    """A source whose repository is not there (any more)."""
    path = repositories / "gone.git"
    create_repository(path)
    source = create_source(url=f"file://{path}", actor=actor)
    path.rename(path.with_suffix(".away"))
    run(rescan, actor, source_id=source.pk)


def elsewhere() -> None:
    """Sources that no network here would read, each in a state of its own; a limit and tokens that go with them."""
    now = timezone.now()
    old = now - timedelta(days=20)
    SourceFactory(owner="acme", name="design-system", scanned=True, topics=["design", "css"])
    SourceFactory(owner="acme", name="handbook", scanned=True, last_success_at=old, last_scanned_at=old)
    SourceFactory(owner="acme", name="parked", enabled=False, scanned=True)
    SourceFactory(
        owner="acme", name="monorepo", scanned=True, failures=2, not_before=now + timedelta(minutes=40),
        last_error_code="upstream_rate_limited", last_error_detail="The budget of the host is used up.",
    )  # fmt: skip
    SourceFactory(owner="acme", name="just-added")
    UpstreamBudget.objects.create(
        host="github.com", token_name="acme", resource="core", limit=5000, remaining=1240,
        reset_at=now + timedelta(minutes=40), updated_at=now,
    )  # fmt: skip
    store_token(name="acme", host="github.com", owner="acme", value="only-for-show", actor=administrator())
    user = get_user_model().objects.get(username="admin")
    get_user_model().objects.create_user("guest", password="guest", is_staff=True)
    ApiToken.issue(user, name="deploy bot", scope=Scope("write"))


def active(actor: Actor) -> None:
    """One job on its way, one that waits, one that was called off."""
    by = {"actor_id": actor.user_id, "kind": "marketplace.bulk_rescan"}
    job = JobFactory(
        **by, label="Rescan 40 sources", status=JobStatus.RUNNING, done=26, total=40, progress_label="acme/handbook",
    )  # fmt: skip
    for number in range(40):
        outcome = "" if number >= 26 else "failed" if number in (4, 11) else "updated" if number % 3 else "unchanged"
        code = "upstream_timeout" if outcome == "failed" else ""
        JobItemFactory(job=job, object_label=f"acme/tools-{number:02}", outcome=outcome, code=code)
    JobFactory(**by, label="Rescan 3 sources", status=JobStatus.QUEUED, total=3)
    JobFactory(**by, label="Rescan 12 sources", status=JobStatus.CANCELLED, done=5, total=12)


def history() -> None:
    """Thirty days of scans, with a day of rest; and jobs that did not all run in this minute."""
    now = timezone.now()
    for place, job in enumerate(Job.objects.exclude(status__in=ACTIVE).order_by("-created_at")):
        ago = timedelta(minutes=4 + 23 * place)
        times = {name: getattr(job, name) - ago for name in ("created_at", "started_at", "finished_at")}
        Job.objects.filter(pk=job.pk).update(**times)
    sources = list(Source.objects.order_by("pk"))
    for day in range(1, 30):
        for turn in range(day % 7 and 2 + (day * 5) % 7):
            at = now - timedelta(days=day, hours=turn)
            ScanRunFactory(
                source=sources[turn % len(sources)], new_count=(day * turn) % 9, updated_count=(day + turn) % 6,
                removed_count=(day * turn) % 3, outcome="failed" if (day + turn) % 11 == 0 else "updated",
                created_at=at, day=at.date(),
            )  # fmt: skip


def pages() -> dict[str, str]:
    """Every page of the house by a name, as a path below ``/admin/``: what the walk visits."""
    made = {"dashboard": "", "password": "password_change/"}
    made |= {f"{model}-list": f"{model}/" for model in LISTS}
    made |= {f"{model}-none": f"{model}/?q=nothing-is-called-so" for model in LISTS if model not in SEARCHLESS}
    made |= {f"{model}-add": f"{model}/add/" for model in ADDED}
    for name, row in _rows().items():
        place = f"{row._meta.app_label}/{row._meta.model_name}/{row.pk}"
        made[name] = f"{place}/change/"
        made |= {f"{name} {part}": f"{place}/{path}" for part, path in PARTS.get(name, {}).items()}
    chosen, planned = Artifact.objects.get(collection__slug="default", name="review-budgets"), _rows()["plan"]
    made["plan files"] = f"collections_app/refreshplan/{planned.pk}/files/{chosen.pk}/"
    return made


LISTS = (
    "auth/user", "auth/group", "collections_app/artifact", "collections_app/collection", "collections_app/deployment",
    "collections_app/project", "collections_app/refreshplan", "collections_app/snapshot", "core/apitoken",
    "core/auditevent", "core/job", "core/upstreambudget", "core/upstreamtoken", "marketplace/catalogentry",
    "marketplace/scanrun", "marketplace/source", "marketplace/sourcetag", "marketplace/webhookdelivery",
)  # fmt: skip
SEARCHLESS = ("collections_app/refreshplan", "marketplace/scanrun")
ADDED = (
    "auth/user", "auth/group", "collections_app/collection", "collections_app/project", "core/apitoken",
    "core/upstreamtoken", "marketplace/source",
)  # fmt: skip


_COMPARED = {"compared": "compare/", "side by side": "compare/?view=split"}
PARTS = {
    "source": {"deletion": "delete/", "history": "history/"},
    "project": {"history": "history/"},
    "token": {"history": "history/"},
    "collection": {"history": "history/", "events": "history/?show=events"},
    "entry-changed": {**_COMPARED, "files": "files/"},
    "artifact-edited": {**_COMPARED, "files": "files/"},
    "deployment": _COMPARED,
    "snapshot": {"side by side": "change/?view=split", "against the one before": "change/?against=previous"},
    "job-partial": {"failures": "change/?outcome=failed", "searched": "change/?q=nothing-is-called-so"},
    "user": {"password": "password/"},
}
"""Pages below those of a row."""


def _rows() -> dict[str, Any]:
    entries, jobs = CatalogEntry.objects.order_by("pk"), Job.objects.order_by("created_at")
    return {
        "user": get_user_model().objects.get(username="admin"),
        "source": Source.objects.get(name__contains="office-skills"),
        "source-failing": Source.objects.get(name__contains="gone"),
        "entry-new": entries.filter(imports=None, presence="present", excluded_at=None).first(),
        "entry-changed": CatalogEntry.objects.update_available().order_by("pk").first(),
        "entry-removed": entries.filter(presence="removed").first(),
        "entry-excluded": entries.exclude(excluded_at=None).first(),
        "scanrun": ScanRun.objects.exclude(job=None).last(),
        "tag": SourceTag.objects.first(),
        "collection": Collection.objects.get(slug="default"),
        "artifact": Artifact.objects.get(collection__slug="starter", name="pdf"),
        "artifact-edited": Artifact.objects.get(collection__slug="default", name="review-invoices"),
        "deployment": Deployment.objects.filter(name="pdf", project__name="webshop").first(),
        "project": Project.objects.get(name="webshop"),
        "snapshot": Snapshot.objects.filter(collection__slug="default").earliest("created_at"),
        "plan": RefreshPlan.objects.latest("created_at"),
        "job-running": jobs.get(status="running"),
        "job-queued": jobs.get(status="queued"),
        "job-partial": jobs.filter(status="partial").first(),
        "job-failed": jobs.filter(status="failed").first(),
        "job-finished": jobs.filter(status="succeeded", kind="marketplace.rescan").last(),
        "event": AuditEvent.objects.first(),
        "budget": UpstreamBudget.objects.first(),
        "upstream-token": UpstreamToken.objects.first(),
        "token": ApiToken.objects.first(),
    }
