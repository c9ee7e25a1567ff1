"""Many repositories in one query, on the log of a server that validates every query against GitHub's schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from skillmeat_site.core.errors import DomainError
from skillmeat_site.upstream.errors import UpstreamAuth, UpstreamError, UpstreamInvalid, UpstreamRateLimited
from skillmeat_site.upstream.github_batch import Asked, GitHubBatch, RepositoryNow, queries_for
from skillmeat_site.upstream.github_query import query_of
from skillmeat_site.upstream.github_settings import GitHubSettings
from tests.fakes import github_graphql
from tests.fakes.budget import Ledger
from tests.fakes.git_http import status
from tests.fakes.github import GitHub
from tests.fakes.github_faults import cut_body, hang, mangled, reset
from tests.upstream.conftest import Repo, git, make_repo

TOKEN = "ghp_" + "secret" * 6
FILES = {"SKILL.md": b"---\nname: x\n---\n"}


@pytest.fixture
def many(github: GitHub, repo: Repo) -> Callable[[int], list[Asked]]:
    """Names of so many repositories, which share one folder."""
    repo.commit(FILES)

    def make(count: int) -> list[Asked]:
        for number in range(count):
            github.add(f"acme/r{number}", repo.path)
        return [Asked("acme", f"r{number}") for number in range(count)]

    return make


def batch(settings: GitHubSettings, **more: Any) -> GitHubBatch:
    return GitHubBatch(replace(settings, slow_seconds=settings.timeout, **more), TOKEN)


def answers(settings: GitHubSettings, asked: list[Asked], **more: Any) -> dict[Asked, RepositoryNow | DomainError]:
    told = [pair for one in batch(settings, **more).ask(asked) for pair in one.answers]
    assert len(told) == len(asked)
    return dict(told)


def sizes(github: GitHub) -> list[int]:
    """Repositories of each query, by the server's log."""
    return [json.loads(body)["query"].count("repository(") for body in github.queries]


@pytest.mark.parametrize("ref", ["", "main", "v1", "refs/heads/main", "refs/tags/v1", "0" * 40])
def test_queries_are_valid_by_the_published_schema(ref: str) -> None:
    text, variables = query_of([Asked("acme", f"r{number}", ref) for number in range(100)])
    assert github_graphql.problems(text) == []
    assert github_graphql.cost_of(text) == 1
    assert len(text) < 30_000
    assert {"acme", "r0", "r99"} <= set(variables.values())
    assert "acme" not in text


def test_one_query_tells_head_tree_and_facts(github: GitHub, github_settings: GitHubSettings, repo: Repo) -> None:
    commit = repo.commit(FILES)
    state = github.repository("acme/tools")
    assert state is not None
    state.facts |= {"archived": True, "description": "Tools\x00", "topics": ["ai", "tools"]}
    state.facts |= {"license": {"spdx_id": "MIT"}, "latest_release": "v2.1\x00"}
    [told] = answers(github_settings, [Asked("acme", "tools")]).values()
    assert isinstance(told, RepositoryNow)
    assert told.head is not None
    assert (told.head.commit, told.head.ref, told.tree_oid) == (commit, "refs/heads/main", repo.oid("main^{tree}"))
    facts = told.facts
    assert (facts.id, facts.full_name, facts.moved_to) == (state.id, "acme/tools", "")
    assert (facts.archived, facts.topics, facts.license) == (True, ("ai", "tools"), "MIT")
    assert (facts.description, facts.default_branch) == ("Tools\ufffd", "main")
    assert facts.latest_release == "v2.1\ufffd"
    assert github.paths() == ["/api/graphql"]


@pytest.mark.parametrize(
    ("ref", "full_name"),
    [
        ("dev", "refs/heads/dev"),
        ("refs/heads/dev", "refs/heads/dev"),
        ("v1", "refs/tags/v1"),
        ("light", "refs/tags/light"),
        ("both", "refs/heads/both"),
        ("refs/tags/both", "refs/tags/both"),
    ],
)
def test_refs_mean_what_they_mean_to_git(
    repo: Repo, github_settings: GitHubSettings, ref: str, full_name: str
) -> None:
    first = repo.commit(FILES)
    repo.commit({**FILES, "b": b"b"}, branch="dev", parent=first)
    repo.commit({**FILES, "c": b"c"}, branch="both", parent=first)
    git(repo.path, "tag", "-a", "-m", "annotated", "v1", first)
    git(repo.path, "tag", "light", first)
    git(repo.path, "tag", "both", first)
    [told] = answers(github_settings, [Asked("acme", "tools", ref)]).values()
    assert isinstance(told, RepositoryNow)
    assert told.head is not None
    assert told.head.ref == full_name
    assert told.head.commit == repo.oid(f"{full_name}^{{commit}}")
    assert told.tree_oid == repo.oid(f"{full_name}^{{tree}}")


