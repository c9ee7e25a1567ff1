"""The plug is pulled in the middle: the server goes away, or the process. Nothing is lost, and whoever takes it up
again asks only about what is missing, by the server's log.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from urllib3.util import connection

from marketplace.jobs import bulk_refresh_auto_tags, bulk_rescan
from marketplace.models import Source
from marketplace.services.auto_tags import ROWS_KEPT_AT_ONCE
from marketplace.services.entries import set_excluded
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import control, runner
from skillmeat_site.core.models import Job, UpstreamBudget
from tests.conftest import skills
from tests.fakes.git_http import drop
from tests.fakes.github_faults import unplug
from tests.marketplace.machines import asked_of
from tests.marketplace.scanning import dump, scan
from tests.marketplace.sweeping import TOKEN, many_sources

pytestmark = pytest.mark.django_db


@pytest.fixture
def upstream(hub, on_github, settings):
    settings.GITHUB_TOKEN = TOKEN
    on_github(skills("alpha", "beta"))
    return hub


def run(definition, **params):
    """As a worker does."""
    ids = list(Source.objects.order_by("pk").values_list("pk", flat=True))
    return finish(runner.enqueue(definition, {"ids": ids, **params}, COMMAND_LINE))


def finish(job):
    runner.deliver(str(job.pk))
    for child in Job.objects.filter(parent=job, parent_item__isnull=False):
        runner.deliver(str(child.pk))
    job.refresh_from_db()
    return job


def outcomes(job):
    found = {}
    for outcome in job.items.values_list("outcome", flat=True):
        found[outcome] = found.get(outcome, 0) + 1
    return found


SWEEP = {"force": False, "allow_removals": False}


def test_the_server_goes_away_in_the_middle_of_a_sweep(upstream):
    sources = many_sources(upstream, 160)
    set_excluded([sources[0].entries.first().pk], excluded=True, reason="mine", actor=COMMAND_LINE)
    before = dump()
    upstream.queries.clear()
    upstream.on("graphql", unplug, nth=2)
    job = run(bulk_rescan, **SWEEP)
    assert (job.status, outcomes(job)) == ("partial", {"unchanged": 50, "failed": 110})
    assert set(job.items.filter(outcome="failed").values_list("code", flat=True)) == {"upstream_unreachable"}
    assert dump() == before
    assert Source.objects.filter(last_error_code="upstream_unreachable").count() == 110

    upstream.plug_in()
    upstream.behave()
    upstream.requests.clear()
    upstream.queries.clear()
    UpstreamBudget.objects.update(offline_until=timezone.now() - timedelta(seconds=1))
    retried = finish(control.retry(job, actor=COMMAND_LINE))
    assert (retried.status, outcomes(retried)) == ("succeeded", {"unchanged": 110})
    assert sorted(asked_of(upstream.queries)) == sorted(source.name for source in sources[50:])
    assert {request.kind for request in upstream.requests} == {"graphql"}, "no tree is read that has not changed"
    assert dump() == before
    assert not Source.objects.exclude(last_error_code="").exists()
    assert not Source.objects.exclude(not_before=None).exists()


def test_what_was_held_or_gone_before_the_outage_is_looked_at_again(upstream):
    """Silence covers up nothing: the failure before it still asks for a whole scan."""
    [source] = many_sources(upstream, 1)
    Source.objects.update(last_error_code="removals_held", last_error_detail="12 entries")
    source.refresh_from_db()
    upstream.always("", drop)
    with pytest.raises(Exception, match="broke"):
        scan(source)
    upstream.behave()
    source.refresh_from_db()
    assert scan(source).short_circuit is None
    assert scan(source).short_circuit == "commit"


def test_the_server_goes_away_in_the_middle_of_a_refresh_of_topics(upstream):
    sources = many_sources(upstream, 160)
    for source in sources:
        upstream.repository(f"acme/{source.name}").facts.update(topics=["ai"])
    upstream.queries.clear()
    upstream.on("graphql", unplug, nth=2)
    job = run(bulk_refresh_auto_tags)
    assert (job.status, outcomes(job)) == ("partial", {"updated": 50, "failed": 110})
    assert (job.result["total_succeeded"], job.result["total_failed"]) == (50, 110)
    assert [source.found_tags.count() for source in sources] == [1] * 50 + [0] * 110

    upstream.plug_in()
    upstream.behave()
    upstream.requests.clear()
    upstream.queries.clear()
    retried = finish(control.retry(job, actor=COMMAND_LINE))
    assert (retried.status, outcomes(retried)) == ("succeeded", {"updated": 110})
    assert asked_of(upstream.queries) == [source.name for source in sources[50:]]
    assert [request.kind for request in upstream.requests] == ["graphql"] * 2
    assert [source.found_tags.count() for source in sources] == [1] * 160


def test_a_host_that_is_away_is_not_tried_for_each_topic(upstream, settings, monkeypatch):
    """Counted at the socket: nobody listens who could count."""
    many_sources(upstream, 30)
    settings.SKILLMEAT_GITHUB_TIERS = ["rest", "git"]
    tried = []
    upstream.unplug()
    original = connection.create_connection
    monkeypatch.setattr(
        "urllib3.util.connection.create_connection", lambda *a, **k: tried.append(a) or original(*a, **k)
    )
    job = run(bulk_refresh_auto_tags)
    assert outcomes(job) == {"failed": 30}
    assert len(tried) == 1


# ---- the process is killed

SWEEP_KILLED = """
from marketplace import jobs
from marketplace.services import sweep as module
stamp, batches = module._stamp, []
def killed(unchanged):
    if len(batches) == 2:
        kill()
    batches.append(1)
    return stamp(unchanged)
