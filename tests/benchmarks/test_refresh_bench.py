"""What checks cost: of 10,000 artifacts from 100 repositories by git, and of 500 from 7 by GitHub's batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collections_app.jobs import refresh
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from skillmeat_site.upstream.sample import commit, create_repository
from tests.benchmarks.large import SLUG, put_collection
from tests.conftest import skill
from tests.fakes.git_http import serve
from tests.fakes.github import serve_github

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]


def name(repository: int, number: int) -> str:
    return f"r{repository:02}-skill-{number:02}"


def put_repositories(root: Path, repositories: int, each: int) -> None:
    (root / "acme").mkdir(parents=True)
    for repository in range(repositories):
        path = root / "acme" / f"r{repository:02}.git"
        create_repository(path)
        files: dict[str, str | None] = {
            f"skills/{name(repository, number)}/SKILL.md": skill(name(repository, number)) for number in range(each)
        }
        commit(path, files, "first", time=1_767_225_600)


def places(url: str, repositories: int, each: int) -> list[tuple[str, str]]:
    numbers = ((repository, number) for repository in range(repositories) for number in range(each))
    return [(name(repository, number), f"{url}/acme/r{repository:02}.git") for repository, number in numbers]


def change(root: Path, repository: int, description: str = "New") -> None:
    """A new version of the repository's first skill."""
    files: dict[str, str | None] = {f"skills/{name(repository, 0)}/SKILL.md": skill(name(repository, 0), description)}
    commit(root / "acme" / f"r{repository:02}.git", files, description, time=1_800_000_000)


def check() -> Any:
    return runner.run_inline(refresh, {"slug": SLUG, "mode": "check_only"}, COMMAND_LINE).unwrap().to_json()


def test_check_of_a_large_collection(
    tmp_path: Path, settings: Any, measured: Any, record_figure: Any, database: str
) -> None:
    root, repositories, each = tmp_path / "served", 100, 100
    put_repositories(root, repositories, each)
    with serve(root) as server:
        settings.SKILLMEAT_ALLOWED_HOSTS = [server.url]
        put_collection(places(server.url, repositories, each))
        assert check()["up_to_date"] == repositories * each

        def figures(what: str, calls: int | None, most: int, **counts: int) -> None:
            before = len(server.requests)
            with measured() as cost:
                told = check()
            assert {key: told[key] for key in counts} == counts
            requests = len(server.requests) - before
            record_figure(f"check of 10,000, {what}, {database}, own time", cost.own_seconds, "s", 5)
            record_figure(f"check of 10,000, {what}, {database}, own processor time", cost.cpu_seconds, "s", 5)
            record_figure(
                f"check of 10,000, {what}, each repository", cost.git_calls / repositories, "git calls", calls
            )
            record_figure(f"check of 10,000, {what}, each repository", requests / repositories, "requests", most)
            record_figure(f"check of 10,000, {what}, {database}", len(cost.statements), "statements", None)

        figures("unchanged", 1, 2, up_to_date=repositories * each)
        for repository in range(repositories):
            change(root, repository)
        figures("all changed", None, 4, updates_available=repositories)


def test_check_of_five_hundred_by_batches(tmp_path: Path, settings: Any, record_figure: Any) -> None:
    root, repositories, each = tmp_path / "github", 7, 72
    put_repositories(root, repositories, each)
    with serve_github(root) as hub:
        settings.SKILLMEAT_GITHUB_URL = hub.url
        settings.SKILLMEAT_GITHUB_API_URL = hub.api_url
        settings.SKILLMEAT_GITHUB_GRAPHQL_URL = hub.graphql_url
        settings.SKILLMEAT_ALLOWED_HOSTS = [hub.url, hub.codeload_host]
        settings.GITHUB_TOKEN = "ghp_" + "secret" * 6
        # As GitHub's own URLs are written: without ".git".
        put_collection([(name, url.removesuffix(".git")) for name, url in places(hub.url, repositories, each)])
        check()
        for changed in (0, 1, 3, 7):
            for repository in range(changed):
                change(root, repository, f"New {changed}")
            hub.requests.clear()
            told = check()
            assert (told["errors"], told["updates_available"]) == (0, changed)
            what = f"check of 504 artifacts in 7 repositories, {changed} moved"
            record_figure(what, len(hub.requests), "requests", 1 + 2 * changed)