def test_what_is_no_head(repo: Repo, github: GitHub, github_settings: GitHubSettings) -> None:
    commit = repo.commit(FILES)
    make_repo(github.root / "acme" / "empty.git")
    missing, pinned, empty = Asked("acme", "tools", "gone"), Asked("acme", "tools", commit), Asked("acme", "empty")
    told = answers(github_settings, [missing, pinned, empty])
    heads = [answer.head for answer in told.values() if isinstance(answer, RepositoryNow)]
    assert heads[0] is None
    assert [head and head.commit for head in heads] == [None, commit, None]
    assert heads[2] is not None


@pytest.mark.fault(8)
def test_fault_8_one_bad_repository_among_fifty(
    github: GitHub, github_settings: GitHubSettings, many: Callable[[int], list[Asked]]
) -> None:
    asked = many(48)
    forbidden = github.repository("acme/r7")
    assert forbidden is not None
    forbidden.forbidden = True
    github.rename_only("acme/r9", "other/r9")
    gone = Asked("acme", "nobody")
    told = answers(github_settings, [*asked, gone])
    assert sizes(github) == [49]
    codes = {one: answer.code for one, answer in told.items() if isinstance(answer, DomainError)}
    assert codes == {gone: "upstream_not_found", asked[7]: "permission_denied"}
    renamed = told[asked[9]]
    assert isinstance(renamed, RepositoryNow)
    assert renamed.facts.moved_to == "other/r9"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(status(502, "<html>"), id="502"),
        pytest.param(mangled(lambda body: b'{"data": null, "errors": [{"message": "timeout"}]}'), id="given up"),
        pytest.param(
            mangled(lambda body: b'{"errors": [{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "x"}]}'), id="too much"
        ),
        pytest.param(cut_body, id="cut"),
        pytest.param(reset, id="reset"),
        pytest.param(mangled(lambda body: body[:-3]), id="no JSON"),
    ],
)
@pytest.mark.fault(9)
def test_fault_9_a_query_that_is_too_much_is_halved_and_the_size_remembered(
    github: GitHub, github_settings: GitHubSettings, many: Callable[[int], list[Asked]], fault: Any
) -> None:
    asked = many(120)
    github.on("graphql", fault, times=2)
    told = answers(github_settings, asked)
    assert all(isinstance(answer, RepositoryNow) for answer in told.values())
    assert sizes(github) == [50, 25, 12, 14, 16, 18, 20, 22, 18]


@pytest.mark.fault(9)
def test_fault_9_a_timeout_is_halved_too(
    github: GitHub, github_settings: GitHubSettings, many: Callable[[int], list[Asked]]
) -> None:
    github.on("graphql", hang)
    told = answers(github_settings, many(50), timeout=6)  # what is well has to answer within it, on a busy machine too
    assert all(isinstance(answer, RepositoryNow) for answer in told.values())
    assert sizes(github) == [50, 25, 25]


def test_a_repository_that_is_too_much_by_itself_holds_up_no_other(
    github: GitHub, github_settings: GitHubSettings, many: Callable[[int], list[Asked]]
) -> None:
    asked = many(50)
    github.always('"r20"', status(502))
    told = answers(github_settings, asked)
    assert [one.name for one, answer in told.items() if isinstance(answer, DomainError)] == ["r20"]


def test_a_host_that_is_down_is_not_asked_about_each(
    github: GitHub, github_settings: GitHubSettings, many: Callable[[int], list[Asked]]
) -> None:
    github.always("graphql", status(502))
    with pytest.raises(UpstreamError):
        answers(github_settings, many(200))
    assert sizes(github) == [50, 25, 12, 6, 3, 1, 1]


@pytest.mark.parametrize("code", [404, 418])
def test_what_is_no_graphql_is_asked_once(github: GitHub, github_settings: GitHubSettings, code: int) -> None:
    github.always("graphql", status(code, '{"message": "Not Found"}'))
    with pytest.raises(UpstreamInvalid):
        answers(github_settings, [Asked("acme", "a"), Asked("acme", "b")])
    assert len(github.requests) == 1


