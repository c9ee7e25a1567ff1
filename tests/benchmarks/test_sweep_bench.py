"""What sweeps over thousands of sources cost at GitHub, counted by the server, and how well that was foretold."""

from __future__ import annotations

import shutil
import time

import pytest

from marketplace.models import Source
from marketplace.services.forecast import forecast_sweep
from skillmeat_site.upstream.sample import commit, create_repository
from tests.conftest import skill, skills
from tests.fakes.github import serve_github
from tests.marketplace.sweeping import TOKEN, many_sources, outcomes, sweep_all

# Five thousand repositories are much for a GitHub that is written in Python.
pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]


@pytest.fixture
def hub(settings, tmp_path):
    (tmp_path / "github").mkdir()
    with serve_github(tmp_path / "github") as running:
        settings.SKILLMEAT_GITHUB_URL = running.url
        settings.SKILLMEAT_GITHUB_API_URL = running.api_url
        settings.SKILLMEAT_GITHUB_GRAPHQL_URL = running.graphql_url
        settings.SKILLMEAT_ALLOWED_HOSTS = [running.url, running.codeload_host]
        settings.GITHUB_TOKEN = TOKEN
        path = running.root / "acme" / "tools.git"
        create_repository(path)
        commit(path, skills("alpha", "beta"), "first", time=1_767_225_600)
        yield running


def points(hub):
    return hub.used.get(hub.purse(TOKEN, "graphql"), 0)


def change(hub, numbers, turn):
    """A commit of its own with a skill of its own in each of these repositories."""
    for number in numbers:
        state = hub.repository(f"acme/r{number}")
        if not state.path.name.startswith("own"):
            path = hub.root / f"own{number}.git"
            shutil.copytree(state.path, path)
            state.path = path
        files = {"skills/gamma/SKILL.md": skill("gamma", f"of {number}, turn {turn}")}
        commit(state.path, files, "change", time=1_800_000_000 + turn)


def test_a_thousand_unchanged_sources(hub, record_figure, database, measured):
    many_sources(hub, 1000)
    hub.requests.clear()
    before, used = points(hub), dict(hub.used)
    with measured() as cost:
        began = time.thread_time()
        assert outcomes(sweep_all()) == {"unchanged": 1000}
        own = time.thread_time() - began
    trees = [path for path in hub.paths() if "/git/trees/" in path]
    blobs = [path for path in hub.paths() if "/git/blobs/" in path]
    record_figure("unchanged sweep of 1,000 GitHub sources", len(hub.requests), "requests", 20)
    record_figure("unchanged sweep of 1,000 GitHub sources", points(hub) - before, "points", 20)
    record_figure("unchanged sweep of 1,000 GitHub sources", len(trees) + len(blobs), "trees, blobs", 0)
    record_figure("unchanged sweep of 1,000 GitHub sources", hub.used[TOKEN] - used[TOKEN], "REST quota", 0)
    record_figure(f"unchanged sweep of 1,000 sources, {database}", len(cost.statements), "statements", 200)
    record_figure(f"unchanged sweep of 1,000 sources, {database}", cost.seconds, "s", None)
    record_figure(f"unchanged sweep of 1,000 sources, own processor time, {database}", own, "s", None)


def test_five_thousand_sources_of_which_two_percent_have_changed(hub, record_figure, database):
    many_sources(hub, 5000)
    change(hub, range(1, 101), 1)
    assert outcomes(sweep_all()) == {"unchanged": 4900, "updated": 100}
    change(hub, range(1001, 1101), 2)
    hub.requests.clear()
    foretold = forecast_sweep(list(Source.objects.order_by("pk")))
    assert outcomes(sweep_all()) == {"unchanged": 4900, "updated": 100}
    real = len(hub.requests)
    record_figure("5,000 sources, 2 % changed", real, "requests", 300)
    record_figure("5,000 sources, 2 % changed, foretold", foretold.requests, "requests", None)
    record_figure("forecast off by", abs(foretold.requests - real) / real * 100, "%", 10)
