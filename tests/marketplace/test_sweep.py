"""Sweeps over sources on GitHub: what they cost by the server's log, and what becomes of each source."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from marketplace import jobs
from marketplace.jobs import bulk_rescan, rescan_due
from marketplace.models import ScanRun, Source
from marketplace.services.rescan import ScanOptions
from marketplace.services.sources import create_source, update_source
from marketplace.services.sweep import sweep
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import control, runner
from skillmeat_site.core.jobs.context import DryRunContext
from skillmeat_site.core.leases import Lease
from skillmeat_site.core.models import Job, JobItem, RefusedToken, UpstreamBudget
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.upstream.sample import commit, create_repository
from tests.conftest import skill, skills
from tests.fakes.git_http import status
from tests.marketplace.scanning import dump, row_counts, scan
from tests.marketplace.sweeping import TOKEN, many_sources, outcomes, sweep_all

pytestmark = pytest.mark.django_db

UNTOUCHED = ("entries", "tree_oid", "detection_key", "counts", "counters", "listing_complete")


@pytest.fixture
def token(settings):
    settings.GITHUB_TOKEN = TOKEN
    return TOKEN


@pytest.fixture
def upstream(hub, on_github, token):
    on_github(skills("alpha", "beta"))
    return hub


def kinds(hub):
    """Requests by kind."""
    found = {}
    for request in hub.requests:
        found[request.kind] = found.get(request.kind, 0) + 1
    return found


def later(hub, name, files, message="later"):
    """Give one repository of many a folder of its own with another commit, and return its state."""
    state = hub.repository(name)
    path = hub.root / f"{name}-own.git"
    shutil.copytree(state.path, path)
    commit(path, files, message, time=1_800_000_000)
    state.path = path
    return state


# ---- what it costs


def test_a_thousand_unchanged_sources(upstream):
    many_sources(upstream, 1000)
    upstream.requests.clear()
    before = row_counts()
    result = sweep_all()
    assert outcomes(result) == {"unchanged": 1000}
    assert {row.detail["short_circuit"] for row in result.rows} == {"commit"}
    assert kinds(upstream) == {"graphql": 12}
    assert upstream.used[upstream.purse(TOKEN, "graphql")] == 12
    after = row_counts()
    grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert grown == {"core.Job": 1, "core.JobItem": 1000, "core.UpstreamBudget": 1}
    assert Source.objects.filter(last_success_at__gte=timezone.now() - timedelta(minutes=5)).count() == 1000


def test_statements_do_not_grow_with_the_sources_of_a_batch(upstream, monkeypatch):
    for clock in ("context.PROGRESS_SECONDS", "states.HEARTBEAT_SECONDS"):  # a busy machine is no reason to fail
        monkeypatch.setattr(f"skillmeat_site.core.jobs.{clock}", 600)
    many_sources(upstream, 10)
    with CaptureQueriesContext(connection) as ten:
        sweep_all()
    Source.objects.all().delete()
    shutil.rmtree(upstream.root / "acme")
    upstream._states.clear()
    upstream._by_name.clear()
    path = upstream.root / "acme" / "tools.git"
    create_repository(path)
    commit(path, skills("alpha"), "first", time=1_767_225_600)
    many_sources(upstream, 50)
    with CaptureQueriesContext(connection) as fifty:
        sweep_all()
    assert len(fifty) == len(ten) <= 40


def test_sources_of_one_repository_are_one_question(upstream, on_github):
    for hint in ("", "skills", "skills/alpha"):
        scan(create_source(url=f"{upstream.url}/acme/tools", root_hint=hint, actor=COMMAND_LINE))
    upstream.requests.clear()
    upstream.queries.clear()
    assert outcomes(sweep_all()) == {"unchanged": 3}
    assert [query.count("repository(") for query in upstream.queries] == [1]


def test_a_changed_source_is_scanned_without_asking_again(upstream):
    many_sources(upstream, 3)
    later(upstream, "acme/r1", {"skills/gamma/SKILL.md": skill("gamma")})
    upstream.requests.clear()
    result = sweep_all()
    assert outcomes(result) == {"unchanged": 2, "updated": 1}
    assert kinds(upstream)["graphql"] == 1
    api = upstream.paths("api")
    assert len([path for path in api if "/git/trees/" in path]) == 1
    assert not [path for path in api if "/commits/" in path or path.endswith("/r1")]


def test_the_same_tree_under_another_commit_is_stamped(upstream):
    many_sources(upstream, 2)
    commit(later(upstream, "acme/r1", {"x": "x"}).path, {"x": None}, "back", time=1_800_000_060)
    upstream.requests.clear()
    result = sweep_all()
    assert [row.detail["short_circuit"] for row in result.rows] == ["commit", "tree"]
    assert kinds(upstream) == {"graphql": 1}
    upstream.requests.clear()
    assert [row.detail["short_circuit"] for row in sweep_all().rows] == ["commit", "commit"]


def test_a_stamp_touches_nothing_but_when_it_was_looked_at_and_what_github_says(upstream):
    many_sources(upstream, 2)
    state = upstream.repository("acme/r1")
    state.facts |= {"archived": True, "topics": ["ai"]}
    source = Source.objects.get(name="r1")
    before, entries = {name: getattr(source, name) for name in UNTOUCHED[1:]}, dump()
    Source.objects.filter(pk=source.pk).update(failures=2, scan_interval=60)
    sweep_all()
    source.refresh_from_db()
    assert {name: getattr(source, name) for name in UNTOUCHED[1:]} == before
    assert dump() == entries
    assert (source.archived, source.topics, source.failures) == (True, ["ai"], 0)
    assert timedelta(minutes=50) < source.next_scan_at - timezone.now() < timedelta(minutes=70)
    assert source.lease_token is None


# ---- who is asked how


@pytest.mark.parametrize(
    ("tiers", "has_token", "expected"),
    [
        (["graphql", "rest", "git"], True, {"graphql"}),
        (["rest", "git"], True, {"api"}),
        (["graphql", "rest", "git"], False, {"git"}),
        (["git"], True, {"git"}),
        (["graphql", "git"], True, {"graphql"}),
    ],
)
def test_tiers(upstream, on_github, settings, tiers, has_token, expected):
    on_github(skills("alpha"), "acme/other")
    for name in ("tools", "other"):
        scan(create_source(url=f"{upstream.url}/acme/{name}", actor=COMMAND_LINE))
    settings.SKILLMEAT_GITHUB_TIERS = tiers
    settings.GITHUB_TOKEN = TOKEN if has_token else ""
    upstream.requests.clear()
    assert outcomes(sweep_all()) == {"unchanged": 2}
    assert set(kinds(upstream)) == expected
    assert upstream.used.get("", 0) == 0, "the anonymous quota of the API is left alone"


def test_graphql_off(upstream, settings):
    many_sources(upstream, 2)
    settings.SKILLMEAT_GITHUB_GRAPHQL_URL = ""
    upstream.requests.clear()
    assert outcomes(sweep_all()) == {"unchanged": 2}
    assert kinds(upstream) == {"api": 2}


def test_graphql_down_goes_on_with_rest(upstream):
    many_sources(upstream, 3)
    upstream.always("graphql", status(502))
    upstream.requests.clear()
    assert outcomes(sweep_all()) == {"unchanged": 3}
    assert kinds(upstream) == {"graphql": 3, "api": 3}
    assert all("if-none-match" in request.headers for request in upstream.requests if request.kind == "api")


def test_a_source_that_shall_be_read_by_git_is_not_in_the_batch(upstream):
    many_sources(upstream, 2)
    Source.objects.filter(name="r1").update(provider="git")
    upstream.queries.clear()
    sweep_all()
    assert [query.count("repository(") for query in upstream.queries] == [1]


def test_force_scans_all_and_asks_once(upstream):
    many_sources(upstream, 2)
    Source.objects.filter(name="r1").delete()
    upstream.requests.clear()
    [row] = sweep_all(force=True).rows
    assert (row.outcome, row.detail["short_circuit"]) == ("unchanged", None)
    assert kinds(upstream)["graphql"] == 1
    assert not [path for path in upstream.paths("api") if "/commits/" in path]


def test_a_dry_run_asks_and_writes_nothing(upstream):
    many_sources(upstream, 3)
    later(upstream, "acme/r1", {"skills/gamma/SKILL.md": skill("gamma")})
    rows, entries = list(Source.objects.order_by("pk").values()), dump()
    before = row_counts()
    ids = [row["id"] for row in rows]
    result = bulk_rescan.function(DryRunContext(COMMAND_LINE), ids=ids, dry_run=True)
    assert outcomes(result) == {"unchanged": 2, "updated": 1}
    assert all(row.detail["dry_run"] for row in result.rows)
    after = row_counts()
    before.pop("core.UpstreamBudget"), after.pop("core.UpstreamBudget")
    assert (list(Source.objects.order_by("pk").values()), dump(), after) == (rows, entries, before)


# ---- what became of a repository


@pytest.mark.fault(14)
def test_fault_14_a_renamed_repository_is_followed(upstream):
    many_sources(upstream, 3)
    upstream.rename_only("acme/r1", "acme/new")
    assert outcomes(sweep_all()) == {"unchanged": 2, "updated": 1}
    assert Source.objects.filter(url=f"{upstream.url}/acme/new").count() == 1


@pytest.mark.fault(15)
def test_fault_15_another_repository_under_the_old_name_is_not_scanned(upstream):
    many_sources(upstream, 3)
    gone = upstream.repository("acme/r1")
    stranger = later(upstream, "acme/r2", {"skills/evil/SKILL.md": skill("evil")})
    upstream._states.remove(gone)
    del upstream._by_name["acme/r1"]
    upstream.add("acme/r1", stranger.path)
    codes = {row.object.label: row.code for row in sweep_all().rows}
    assert codes == {"acme/tools": "", "acme/r1": "upstream_identity_changed", "acme/r2": ""}
    assert not Source.objects.get(name="r1").entries.filter(name="evil").exists()


@pytest.mark.fault(8)
@pytest.mark.fault(17)
def test_fault_17_and_8_one_that_is_gone_fails_alone_and_keeps_its_entries(upstream):
    many_sources(upstream, 3)
    source = Source.objects.get(name="r1")
    entries = dump(source)
    upstream._states.remove(upstream._by_name.pop("acme/r1"))
    assert outcomes(sweep_all()) == {"unchanged": 2, "failed": 1}
    source.refresh_from_db()
    assert source.last_error_code == "upstream_not_found"
    assert timedelta(minutes=55) < source.not_before - timezone.now() <= timedelta(hours=1)
    assert dump(source) == entries


def test_one_that_is_being_scanned_or_was_edited_is_not_stamped(upstream):
    sources = many_sources(upstream, 3)
    busy, edited = sources[1:]
    Source.objects.filter(pk__in=[busy.pk, edited.pk]).update(resolved_ref="old")

    def interfere():
        Lease.acquire(Source, busy.pk)
        Source.objects.filter(pk=edited.pk).update(ref="dev", updated_at=timezone.now())

    [swept] = sweep(sources, options=ScanOptions(), report=AtFirstTick(interfere))
    assert [row.object.label for row in swept.rows] == ["acme/tools"]
    assert set(swept.left) == {busy.pk, edited.pk}
    assert Source.objects.filter(resolved_ref="old").count() == 2


class AtFirstTick(SilentReport):
    """Does something while the sweep waits for GitHub."""

    def __init__(self, action):
        super().__init__()
        self.actions = [action]

    def tick(self):
        super().tick()
        while self.actions:
            self.actions.pop()()


# ---- limits


@pytest.mark.fault(1)
@pytest.mark.fault(7)
def test_fault_1_and_7_a_used_up_quota_defers_the_rest_and_a_retry_before_the_reset_asks_nothing(upstream):
    many_sources(upstream, 200)
    upstream.tokens = {TOKEN: 5000}
    upstream.used[upstream.purse(TOKEN, "graphql")] = 4998  # of the reserve nothing is left for a sweep
    upstream.requests.clear()
    result = sweep_all()
    assert outcomes(result) == {"unchanged": 50, "deferred": 150}
    assert kinds(upstream) == {"graphql": 1}
    deferred = [row for row in result.rows if row.outcome == "deferred"]
    assert {row.code for row in deferred} == {"upstream_rate_limited"}
    assert all(row.detail["reset_at"] for row in deferred)
    job = Job.objects.get(kind="marketplace.bulk_rescan")
    assert job.status == "partial"
    assert Source.objects.filter(failures__gt=0).count() == 0
    upstream.requests.clear()
    retried = control.retry(job, actor=COMMAND_LINE)
    runner.deliver(str(retried.pk))
    retried.refresh_from_db()
    assert (retried.status, retried.items.filter(outcome="deferred").count()) == ("partial", 150)
    assert upstream.requests == []
    UpstreamBudget.objects.update(reset_at=timezone.now() - timedelta(seconds=1))
    upstream.used.clear()
    again = control.retry(retried, actor=COMMAND_LINE)
    runner.deliver(str(again.pk))
    again.refresh_from_db()
    assert (again.status, again.items.filter(outcome="unchanged").count()) == ("succeeded", 150)


def test_fault_2_a_short_limit_is_waited_for_and_git_goes_on(upstream, source):
    many_sources(upstream, 2)
    upstream.on("graphql", status(429, "{}", Retry_After="1"))
    upstream.requests.clear()
    assert outcomes(sweep_all()) == {"unchanged": 2, "updated": 1}
    assert kinds(upstream) == {"graphql": 2}


@pytest.mark.fault(3)
def test_fault_3_a_secondary_limit_holds_for_rest_too_and_not_for_git(upstream, source):
    sources = many_sources(upstream, 2)
    message = '{"message": "You have exceeded a secondary rate limit."}'
    upstream.always("graphql", status(403, message, X_RateLimit_Remaining="99"))
    upstream.requests.clear()
    assert outcomes(sweep_all()) == {"deferred": 2, "updated": 1}
    row = UpstreamBudget.objects.get(resource="secondary")
    assert timedelta(seconds=55) < row.cooldown_until - timezone.now() <= timedelta(seconds=60)
    on_github = next(source for source in sources if source.owner == "acme")
    with pytest.raises(Exception, match="pace"):
        scan(on_github)
    assert len(upstream.requests) == 1
    UpstreamBudget.objects.update(cooldown_until=timezone.now() - timedelta(seconds=1))
    sweep_all()
    row.refresh_from_db()
    assert timedelta(seconds=115) < row.cooldown_until - timezone.now() <= timedelta(seconds=120)
    assert len(upstream.requests) == 2


def test_fault_5_a_reset_in_milliseconds_holds_for_hours_at_most(upstream):
    many_sources(upstream, 2)
    far = str(int((timezone.now() + timedelta(days=400)).timestamp() * 1000))
    headers = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": far, "X_RateLimit_Resource": "graphql"}
    upstream.on("graphql", status(403, '{"message": "API rate limit exceeded"}', **headers))
    assert outcomes(sweep_all()) == {"deferred": 2}
    until = UpstreamBudget.objects.get(resource="graphql").cooldown_until
    assert until - timezone.now() <= timedelta(hours=2)


@pytest.mark.fault(18)
def test_fault_18_a_refused_token_is_asked_once_for_all_and_not_again(upstream, settings):
    many_sources(upstream, 200)
    upstream.tokens = {"another": 5000}
    upstream.requests.clear()
    result = sweep_all()
    assert outcomes(result) == {"failed": 200}
    assert {row.code for row in result.rows} == {"upstream_auth"}
    assert len(upstream.requests) == 1
    sweep_all()
    assert len(upstream.requests) == 1
    assert not Source.objects.exclude(last_error_code="").exists()
    settings.GITHUB_TOKEN = "another"
    assert outcomes(sweep_all()) == {"unchanged": 200}
    assert RefusedToken.objects.count() == 1


def test_a_schedule_does_not_queue_what_a_limit_would_defer(upstream, source):
    many_sources(upstream, 2)
    Source.objects.update(scan_interval=60, next_scan_at=timezone.now() - timedelta(minutes=1))
    upstream.always("graphql", status(429, "{}", Retry_After="600"))
    assert outcomes(sweep_all()) == {"deferred": 2, "updated": 1}
    Source.objects.update(next_scan_at=timezone.now() - timedelta(minutes=1))
    assert rescan_due() == {"queued": 1}


# ---- a worker that is lost


def test_a_second_attempt_asks_only_about_what_is_missing(upstream, monkeypatch):
    sources = many_sources(upstream, 120)
    later(upstream, "acme/r3", {"skills/gamma/SKILL.md": skill("gamma")})
    ids = [source.pk for source in sources]
    job = runner.enqueue(bulk_rescan, {"ids": ids, "force": False, "allow_removals": False}, COMMAND_LINE)
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "sweep", cut_after(1))
        with pytest.raises(KeyboardInterrupt):
            runner.deliver(str(job.pk))
    assert JobItem.objects.filter(job=job, outcome="unchanged").count() == 49
    Job.objects.filter(pk=job.pk).update(status="queued", finished_at=None)
    upstream.queries.clear()
    runner.deliver(str(job.pk))
    # The one that has changed was not handed out yet.
    assert sum(query.count("repository(") for query in upstream.queries) == 71
    for child in Job.objects.filter(parent=job):
        runner.deliver(str(child.pk))
    job.refresh_from_db()
    assert (job.status, job.done, job.total) == ("succeeded", 120, 120)
    assert job.items.filter(outcome="unchanged").count() == 119
    assert ScanRun.objects.filter(job_id__in=job.children.values("pk")).count() == 1


def cut_after(batches):
    """A sweep whose process is killed after so many batches."""

    def killed(*args, **more):
        for number, swept in enumerate(sweep(*args, **more)):
            if number == batches:
                raise KeyboardInterrupt
            yield swept

    return killed


# ---- the latest release


def test_the_latest_release_is_kept_shown_and_forgotten_with_the_address(upstream, api, admin_client):
    many_sources(upstream, 2)
    upstream.repository("acme/r1").facts["latest_release"] = "v2.0"
    later(upstream, "acme/tools", {"skills/gamma/SKILL.md": skill("gamma")}).facts["latest_release"] = "v" * 300
    sweep_all()
    first, second = Source.objects.order_by("pk")
    assert (first.latest_release, second.latest_release) == ("v" * 255, "v2.0")
    assert api.get(f"/api/v1/marketplace/sources/{second.pk}").json()["latest_release"] == "v2.0"
    page = admin_client.get(reverse("admin:marketplace_source_change", args=[second.pk])).content.decode()
    assert "v2.0" in page
    scan(second, force=True)
    assert second.latest_release == "v2.0", "a scan of its own does not ask, and so does not erase"
    update_source(second, actor=COMMAND_LINE, changes={"url": f"{upstream.url}/acme/elsewhere"})
    second.refresh_from_db()
    assert second.latest_release == ""