@pytest.mark.fault(7)
def test_fault_7_a_200_that_is_a_limit(
    github: GitHub, github_settings: GitHubSettings, many: Callable[[int], list[Asked]]
) -> None:
    asked = many(120)
    github.tokens[TOKEN] = 2
    ledger, told = Ledger(), []
    batches = batch(github_settings, budgets=ledger.of).ask(asked)
    told += [*next(batches).answers, *next(batches).answers]
    with pytest.raises(UpstreamRateLimited) as caught:
        next(batches)
    assert len(told) == 110
    assert all(isinstance(answer, RepositoryNow) for _, answer in told)
    assert 3500 < (caught.value.retry_after or 0) <= 3600
    assert [resource for resource, _ in ledger.limits] == ["graphql"]
    assert [(quota.resource, quota.remaining) for quota in ledger.quotas] == [("graphql", 1), ("graphql", 0)]


@pytest.mark.fault(3)
def test_fault_3_a_secondary_limit_holds_for_all_of_the_api(github: GitHub, github_settings: GitHubSettings) -> None:
    message = '{"message": "You have exceeded a secondary rate limit."}'
    github.always("graphql", status(403, message, X_RateLimit_Remaining="99"))
    ledger = Ledger()
    with pytest.raises(UpstreamRateLimited):
        answers(github_settings, [Asked("acme", "a"), Asked("acme", "b")], budgets=ledger.of)
    assert len(github.requests) == 1
    assert ledger.limits == [("secondary", 60)]


_PACE = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@pytest.mark.parametrize(
    ("body", "headers", "kept"),
    [
        ({"errors": [{"message": _PACE}]}, {"Retry_After": "90"}, ("secondary", 90)),
        ({"errors": [{"message": _PACE}]}, {}, ("secondary", 60)),
        ({"message": _PACE, "documentation_url": "x"}, {}, ("secondary", 60)),
        ({"errors": [{"type": "NEW_WORD", "message": "Slow down"}]}, {"Retry_After": "90"}, ("secondary", 90)),
        ("<html>", {"Retry_After": "90"}, ("secondary", 90)),
        (
            {"errors": [{"message": "API rate limit exceeded for user ID 1."}]},
            {"X_RateLimit_Remaining": "0", "X_RateLimit_Resource": "graphql", "Retry_After": "900"},
            ("graphql", 900),
        ),
    ],
)
@pytest.mark.fault(3)
@pytest.mark.fault(7)
def test_fault_3_and_7_a_200_that_is_a_limit_without_a_type(
    github: GitHub,
    github_settings: GitHubSettings,
    many: Callable[[int], list[Asked]],
    body: Any,
    headers: dict[str, str],
    kept: tuple[str, int],
) -> None:
    asked = many(60)
    github.always("graphql", status(200, body if isinstance(body, str) else json.dumps(body), **headers))
    ledger = Ledger()
    with pytest.raises(UpstreamRateLimited) as caught:
        answers(github_settings, asked, budgets=ledger.of)
    assert len(github.requests) == 1
    assert ledger.limits == [kept]
    assert caught.value.retry_after == kept[1]


def test_a_wait_told_beside_answers_is_no_refusal(github: GitHub, github_settings: GitHubSettings) -> None:
    github.on("graphql", status(200, '{"data": {"r0": null}}', Retry_After="90"))
    [answer] = answers(github_settings, [Asked("acme", "a")]).values()
    assert isinstance(answer, UpstreamInvalid)


@pytest.mark.fault(18)
def test_fault_18_a_bad_token_is_tried_once(github: GitHub, github_settings: GitHubSettings) -> None:
    github.tokens["another"] = 5000
    refused: list[str] = []
    with pytest.raises(UpstreamAuth):
        answers(github_settings, [Asked("acme", "a"), Asked("acme", "b")], on_refused=refused.append)
    assert (len(github.requests), refused) == (1, [TOKEN])


def test_a_thousand_repositories_take_twelve_queries_and_points(
    github: GitHub, github_settings: GitHubSettings, many: Callable[[int], list[Asked]]
) -> None:
    asked = many(1000)
    cost = sum(one.cost for one in batch(github_settings).ask(asked))
    assert len(github.requests) == queries_for(1000) == 12
    assert cost == 12
