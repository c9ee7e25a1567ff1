"""What becomes of a repository: renamed, taken, gone, empty, taken down, pushed over."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from marketplace.models import ScanRun, Source
from marketplace.services.scan_record import BACK_OFF
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.upstream.errors import (
    UpstreamBlocked,
    UpstreamIdentityChanged,
    UpstreamInvalid,
    UpstreamNotFound,
    UpstreamRefNotFound,
)
from skillmeat_site.upstream.sample import commit, create_repository
from tests.conftest import Repository, skill, skills
from tests.fakes.git_http import status
from tests.fakes.github_objects import git
from tests.marketplace.answers import BASE, ok
from tests.marketplace.faults.conftest import asked
from tests.marketplace.scanning import counters, dump, scan
from tests.marketplace.sweeping import sweep_all

pytestmark = pytest.mark.django_db

READING = ("/git/trees/", "/git/blobs/", "/tarball/", "legacy.tar.gz")


def read_of(hub):
    """The requests by which content is read, whoever is asked."""
    api = [path for path in hub.paths() if any(part in path for part in READING)]
    return api + hub.paths("git")


def fails(source, kind):
    before = dump()
    with pytest.raises(kind) as caught:
        scan(source)
    assert dump() == before
    source.refresh_from_db()
    assert source.last_error_code == caught.value.code
    return caught.value


@pytest.mark.fault(14)
def test_a_rename_is_followed_once_and_then_known(upstream, by_api, tools):
    scan(by_api)
    number, old = by_api.repository_id, by_api.url
    upstream.rename("acme/tools", "new/kit")
    commit(upstream.root / "new" / "kit.git", skills("gamma"), "later", time=1_800_000_000)
    upstream.requests.clear()
    assert counters(scan(by_api)) == {"new": 1, "unchanged": 2}
    paths = upstream.paths("api")
    assert paths[:2] == ["/repos/acme/tools/commits/HEAD", f"/repositories/{number}/commits/HEAD"]
    assert len([path for path in paths if path.startswith("/repos/acme/")]) == 1
    assert (by_api.url, by_api.repository_id) == (f"{upstream.url}/new/kit", number)
    assert by_api.url != old
    upstream.requests.clear()
    scan(by_api)
    assert upstream.paths() == ["/repos/new/kit/commits/HEAD"]


@pytest.mark.fault(14)
def test_a_circle_of_redirects_ends(upstream, by_api):
    scan(by_api)
    upstream.requests.clear()
    upstream.always("", status(301, Location=f"{upstream.api_url}/repositories/5/commits/HEAD"))
    fails(by_api, UpstreamInvalid)
    assert len(upstream.requests) <= 2


@pytest.mark.fault(15)
@pytest.mark.parametrize("provider", ["auto", "github"])
def test_a_stranger_under_the_old_name_is_asked_for_nothing_but_who_it_is(upstream, source, tools, provider):
    Source.objects.update(provider=provider)
    scan(source)
    upstream.delete("acme/tools")
    path = upstream.root / "acme" / "tools.git"
    create_repository(path)
    commit(path, {"skills/evil/SKILL.md": skill("evil")}, "taken", time=1_800_000_000)
    upstream.requests.clear()
    fails(source, UpstreamIdentityChanged)
    assert read_of(upstream) == []
    assert f"/repositories/{source.repository_id}" in upstream.paths()
    assert Source.objects.with_health().get().health == "failing"


@pytest.mark.fault(17)
def test_one_that_is_gone_is_tried_by_its_id_and_left_alone_longer_each_time(upstream, by_api, api):
    scan(by_api)
    upstream.delete("acme/tools")
    waits = []
    for _ in range(5):
        upstream.requests.clear()
        fails(by_api, UpstreamNotFound)
        assert f"/repositories/{by_api.repository_id}" in upstream.paths()
        assert len(upstream.requests) <= 3
        assert read_of(upstream) == []
        waits.append(by_api.not_before - timezone.now())
        upstream.requests.clear()
        assert not Source.objects.sweepable().exists()
    expected = [*BACK_OFF, BACK_OFF[-1]]
    assert (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24), timedelta(days=7)) == BACK_OFF
    assert all(timedelta(0) <= due - wait < timedelta(minutes=2) for due, wait in zip(expected, waits, strict=True))
    assert ok(api.get(f"{BASE}/sources/{by_api.pk}"))["health"] == "unreachable"
    assert ok(api.get(f"{BASE}/entries"))["results"]


@pytest.mark.fault(19)
def test_an_empty_repository_is_an_empty_catalog_and_its_first_push_is_seen(upstream, hub):
    path = upstream.root / "acme" / "empty.git"
    create_repository(path)
    source = create_source(url=f"{upstream.url}/acme/empty", provider="github", actor=COMMAND_LINE)
    result = scan(source)
    assert (result.counters.total, result.commit, result.listing_complete) == (0, None, True)
    assert upstream.paths() == ["/repos/acme/empty/commits/HEAD", "/repos/acme/empty"]
    assert Source.objects.with_health().get().health == "fresh"
    commit(path, skills("first"), "first", time=1_800_000_000)
    upstream.requests.clear()
    assert counters(scan(source)) == {"new": 1}
    assert len(asked(upstream, "/git/trees/")) == 1


BLOCK = {"message": "Repository access blocked", "block": {"reason": "tos", "created_at": "2023-01-01T00:00:00Z"}}


@pytest.mark.fault(20)
@pytest.mark.parametrize(("fault", "reason"), [(None, "dmca"), (status(403, json.dumps(BLOCK)), "tos")])
def test_what_was_taken_down_says_why_and_is_asked_once_a_week(upstream, by_api, api, fault, reason):
    scan(by_api)
    if fault is None:
        upstream.repository("acme/tools").blocked = reason
    else:
        upstream.always("", fault)
    upstream.requests.clear()
    assert reason in fails(by_api, UpstreamBlocked).detail
    assert len(upstream.requests) == 1
    assert timedelta(days=6, hours=23) < by_api.not_before - timezone.now() <= timedelta(days=7)
    told = ok(api.get(f"{BASE}/sources/{by_api.pk}"))
    assert (told["health"], told["last_error"]["code"]) == ("unreachable", "upstream_blocked")
    assert reason in told["last_error"]["detail"]
    assert not Source.objects.sweepable().exists()
    fails(by_api, UpstreamBlocked)
    assert len(upstream.requests) == 2


@pytest.mark.fault(36)
def test_a_force_push_is_only_another_listing(upstream, by_api, tools):
    scan(by_api)
    before = by_api.head_commit
    tools.path.rename(tools.path.with_name("old"))
    create_repository(tools.path)
    Repository(tools.path).commit({**skills("beta", "gamma")}, "another history")
    assert git(tools.path, "cat-file", "-t", before) is None, "the old commit is gone"
    upstream.requests.clear()
    assert counters(scan(by_api)) == {"new": 1, "removed": 1, "unchanged": 1}
    assert len(asked(upstream, "/git/trees/")) == 1
    assert not asked(upstream, "compare")
    assert not asked(upstream, before)


@pytest.mark.fault(37)
@pytest.mark.parametrize("moment", ["/git/trees/", "/git/blobs/", "tools$"])
def test_a_push_between_two_questions_changes_nothing_of_the_snapshot(upstream, by_api, tools, moment):
    first = git(tools.path, "rev-parse", "main").decode().strip()

    def push(handler):
        tools.commit({"skills/alpha/SKILL.md": None, **skills("later")})
        return False

    upstream.on(moment, push)
    result = scan(by_api)
    assert (result.commit, counters(result)) == (first, {"new": 2})
    trees = asked(upstream, "/git/trees/")
    assert trees == [f"/repos/acme/tools/git/trees/{first}?recursive=1"]
    assert not asked(upstream, "/main")
    assert not asked(upstream, "/contents")
    assert counters(scan(by_api)) == {"new": 1, "removed": 1, "unchanged": 1}


@pytest.mark.fault(38)
def test_another_default_branch_is_taken_from_head(upstream, by_api, tools):
    scan(by_api)
    git(tools.path, "branch", "-m", "main", "trunk")
    git(tools.path, "symbolic-ref", "HEAD", "refs/heads/trunk")
    upstream.requests.clear()
    assert scan(by_api).short_circuit == "commit"
    assert upstream.paths() == ["/repos/acme/tools/commits/HEAD"]


@pytest.mark.fault(38)
def test_a_pinned_ref_that_is_gone_is_told_clearly(upstream, tools):
    source = create_source(url=f"{upstream.url}/acme/tools", provider="github", ref="main", actor=COMMAND_LINE)
    scan(source)
    git(tools.path, "branch", "-m", "main", "trunk")
    git(tools.path, "symbolic-ref", "HEAD", "refs/heads/trunk")
    upstream.requests.clear()
    error = fails(source, UpstreamRefNotFound)
    assert "no such branch or tag" in error.detail
    assert read_of(upstream) == []
    assert ScanRun.objects.first().code == "upstream_ref_not_found"


@pytest.mark.fault(17)
@pytest.mark.fault(20)
def test_a_sweep_leaves_alone_what_is_gone_or_taken_down(upstream, by_api):
    scan(by_api)
    upstream.repository("acme/tools").blocked = "dmca"
    fails(by_api, UpstreamBlocked)
    upstream.requests.clear()
    Source.objects.update(scan_interval=60, next_scan_at=timezone.now() - timedelta(days=1))
    assert not Source.objects.due().exists()
    sweep_all()  # asked for by id: tried at once
    assert upstream.requests
