"""What a sweep is said to take, and what it takes by the server's log."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from marketplace.models import Source
from marketplace.services.forecast import (
    CHANGED_SHARE,
    SweepForecast,
    changed_share,
    forecast_sweep,
    in_words,
    left_in_words,
)
from skillmeat_site.core.budgets import Account
from skillmeat_site.core.ledger import Forecast, Standing
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
