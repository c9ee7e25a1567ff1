"""A repository is who its id says, whatever its name: renamed, replaced, gone, described."""

from __future__ import annotations

import json

import pytest

from skillmeat_site.upstream.errors import UpstreamInvalid, UpstreamNotFound
from skillmeat_site.upstream.github import GitHubProvider
from skillmeat_site.upstream.types import Head, RepositoryAddress, RepositoryFacts
from tests.fakes.github import GitHub
from tests.fakes.github_faults import mangled, status
from tests.upstream.conftest import Repo, make_repo


@pytest.fixture
def commit(repo: Repo) -> str:
    return repo.commit({"SKILL.md": b"x"})


def test_facts_take_one_request(
    commit: str, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
) -> None:
    state = github.repository("acme/tools")
    assert state is not None
    state.facts |= {"archived": True, "description": "Tools", "license": "MIT", "topics": ["claude", "skills"]}
    facts = github_provider.describe(github_address)
    assert facts == RepositoryFacts(
        id=state.id,
        full_name="acme/tools",
        description="Tools",
        license="MIT",
        archived=True,
        topics=("claude", "skills"),
        default_branch="main",
    )
    assert len(github.requests) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"description": None, "license": None, "topics": None}, ("", "", ())),
        ({"description": "a\0b\ud800", "license": {"spdx_id": "NOASSERTION"}, "topics": "no"}, ("a�b�", "", ())),
        ({"description": 5, "license": "MIT", "topics": [1, None, "ok"]}, ("", "", ("ok",))),
    ],
)
def test_odd_facts(
    changes: dict[str, object],
    expected: tuple[object, ...],
    commit: str,
    github: GitHub,
    github_provider: GitHubProvider,
    github_address: RepositoryAddress,
) -> None:
    github.always("", mangled(lambda body: json.dumps(json.loads(body) | changes).encode()))
    facts = github_provider.describe(github_address)
    assert (facts.description, facts.license, facts.topics) == expected


@pytest.mark.parametrize("changes", [{"id": "1"}, {"id": True}, {"full_name": "../x"}, {"full_name": None}])
def test_a_repository_without_a_name_or_an_id_is_none(
    changes: dict[str, object],
    commit: str,
    github: GitHub,
    github_provider: GitHubProvider,
    github_address: RepositoryAddress,
) -> None:
    github.always("", mangled(lambda body: json.dumps(json.loads(body) | changes).encode()))
    with pytest.raises(UpstreamInvalid):
        github_provider.describe(github_address)
    assert len(github.requests) == 2


class TestRenamed:
    @pytest.fixture(autouse=True)
    def _rename(self, commit: str, github: GitHub) -> None:
        state = github.repository("acme/tools")
        assert state is not None
        self.id, self.commit = state.id, commit
        github.rename("acme/tools", "new-owner/new.name")

    def test_followed_once_and_told(
        self, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        head = github_provider.resolve(github_address)
        assert (head.commit, head.moved_to) == (self.commit, "new-owner/new.name")
        assert github.paths() == [
            "/repos/acme/tools/commits/HEAD",
            f"/repositories/{self.id}/commits/HEAD",
            f"/repositories/{self.id}",
        ]

    def test_what_was_told_is_used(
        self, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        head = github_provider.resolve(github_address)
        assert github.count(lambda: github_provider.listing(github_address, head)) == 1
        assert github.count(lambda: github_provider.listing(github_address, Head(head.commit))) == 2

    def test_an_unchanged_one_is_still_asked_conditionally(
        self, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        assert github_provider.resolve(github_address, known=self.commit).commit == self.commit
        assert [request.headers.get("if-none-match") for request in github.requests[:2]] == [f'"{self.commit}"'] * 2

    def test_described(
        self, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        facts = github_provider.describe(github_address)
        assert (facts.id, facts.full_name, facts.moved_to) == (self.id, *["new-owner/new.name"] * 2)

    def test_the_old_name_taken_by_another_is_seen_by_its_id(
        self, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        make_repo(github.root / "acme" / "tools.git").commit({"other": b"y"})
        taken = github_provider.describe(github_address)
        assert (taken.id != self.id, taken.full_name, taken.moved_to) == (True, "acme/tools", "")
        ours = github_provider.describe(github_address, repository_id=self.id)
        assert (ours.id, ours.moved_to) == (self.id, "new-owner/new.name")

    def test_gone_by_name_and_by_id(
        self, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        github.delete("new-owner/new.name")
        with pytest.raises(UpstreamNotFound):
            github_provider.resolve(github_address)
        with pytest.raises(UpstreamNotFound):
            github_provider.describe(github_address, repository_id=self.id)


def test_a_move_told_by_name(
    commit: str, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
) -> None:
    make_repo(github.root / "new" / "name.git").commit({"f": b"x"})
    github.always("/repos/acme/tools", status(301, Location=f"{github.api_url}/repos/new/name/commits/HEAD"))
    assert github_provider.resolve(github_address).moved_to == "new/name"
    assert len(github.requests) == 2


@pytest.mark.parametrize(
    "target", ["/repositories/5/commits/HEAD", "/repos/acme/tools/commits/HEAD", "/repos/a/b/commits/HEAD"]
)
def test_circles_end(
    target: str, commit: str, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
) -> None:
    github.always("", status(301, Location=github.api_url + target))
    with pytest.raises(UpstreamInvalid, match="circles"):
        github_provider.resolve(github_address)
    assert len(github.requests) <= 2


@pytest.mark.parametrize(
    "target", ["/", "/repos/../x", "/repos/x/..", "/repositories/x", "/user", "/../../etc", "?x", "#y"]
)
def test_a_move_to_no_repository(
    target: str, commit: str, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
) -> None:
    github.always("", status(301, Location=github.api_url + target))
    with pytest.raises(UpstreamInvalid):
        github_provider.resolve(github_address)
    assert len(github.requests) == 1
