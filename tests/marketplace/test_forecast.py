"""What a sweep is said to take, and what it takes by the server's log."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketplace.models import Source
from marketplace.services.forecast import (
    CHANGED_SHARE,
    SweepForecast,
    changed_share,
    forecast_sweep,
    forecast_topics,
    in_words,
    left_in_words,
)
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.budgets import Account
from skillmeat_site.core.ledger import Forecast, Standing
from skillmeat_site.core.models import UpstreamBudget, UpstreamToken
from skillmeat_site.core.upstream_tokens import store_token
from skillmeat_site.upstream.budget import Resource
from tests.conftest import skills
from tests.marketplace.sweeping import TOKEN, many_sources, sweep_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def upstream(hub, on_github, settings):
    settings.GITHUB_TOKEN = TOKEN
    on_github(skills("alpha"))
    return hub


def test_nothing_is_foretold_where_nothing_is_on_github(source):
    assert forecast_sweep([source]) is None


def test_the_share_of_the_last_sweeps_is_expected_again(upstream):
    sources = many_sources(upstream, 40)
    assert changed_share() == CHANGED_SHARE
    assert forecast_sweep(sources).needs == {Resource.GRAPHQL: 1, Resource.CORE: 4}
    sweep_all()
    assert changed_share() == 0
    upstream.requests.clear()
    foretold = forecast_sweep(sources)
    sweep_all()
    assert foretold.requests == len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("tiers", "token", "needs"),
    [
        (["rest", "git"], TOKEN, {Resource.CORE: 10}),
        (["graphql", "rest", "git"], "", {Resource.GIT: 10}),
        (["graphql", "git"], TOKEN, {Resource.GRAPHQL: 1, Resource.GIT: 0}),
    ],
)
def test_each_tier_has_its_own_needs(upstream, settings, tiers, token, needs):
    sources = many_sources(upstream, 10)
    sweep_all()
    settings.SKILLMEAT_GITHUB_TIERS, settings.GITHUB_TOKEN = tiers, token
    assert forecast_sweep(sources).needs == needs


def test_never_scanned_sources_are_all_expected_to_have_changed(upstream):
    sources = many_sources(upstream, 10)
    sweep_all()
    Source.objects.update(last_success_at=None)
    assert forecast_sweep(list(Source.objects.all())).needs[Resource.CORE] == 2 * len(sources)


def test_in_words():
    now = timezone.now()
    standing = Standing(5000, 4900, now)
    part = Forecast({Resource.GRAPHQL: 12}, {Resource.GRAPHQL: standing}, now)
    told = in_words(SweepForecast({Account("github.com"): part}))
    assert told.startswith("This run needs about 12 requests, 5,000 of 5,000 left (graphql), all fresh by ")


def test_the_command_tells_before_and_after_and_json_stays_one_document(upstream):
    sources = many_sources(upstream, 3)
    out = StringIO()
    call_command("rescan", "--all", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("This run needs about 1 request, ")
    assert lines[-1] == left_in_words(sources)
    assert "4,999 of 5,000 (graphql)" in lines[-1]
    out = StringIO()
    call_command("rescan", "--all", "--json", stdout=out)
    assert out.getvalue().count("\n") == 1
    assert "This run" not in out.getvalue()


# ---- with several tokens


@pytest.fixture
def two_owners(upstream, settings):
    """Twenty sources with the environment's token, ten with one that is stored for their owner."""
    sources = many_sources(upstream, 30)
    store_token(name="other's", host=upstream.url, owner="other", value="stored-value", actor=COMMAND_LINE)
    for source in sources[20:]:
        upstream.rename_only(f"acme/{source.name}", f"other/{source.name}")
        url = f"{upstream.url}/other/{source.name}"
        Source.objects.filter(pk=source.pk).update(url=url, url_key=url, owner="other")
    sweep_all()
    return list(Source.objects.order_by("pk"))


def test_each_token_has_its_own_share(upstream, two_owners):
    foretold = forecast_sweep(two_owners)
    assert {account.token_name: part.needs for account, part in foretold.parts.items()} == {
        "GITHUB_TOKEN": {Resource.GRAPHQL: 1, Resource.CORE: 0},
        "other's": {Resource.GRAPHQL: 1, Resource.CORE: 0},
    }
    upstream.requests.clear()
    sweep_all()
    assert foretold.requests == len(upstream.requests) == 2
    told = in_words(foretold)
    assert "with GITHUB_TOKEN needs about 1 request, " in told
    assert "with other's needs about 1 request, " in told
    assert left_in_words(two_owners).count("with ") == 2


def test_one_token_that_is_short_makes_it_late(upstream, two_owners):
    UpstreamBudget.objects.filter(token_name="other's", resource="graphql").update(remaining=500)
    foretold = forecast_sweep(two_owners)
    assert not foretold.enough
    assert foretold.done_at - timezone.now() > timedelta(minutes=5)


def test_a_refused_token_needs_nothing(upstream, two_owners):
    UpstreamToken.objects.update(disabled_at=timezone.now(), disabled_reason="refused")
    foretold = forecast_sweep(two_owners)
    assert [account.token_name for account in foretold.parts] == ["GITHUB_TOKEN"]


def test_statements_grow_with_tokens_only(upstream, two_owners):
    with CaptureQueriesContext(connection) as few:
        forecast_sweep([two_owners[0], two_owners[-1]])
    with CaptureQueriesContext(connection) as many:
        forecast_sweep(two_owners)
    assert len(few) == len(many)


def test_topics_are_foretold_and_told_by_the_command(upstream):
    sources = many_sources(upstream, 60)
    upstream.requests.clear()
    foretold = forecast_topics(sources)
    out = StringIO()
    call_command("refresh_auto_tags", "--all", stdout=out)
    assert foretold.requests == len(upstream.requests) == 2
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("This run needs about 2 requests, ")
    assert lines[-1].startswith("Left of GitHub's limits: ")
    assert forecast_topics(sources[:1]).needs == {Resource.CORE: 1}
