"""The ledger's rows: shared by all, kept apart by host, token and resource, and without a token in them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from skillmeat_site.core.budgets import Account, RowBudget, budget_overview, forget_old
from skillmeat_site.core.doctor import Health, upstream_budgets
from skillmeat_site.core.models import UpstreamBudget
from skillmeat_site.upstream.budget import Resource
from skillmeat_site.upstream.errors import UpstreamRateLimited, UpstreamUnreachable
from skillmeat_site.upstream.quota import Quota

pytestmark = pytest.mark.django_db

TOKEN = "ghp_" + "secret" * 6
ACCOUNT = Account.of("github.com", TOKEN, "GITHUB_TOKEN")


def told(resource="core", remaining=4900, limit=5000, account=ACCOUNT):
    RowBudget(account).told(Quota(resource, limit, remaining, 600))


def refused(resource, account=ACCOUNT, *, background=False):
    try:
        RowBudget(account, background=background).check(resource)
    except UpstreamRateLimited as error:
        return error
    return None


def test_what_one_worker_learns_all_keep_to():
    RowBudget(ACCOUNT).limited(Resource.CORE, UpstreamRateLimited(retry_after=90))
    error = refused(Resource.CORE)
    assert 85 < error.retry_after <= 90
    assert abs(error.reset_at - timezone.now() - timedelta(seconds=90)) < timedelta(seconds=5)


def test_fault_2_other_hosts_tokens_and_git_go_on():
    RowBudget(ACCOUNT).limited(Resource.CORE, UpstreamRateLimited(retry_after=7))
    assert refused(Resource.GIT) is None
    assert refused(Resource.GRAPHQL) is None
    assert refused(Resource.CORE, Account.of("github.com", "another", "GITHUB_TOKEN")) is None
    assert refused(Resource.CORE, Account.of("ghe.example.org", TOKEN, "GITHUB_TOKEN")) is None
    assert refused(Resource.CORE, Account("github.com")) is None


def test_a_limit_of_pace_holds_for_all_of_the_api():
    RowBudget(ACCOUNT).limited(Resource.SECONDARY, UpstreamRateLimited(retry_after=60))
    assert [refused(resource) is not None for resource in (Resource.CORE, Resource.GRAPHQL, Resource.GIT)] == [
        True,
        True,
        False,
    ]


# ---- two workers at once: what each has read is old when it writes


def both(resource=Resource.CORE):
    """Two workers whose requests are under way."""
    workers = RowBudget(ACCOUNT), RowBudget(ACCOUNT)
    for worker in workers:
        worker.check(resource)
    return workers


def its_pause_is_over(resource=Resource.SECONDARY):
    UpstreamBudget.objects.filter(resource=resource).update(cooldown_until=timezone.now() - timedelta(seconds=1))


def test_a_good_answer_that_was_under_way_ends_no_cooldown_of_anothers():
    good, bad = both()
    bad.limited(Resource.CORE, UpstreamRateLimited(retry_after=900))
    good.told(Quota("core", 5000, 4000, 900))
    assert refused(Resource.CORE).retry_after > 890
    assert UpstreamBudget.objects.get().remaining == 4000


def test_nor_one_of_pace_that_is_refused_anew():
    RowBudget(ACCOUNT).limited(Resource.SECONDARY, UpstreamRateLimited(retry_after=60))
    its_pause_is_over()
    good, bad = both()
    bad.limited(Resource.SECONDARY, UpstreamRateLimited(retry_after=60))
    good.told(Quota("core", 5000, 4000, 900))
    assert refused(Resource.CORE).retry_after > 110
    assert UpstreamBudget.objects.get(resource="secondary").strikes == 2


def test_a_refusal_keeps_what_a_good_answer_told_of_the_quota():
    good, bad = both()
    good.told(Quota("core", 5000, 4000, 900))
    bad.limited(Resource.CORE, UpstreamRateLimited(retry_after=60))
    row = UpstreamBudget.objects.get()
    assert (row.limit, row.remaining, row.cooldown_until is None) == (5000, 4000, False)


@pytest.mark.parametrize("seconds", [(900, 60), (60, 900)], ids=str)
@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_of_two_refusals_at_once_the_longer_wait_holds_and_they_are_one_strike(seconds, known):
    if known:
        told()
    for worker, pause in zip(both(), seconds, strict=True):
        error = worker.limited(Resource.CORE, UpstreamRateLimited(retry_after=pause))
    assert error.retry_after > 890
    assert refused(Resource.CORE).retry_after > 890
    assert UpstreamBudget.objects.get().strikes == 1


def test_an_absence_ends_no_cooldown_and_its_end_none_either():
    away(RowBudget(ACCOUNT), offline=True)
    there, bad = both()
    bad.limited(Resource.CORE, UpstreamRateLimited(retry_after=900))
    there.reached(Resource.CORE)
    assert refused(Resource.CORE).retry_after > 890
    assert UpstreamBudget.objects.get().offline_until is None
    there.unreachable(Resource.CORE, UpstreamUnreachable(offline=True))
    assert refused(Resource.CORE).retry_after > 890


@pytest.mark.parametrize("resource", [Resource.CORE, Resource.SECONDARY])
def test_a_good_answer_after_the_wait_makes_good_for_it(resource):
    RowBudget(ACCOUNT).limited(resource, UpstreamRateLimited(retry_after=60))
    its_pause_is_over(resource)
    budget = RowBudget(ACCOUNT)
    budget.check(Resource.CORE)
    budget.told(Quota("core", 5000, 4000, 900))
    row = UpstreamBudget.objects.get(resource=resource)
    assert (row.strikes, row.cooldown_until) == (0, None)


# ---- what is kept for people


def test_sweeps_stop_at_the_reserve():
    told(remaining=500)
    assert refused(Resource.CORE) is None
    assert "kept for people" in refused(Resource.CORE, background=True).detail


def test_it_costs_one_statement_each():
    budget = RowBudget(ACCOUNT)
    with CaptureQueriesContext(connection) as asked:
        budget.check(Resource.CORE)
    with CaptureQueriesContext(connection) as kept:
        budget.told(Quota("core", 5000, 4999, 600))
    assert len(asked) == 1
    assert len([query for query in kept if "SAVEPOINT" not in query["sql"]]) == 1


def test_a_resource_that_nobody_here_uses_is_not_kept():
    told(resource="search")
    assert not UpstreamBudget.objects.exists()


def test_no_column_holds_the_token():
    told()
    assert TOKEN not in repr(list(UpstreamBudget.objects.values()))
    assert "secret" not in repr(list(UpstreamBudget.objects.values()))


def test_old_tokens_are_forgotten():
    told()
    UpstreamBudget.objects.update(updated_at=timezone.now() - timedelta(days=31))
    told("graphql")
    assert forget_old() == 1
    assert UpstreamBudget.objects.get().resource == "graphql"


# ---- where it shows


def test_the_api_tells(api, client_for, admin_user):
    told()
    RowBudget(ACCOUNT).limited(Resource.SECONDARY, UpstreamRateLimited(retry_after=60))
    for client in (api, client_for(admin_user, "read")):
        answer = client.get("/api/v1/rate-limit")
        assert answer.status_code == 200
        core, pace = answer.json()["results"]
        assert (core["host"], core["token"], core["resource"]) == ("github.com", "GITHUB_TOKEN", "core")
        assert (core["limit"], core["remaining"], core["reserve"], core["rejected"]) == (5000, 4900, 500, False)
        assert core["reset_at"]
        assert (pace["resource"], pace["limit"], pace["reserve"]) == ("secondary", None, None)
        assert pace["cooldown_until"]
        assert TOKEN not in answer.content.decode()


def test_the_api_asks_for_credentials_and_known_parameters(api):
    assert Client().get("/api/v1/rate-limit").status_code == 401
    assert api.get("/api/v1/rate-limit?x=1").status_code == 400


def test_the_admin_shows_and_changes_nothing(admin_user):
    told()
    client = Client()
    client.force_login(admin_user)
    page = client.get(reverse("admin:core_upstreambudget_changelist"))
    assert "4900 / 5000" in page.content.decode()
    row = UpstreamBudget.objects.get()
    assert client.get(reverse("admin:core_upstreambudget_change", args=[row.pk])).status_code == 200
    assert client.get(reverse("admin:core_upstreambudget_add")).status_code == 403


@pytest.mark.parametrize(
    ("remaining", "health"), [(4900, Health.OK), (300, Health.WARNING)], ids=["plenty", "only the reserve"]
)
def test_the_doctor_tells(remaining, health):
    told(remaining=remaining)
    [finding] = upstream_budgets()
    assert finding.status is health
    assert f"{remaining} of 5000 left" in finding.detail


# ---- hosts that are away


def away(budget, resource=Resource.CORE, **more):
    budget.check(resource)
    budget.unreachable(resource, UpstreamUnreachable(**more))


def test_a_host_that_is_away_is_left_alone_by_sweeps_only():
    away(RowBudget(ACCOUNT), offline=True)
    with pytest.raises(UpstreamUnreachable, match="a moment ago"):
        RowBudget(ACCOUNT, background=True).check(Resource.CORE)
    RowBudget(ACCOUNT).check(Resource.CORE)
    RowBudget(ACCOUNT, background=True).check(Resource.GIT)


def test_a_connection_that_broke_says_nothing_of_the_host():
    away(RowBudget(ACCOUNT))
    assert not UpstreamBudget.objects.exists()


def test_an_answer_ends_it_and_costs_nothing_where_there_was_nothing_to_end():
    away(RowBudget(ACCOUNT), offline=True)
    budget = RowBudget(ACCOUNT)
    budget.check(Resource.CORE)
    budget.reached(Resource.CORE)
    RowBudget(ACCOUNT, background=True).check(Resource.CORE)
    with CaptureQueriesContext(connection) as captured:
        budget.reached(Resource.CORE)
    assert len(captured) == 0


# ---- for people


def test_the_overview_is_one_statement_and_begins_with_what_is_urgent():
    told()
    told("graphql", remaining=300)
    RowBudget(Account("ghe.example.org")).limited(Resource.GIT, UpstreamRateLimited(retry_after=60))
    away(RowBudget(Account("github.com")), Resource.GIT, offline=True)
    with CaptureQueriesContext(connection) as captured:
        lines = budget_overview()
    assert len(captured) == 1
    assert [(line.host, line.resource, line.state) for line in lines] == [
        ("ghe.example.org", "git", "waiting"),
        ("github.com", "graphql", "reserve only"),
        ("github.com", "git", "offline"),
        ("github.com", "core", "open"),
    ]
    assert [line.until is None for line in lines] == [False, False, False, True]
    assert (lines[3].left, lines[3].limit, lines[3].reserve, lines[3].token_name) == (4900, 5000, 500, "GITHUB_TOKEN")