module._stamp = killed
params = {"ids": ids(), "force": False, "allow_removals": False}
runner.deliver(str(runner.enqueue(bulk_rescan, params, COMMAND_LINE).pk))
"""

REFRESH_KILLED = """
from marketplace.services import auto_tags
write, written = auto_tags._write, []
def killed(*args):
    written.append(1)
    if len(written) == 131:
        kill()
    return write(*args)
auto_tags._write = killed
runner.deliver(str(runner.enqueue(bulk_refresh_auto_tags, {"ids": ids()}, COMMAND_LINE).pk))
"""

REAPED = """
from datetime import timedelta
from django.utils import timezone
Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=10))
assert reaper.reap().requeued == 1
job = Job.objects.get()
runner.deliver(str(job.pk))
job.refresh_from_db()
from marketplace.models import SourceTag, ScanRun
tell(status=job.status, attempt=job.attempt, items=items(job), tags=SourceTag.objects.count(), done=job.done,
     runs=ScanRun.objects.count(), errors=Source.objects.exclude(last_error_code="").count())
"""


@pytest.mark.slow
def test_a_sweep_that_is_killed_is_taken_up_where_it_was(machine):
    machine.many(160)
    machine.hub.queries.clear()
    machine.run(SWEEP_KILLED, killed=True)
    assert len(asked_of(machine.hub.queries)) == 160
    machine.hub.queries.clear()
    told = machine.run(REAPED)
    assert (told["status"], told["attempt"], told["items"]) == ("succeeded", 2, {"unchanged": 160})
    assert (told["runs"], told["errors"]) == (1, 0)
    # Fifty and sixty had been stamped and kept; what was asked about the last fifty was not.
    assert asked_of(machine.hub.queries) == [f"r{number}" for number in range(110, 160)]


@pytest.mark.slow
def test_a_refresh_of_topics_that_is_killed_is_taken_up_where_it_was(machine):
    machine.many(160)
    for state in machine.hub._states:
        state.facts["topics"] = ["ai"]
    machine.hub.queries.clear()
    machine.run(REFRESH_KILLED, killed=True)
    machine.hub.queries.clear()
    told = machine.run(REAPED)
    assert (told["status"], told["attempt"], told["done"]) == ("succeeded", 2, 160)
    # Ten had been written and not yet kept as rows: asked again, they are unchanged.
    assert told["items"] == {"updated": 150, "unchanged": 10}
    assert told["tags"] == 160
    asked = asked_of(machine.hub.queries)
    assert len(asked) - 30 < ROWS_KEPT_AT_ONCE
    assert asked == [f"r{number}" for number in range(120, 160)]
