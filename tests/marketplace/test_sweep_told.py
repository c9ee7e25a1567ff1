"""What a sweep was told of a source, after somebody edited or scanned the source: its child asks for itself then."""

from __future__ import annotations

import subprocess

import pytest

from marketplace.jobs import bulk_rescan
from marketplace.models import CatalogEntry
from marketplace.services.sources import create_source, update_source
from marketplace.webhook_jobs import receive
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.budgets import RowBudget
from skillmeat_site.core.jobs import control, runner
from skillmeat_site.core.models import Job
from skillmeat_site.core.upstreams import account_of
from skillmeat_site.upstream.quota import Quota
from skillmeat_site.upstream.sample import commit
from tests.conftest import skill, skills
from tests.marketplace.scanning import scan
from tests.marketplace.sweeping import TOKEN

pytestmark = pytest.mark.django_db


@pytest.fixture
def upstream(hub, on_github, settings):
    settings.GITHUB_TOKEN = TOKEN
    on_github(skills("alpha"))
    return hub


@pytest.fixture
def source(upstream):
    return create_source(url=f"{upstream.url}/acme/tools", actor=COMMAND_LINE)


def changed(upstream, name, file, time, repository="acme/tools"):
    path = upstream.repository(repository).path
    return commit(path, {f"skills/{name}/SKILL.md": skill(name)}, file, time=time)


def swept(source):
    """The child that a sweep has queued for the source."""
    params = {"ids": [source.pk], "force": False, "allow_removals": False}
    job = runner.enqueue(bulk_rescan, params, COMMAND_LINE)
    runner.deliver(str(job.pk))
    [child] = Job.objects.filter(kind="marketplace.rescan", status="queued")
    return child


def deliver(job, source):
    runner.deliver(str(job.pk))
    job.refresh_from_db(), source.refresh_from_db()
    assert job.status == "succeeded"


def push(upstream):
    """A push that GitHub tells of, and its scan."""
    repository = {"id": upstream.repository("acme/tools").id, "full_name": "acme/tools", "default_branch": "main"}
    receive("a-delivery", "push", {"ref": "refs/heads/main", "repository": repository})
    runner.deliver(str(Job.objects.get(trigger="webhook").pk))


def names():
    return set(CatalogEntry.objects.present().values_list("name", flat=True))


def test_another_url_is_not_undone(upstream, source, on_github):
    on_github(skills("alpha"), "me/fork")  # the same first commit
    changed(upstream, "gamma", "mine", 1_800_000_000, "me/fork")
    child = swept(source)
    update_source(source, actor=COMMAND_LINE, changes={"url": f"{upstream.url}/me/fork"})
    deliver(child, source)
    assert (source.url, source.repository_id) == (f"{upstream.url}/me/fork", upstream.repository("me/fork").id)
    assert names() == {"alpha", "gamma"}


def test_another_ref_is_the_one_that_is_read(upstream, source):
    path = upstream.repository("acme/tools").path
    subprocess.run(["git", "-C", str(path), "branch", "stable"], check=True)
    changed(upstream, "gamma", "later", 1_800_000_000)
    child = swept(source)
    update_source(source, actor=COMMAND_LINE, changes={"ref": "stable"})
    deliver(child, source)
    assert (source.resolved_ref, names()) == ("refs/heads/stable", {"alpha"})


def test_a_push_in_between_is_not_undone(upstream, source):
    scan(source)
    changed(upstream, "gamma", "one", 1_800_000_000)
    child = swept(source)
    changed(upstream, "delta", "two", 1_800_000_100)
    push(upstream)
    source.refresh_from_db()
    newest = source.head_commit
    deliver(child, source)
    assert (source.head_commit, names()) == (newest, {"alpha", "gamma", "delta"})


def test_nor_is_it_by_a_sweep_that_somebody_waits_for(upstream, source, on_github):
    on_github(skills("x"), "acme/aaa")
    first = create_source(url=f"{upstream.url}/acme/aaa", actor=COMMAND_LINE)

    def watch(done, total, label):
        """Before the second child begins."""
        if (done, total) == (1, 2) and not Job.objects.filter(trigger="webhook").exists():
            changed(upstream, "delta", "two", 1_800_000_100)
            push(upstream)

    params = {"ids": [first.pk, source.pk], "force": False, "allow_removals": False}
    runner.run_inline(bulk_rescan, params, COMMAND_LINE, watch=watch)
    assert names() == {"x", "alpha", "delta"}


def test_what_does_not_matter_to_it_asks_nothing_again(upstream, source):
    scan(source)
    changed(upstream, "gamma", "one", 1_800_000_000)
    child = swept(source)
    update_source(source, actor=COMMAND_LINE, changes={"tags": ["mine"], "scan_interval": 60})
    upstream.requests.clear()
    deliver(child, source)
    assert names() == {"alpha", "gamma"}
    assert not [path for path in upstream.paths("api") if "/commits/" in path or path.endswith("/tools")]


def test_who_has_a_child_done_again_waits_for_it_and_has_the_reserve(upstream, source):
    child = swept(source)
    account = account_of(TOKEN)
    RowBudget(account).told(Quota("core", 5000, 300, 3600))
    runner.deliver(str(child.pk))
    child.refresh_from_db()
    assert (child.status, child.error_code) == ("partial", "upstream_rate_limited")
    again = control.retry(child, actor=COMMAND_LINE)
    assert again.params == {"source_id": source.pk, "force": False, "allow_removals": False}
    deliver(again, source)
    assert names() == {"alpha"}


def test_a_child_that_holds_removals_can_be_done_again(upstream, source):
    child = swept(source)
    deliver(child, source)
    Job.objects.filter(pk=child.pk).update(status="partial", error_code="removals_held")
    child.items.update(code="removals_held")
    child.refresh_from_db()
    deliver(control.retry(child, actor=COMMAND_LINE), source)


def test_a_child_of_an_older_version_asks_for_itself(upstream, source):
    child = swept(source)
    del child.params["told"]["asked_for"]
    child.save(update_fields=["params"])
    upstream.requests.clear()
    deliver(child, source)
    assert [path for path in upstream.paths("api") if "/commits/" in path]
