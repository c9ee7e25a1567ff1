"""Many repositories on GitHub, asked about together: what that costs by the server's log, and what becomes of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.models import RefusedToken, UpstreamBudget
from skillmeat_site.core.upstream_tokens import store_token
from tests.collections_app.refresh.refreshing import artifact, check, detail, import_all, pin, run, states, statuses
from tests.conftest import Repository, skill, skills
from tests.fakes.git_http import status
from tests.fakes.github import GitHub
from tests.marketplace.scanning import scan
from tests.upstream.test_github_faults import refusal

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = [f"acme/r{number}" for number in range(7)]
TOKEN = "ghp_" + "secret" * 6


@pytest.fixture
def seven(hub: GitHub, on_github: Callable[..., Repository], settings: Any) -> dict[str, Repository]:
    """Seven repositories of two skills each, imported."""
    settings.GITHUB_TOKEN = TOKEN
    made = {}
    for number, name in enumerate(NAMES):
        made[name] = on_github(skills(f"s{number}a", f"s{number}b"), name)
        source = create_source(url=f"{hub.url}/{name}", actor=COMMAND_LINE)
        scan(source)
        import_all(source)
    hub.requests.clear()
    return made


def change(repository: Repository, name: str) -> None:
    repository.commit({f"skills/{name}/SKILL.md": skill(name, "New")})


def kinds(hub: GitHub) -> list[str]:
    return [request.kind for request in hub.requests]


def test_one_request_where_nothing_moved(hub: GitHub, seven: dict[str, Repository]) -> None:
    told = check()
    assert (told["up_to_date"], told["errors"]) == (14, 0)
    assert kinds(hub) == ["graphql"]


def test_two_more_for_each_repository_that_moved(hub: GitHub, seven: dict[str, Repository]) -> None:
    change(seven["acme/r1"], "s1a")
    seven["acme/r2"].commit({"README.md": "Hello"})
    told = check()
    assert (told["updates_available"], told["up_to_date"]) == (1, 13)
    assert kinds(hub)[0] == "graphql"
    assert len(hub.requests) <= 1 + 2 * 2
    assert all("/git/trees/" in path for path in hub.paths("api"))
    hub.requests.clear()
    assert check()["updates_available"] == 1
    assert kinds(hub) == ["graphql"], "what was seen at this commit is known"


def test_a_sync_asks_together_as_well(hub: GitHub, seven: dict[str, Repository]) -> None:
    change(seven["acme/r1"], "s1a")
    assert statuses(run(mode="sync"))["s1a"] == "refreshed"
    assert not [path for path in hub.paths("api") if "/commits/" in path]
    assert kinds(hub).count("graphql") == 1


def test_a_repository_alone_is_asked_for_what_costs_no_quota(hub: GitHub, seven: dict[str, Repository]) -> None:
    assert check(filters={"name": "s3*"})["up_to_date"] == 2
    (request,) = hub.requests
    assert (request.kind, "if-none-match" in request.headers) == ("api", True)


def test_a_pinned_commit_is_not_asked_about(hub: GitHub, seven: dict[str, Repository]) -> None:
    pin("s3a", artifact("s3a").base_commit)
    check()
    assert [query.count("repository(") for query in hub.queries[-1:]] == [7]
    assert kinds(hub) == ["graphql"]


def test_one_that_is_gone_is_an_error_of_its_own(hub: GitHub, seven: dict[str, Repository]) -> None:
    hub.delete("acme/r4")
    told = check()
    assert (told["up_to_date"], told["errors"]) == (12, 2)
    assert {row["code"] for row in told["results"] if row["name"].startswith("s4")} == {"upstream_not_found"}
    assert kinds(hub) == ["graphql"]
    assert artifact("s4a").check_code == "upstream_not_found"


def test_one_that_was_renamed_is_followed(hub: GitHub, seven: dict[str, Repository]) -> None:
    change(seven["acme/r5"], "s5a")
    hub.rename("acme/r5", "other/new-name")
    told = check()
    assert states(told)["s5a"] == "update_available"
    assert told["errors"] == 0
    assert all("/repos/other/new-name/" in path for path in hub.paths("api"))


def test_a_ref_that_nobody_has_is_asked_alone_and_told(hub: GitHub, seven: dict[str, Repository]) -> None:
    pin("s6a", "no-such-branch")
    told = check()
    codes = {row["name"]: row["code"] for row in told["results"] if row["code"]}
    assert codes == {"s6a": "upstream_ref_not_found"}


def test_a_limit_defers_all_and_asks_no_more(hub: GitHub, seven: dict[str, Repository]) -> None:
    hub.always("graphql", status(429, "{}", Retry_After="600"))
    told = check()
    assert told["errors"] == 14
    assert {row["code"] for row in told["results"]} == {"upstream_rate_limited"}
    assert told["reset_at"]
    assert kinds(hub) == ["graphql"]
    hub.requests.clear()
    assert check()["errors"] == 14
    assert not hub.requests, "the limit holds until it is reset"
    assert artifact("s0a").check_code == "", "what was not asked is not told of"


def test_a_refused_token_is_told_and_not_used_again(hub: GitHub, seven: dict[str, Repository]) -> None:
    hub.always("graphql", refusal(401, "Bad credentials"))
    assert {row["code"] for row in check()["results"]} == {"upstream_auth"}
    assert kinds(hub) == ["graphql"]
    assert RefusedToken.objects.exists()
    hub.behave()
    hub.requests.clear()
    assert {row["code"] for row in check()["results"]} == {"upstream_auth"}
    assert not hub.requests


def test_where_the_batch_fails_each_is_asked_alone(hub: GitHub, seven: dict[str, Repository]) -> None:
    hub.always("graphql", status(502))
    assert check()["up_to_date"] == 14
    assert len(hub.paths("api")) == 7


def test_each_alone_where_batches_are_turned_off(hub: GitHub, seven: dict[str, Repository], settings: Any) -> None:
    settings.SKILLMEAT_GITHUB_TIERS = ["webhook", "rest", "git"]
    assert check()["up_to_date"] == 14
    assert kinds(hub) == ["api"] * 7


def test_without_a_token_git_asks_once_for_each(hub: GitHub, seven: dict[str, Repository], settings: Any) -> None:
    settings.GITHUB_TOKEN = ""
    assert check()["up_to_date"] == 14
    assert set(kinds(hub)) == {"git"}
    assert len(hub.requests) <= 2 * 7, "a refusal of anonymous callers is one more"


def test_a_token_of_an_owner_has_a_limit_of_its_own(
    hub: GitHub, seven: dict[str, Repository], on_github: Callable[..., Repository]
) -> None:
    store_token(name="other's", host=hub.url, owner="other", value="ghp_" + "other" * 7, actor=COMMAND_LINE)
    for name in ("other/x", "other/y"):
        on_github(skills(name[-1]), name)
        source = create_source(url=f"{hub.url}/{name}", actor=COMMAND_LINE)
        scan(source)
        import_all(source)
    hub.requests.clear()
    hub.on("graphql", status(429, "{}", Retry_After="600"))
    told = check()
    assert kinds(hub) == ["graphql", "graphql"]
    assert {told["errors"], told["up_to_date"]} == {14, 2}
    assert UpstreamBudget.objects.exclude(cooldown_until=None).count() == 1


def test_a_limit_met_while_reading_documents_is_no_unchanged(hub: GitHub, seven: dict[str, Repository]) -> None:
    change(seven["acme/r1"], "s1a")
    limited = refusal(403, "API rate limit exceeded", X_RateLimit_Remaining="0", X_RateLimit_Reset="1900000000")
    hub.always("/repos/acme/r1/git/blobs|/repos/acme/r1/tarball|/acme/r1.*git-upload-pack", limited)
    result = run(mode="sync")
    assert detail(result, "s1a")["code"] == "upstream_rate_limited"
    assert next(one for one in result.planned if one.mine.ref.name == "s1a").deferred
