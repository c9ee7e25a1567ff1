"""Local repositories are read like those of a host, whatever their own settings say, and never outside the roots."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import PathNotAllowed, UpstreamNotFound
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.providers import provider_for
from skillmeat_site.upstream.types import RepositoryAddress
from tests.upstream.conftest import Repo, git, make_repo

FILES = {"a/SKILL.md": b"one\n", "README": b"three\n"}


def test_a_working_tree_and_its_linked_one(tmp_path: Path, git_settings: GitSettings, policy: AccessPolicy) -> None:
    tree = tmp_path / "srv" / "50%41 tree's"
    tree.mkdir(parents=True)
    git(tree, "init", "--quiet", "--initial-branch=main")
    (tree / "SKILL.md").write_text("x")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "x")
    git(tree, "worktree", "add", "-q", "../linked", "-b", "other")
    for path in (tree, tree.parent / "linked"):
        address = parse_url(str(path), policy)
        provider = provider_for(address, git_settings)
        listing = provider.listing(address, provider.resolve(address))
        assert [item.path for item in listing.items] == ["SKILL.md"]


def test_a_shallow_clone(tmp_path: Path, repo: Repo, provider: GitProvider, policy: AccessPolicy) -> None:
    first = repo.commit(FILES)
    repo.commit(FILES | {"x": b"y"}, parent=first)
    git(tmp_path, "clone", "-q", "--bare", "--depth=1", f"file://{repo.path}", "srv/shallow")
    address = parse_url(str(tmp_path / "srv" / "shallow"), policy)
    listing = provider.listing(address, provider.resolve(address))
    assert "x" in {item.path for item in listing.items}


def test_no_repository(tmp_path: Path, provider: GitProvider, policy: AccessPolicy) -> None:
    (tmp_path / "srv" / "plain").mkdir(parents=True, exist_ok=True)
    for name in ("plain", "nothing"):
        with pytest.raises(UpstreamNotFound) as caught:
            provider.resolve(parse_url(str(tmp_path / "srv" / name), policy))
        assert str(tmp_path) not in caught.value.detail


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_somebody_else(repo: Repo, provider: GitProvider, local_address: RepositoryAddress) -> None:
    repo.commit(FILES)
    for path in (repo.path, *repo.path.rglob("*")):
        os.chown(path, 12345, 12345)
    assert len(provider.listing(local_address, provider.resolve(local_address)).items) == 3


def test_objects_outside_the_roots_are_out_of_reach(
    tmp_path: Path, provider: GitProvider, policy: AccessPolicy
) -> None:
    secret = make_repo(tmp_path / "secret.git")
    secret.commit({"secret": b"x"})
    borrowed = make_repo(tmp_path / "srv" / "borrowed.git")
    (borrowed.path / "objects" / "info" / "alternates").write_text(f"{secret.path}/objects\n")
    chained = make_repo(tmp_path / "srv" / "chained.git")
    (chained.path / "objects" / "info" / "alternates").write_text(f"# one\n{borrowed.path}/objects\n")
    pointed = tmp_path / "srv" / "pointed"
    pointed.mkdir()
    (pointed / ".git").write_text(f"gitdir: {secret.path}\n")
    linked = tmp_path / "srv" / "linked"
    linked.mkdir()
    (linked / ".git").symlink_to(secret.path)
    for path in (borrowed.path, chained.path, pointed, linked, secret.path):
        with pytest.raises(PathNotAllowed):
            provider.resolve(parse_url(str(path), policy))
