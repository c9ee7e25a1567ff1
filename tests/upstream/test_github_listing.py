"""A tree that GitHub cuts off is listed whole all the same, or the listing says that it is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import UpstreamRefNotFound
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.github import GitHubProvider
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.types import CommitOid, Head, Listing, RepositoryAddress, TreeItem
from tests.fakes.git_http import status
from tests.fakes.github import GitHub
from tests.fakes.github_faults import mangled
from tests.upstream.conftest import Repo, git

# Seven entries in "big", two levels of them in "big/deep", and names that sort between folders.
FILES = {
    **{f"big/deep/f{n}": b"%d" % n for n in range(4)},
    **{f"big/f{n}": b"%d" % n for n in range(3)},
    **{f"small{n}/SKILL.md": b"s%d" % n for n in range(3)},
    "big.txt": b"x",
    "node_modules/m/SKILL.md": b"kept too",
}


@pytest.fixture
def head(repo: Repo) -> Head:
    return Head(CommitOid(repo.commit(FILES)), "refs/heads/main")


@pytest.fixture
def whole(github_provider: GitHubProvider, github_address: RepositoryAddress, head: Head) -> Listing:
    """The listing as it is where nothing is cut off."""
    listing = github_provider.listing(github_address, head)
    assert listing.complete
    return listing


@pytest.mark.parametrize(("limit", "requests"), [(100, 2), (10, 2 + 1 + 6), (7, 2 + 1 + 6 + 2)])
def test_a_walk_gives_the_same_listing(
    limit: int,
    requests: int,
    github: GitHub,
    github_provider: GitHubProvider,
    github_address: RepositoryAddress,
    head: Head,
    whole: Listing,
) -> None:
    github.truncate_at = limit
    before = len(github.requests)
    listing = github_provider.listing(github_address, head)
    assert listing == whole
    assert len(github.requests) - before <= requests


@pytest.mark.parametrize(
    "bound", [{"max_walk_calls": 0}, {"max_walk_calls": 1}, {"max_walk_calls": 4}, {"max_walk_depth": 0}]
)
def test_without_another_way_the_listing_is_told_to_be_incomplete(
    bound: dict[str, int],
    github: GitHub,
    github_settings: GitHubSettings,
    github_address: RepositoryAddress,
    head: Head,
    whole: Listing,
) -> None:
    github.truncate_at = 7
    before = len(github.requests)
    listing = GitHubProvider(replace(github_settings, **bound)).listing(github_address, head)
    assert not listing.complete
    assert [warning.code for warning in listing.warnings] == ["listing_truncated"]
    assert 0 < len(listing.items) < len(whole.items)
    assert set(listing.items) < set(whole.items)
    assert len(github.requests) - before <= 2 + bound.get("max_walk_calls", 0)


def test_a_nested_cut_beyond_the_bound_keeps_what_is_known(
    github: GitHub,
    github_settings: GitHubSettings,
    github_address: RepositoryAddress,
    head: Head,
    whole: Listing,
) -> None:
    github.truncate_at = 7
    listing = GitHubProvider(replace(github_settings, max_walk_depth=1)).listing(github_address, head)
    assert not listing.complete
    assert {item.path for item in whole.items} - {item.path for item in listing.items} == {"big/f2"}


def test_git_takes_over(
    github: GitHub,
    github_settings: GitHubSettings,
    github_policy: AccessPolicy,
    github_address: RepositoryAddress,
    head: Head,
    whole: Listing,
    tmp_path: Path,
) -> None:
    github.truncate_at = 7
    fallback = GitProvider(GitSettings(mirrors=tmp_path / "mirrors", policy=github_policy))
    provider = GitHubProvider(replace(github_settings, max_walk_calls=0, fallback=fallback))
    before = len(github.requests)
    listing = provider.listing(github_address, head)
    assert listing.complete
    assert listing.items == [item._replace(size=None) for item in whole.items]
    assert len(github.requests) - before == 4
    github.always("info/refs", status(503))
    elsewhere = replace(fallback._settings, mirrors=tmp_path / "empty")
    lost = GitHubProvider(replace(provider._settings, fallback=GitProvider(elsewhere)))
    assert not lost.listing(github_address, head).complete


def test_a_folder_too_wide_for_one_answer(
    repo: Repo, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
) -> None:
    commit = repo.commit({f"{n:02}": b"x" for n in range(20)})
    github.truncate_at = 10
    listing = github_provider.listing(github_address, Head(CommitOid(commit)))
    assert not listing.complete
    assert len(listing.items) == 10


def test_more_entries_than_allowed(
    github_settings: GitHubSettings, github_address: RepositoryAddress, head: Head, github: GitHub
) -> None:
    small = GitHubProvider(replace(github_settings, max_entries=3))
    listing = small.listing(github_address, head)
    assert (len(listing.items), listing.complete) == (3, False)
    assert [warning.code for warning in listing.warnings] == ["listing_capped"]
    github.truncate_at = 7
    assert (len(small.listing(github_address, head).items), listing.complete) == (3, False)
    with pytest.raises(LimitExceeded):
        GitHubProvider(replace(github_settings, max_tree_bytes=50)).listing(github_address, head)


class TestTheIdOfTheTree:
    """GitHub repeats the commit's id where the tree was asked for by it; a copy of GitHub may tell the tree's own."""

    @pytest.mark.parametrize(
        ("told", "requests"), [("commit", 1), ("tree", 1), ("1" * 40, 3)], ids=["commit", "tree", "another"]
    )
    def test_is_gits_own_whichever_is_told(
        self,
        told: str,
        requests: int,
        repo: Repo,
        github: GitHub,
        github_provider: GitHubProvider,
        github_address: RepositoryAddress,
        head: Head,
        whole: Listing,
    ) -> None:
        tree = repo.oid("main^{tree}")
        assert whole.tree_oid == tree
        sha = {"commit": str(head.commit), "tree": tree}.get(told, told)
        github.always(
            f"/trees/{head.commit}", mangled(lambda body: json.dumps(json.loads(body) | {"sha": sha}).encode())
        )
        before = len(github.requests)
        assert github_provider.listing(github_address, head) == whole
        assert len(github.requests) - before == requests

    def test_is_asked_for_where_a_path_was_left_out(
        self, repo: Repo, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        blob = git(repo.path, "hash-object", "-w", "--stdin", stdin=b"x")
        tree = git(repo.path, "mktree", "-z", stdin=f"100644 blob {blob}\ta\x00100644 blob {blob}\t..\x00".encode())
        commit = git(repo.path, "commit-tree", tree, "-m", "x")
        git(repo.path, "update-ref", "refs/heads/main", commit)
        listing = github_provider.listing(github_address, Head(CommitOid(commit)))
        assert (listing.tree_oid, [item.path for item in listing.items]) == (tree, ["a"])
        assert [warning.code for warning in listing.warnings] == ["unsafe_path"]
        assert len(github.requests) == 2

    def test_a_commit_that_is_gone(
        self, repo: Repo, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
    ) -> None:
        repo.commit(FILES)
        with pytest.raises(UpstreamRefNotFound):
            github_provider.listing(github_address, Head(CommitOid("1" * 40)))


@pytest.mark.slow
@pytest.mark.fault(32)
def test_a_tree_of_a_hundred_thousand(
    repo: Repo, github: GitHub, github_provider: GitHubProvider, github_address: RepositoryAddress
) -> None:
    blob = git(repo.path, "hash-object", "-w", "--stdin", stdin=b"x")
    lines = b"".join(f"100644 blob {blob}\tf{n:06}\0".encode() for n in range(100_000))
    tree = git(repo.path, "mktree", "-z", stdin=lines)
    git(repo.path, "update-ref", "refs/heads/main", git(repo.path, "commit-tree", tree, "-m", "x"))
    listing = github_provider.listing(github_address, github_provider.resolve(github_address))
    assert (len(listing.items), listing.complete, len(github.requests)) == (100_000, True, 2)
    assert listing.items[-1] == TreeItem("f099999", "100644", blob, 1)
