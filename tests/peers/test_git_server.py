"""The same client against a server that others wrote: ``@adobe/git-server`` gives what git gives, id by id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from skillmeat_site.upstream.errors import ContentMismatch, UpstreamInvalid
from skillmeat_site.upstream.git_settings import no_credentials
from skillmeat_site.upstream.github_content import BlobBatch
from skillmeat_site.upstream.github_http import GitHubSession
from skillmeat_site.upstream.github_listing import list_tree
from skillmeat_site.upstream.github_repository import GitHubRepository
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.types import TreeItem, Unread
from tests.peers.conftest import GitServer, peers_archive
from tests.upstream.conftest import Repo, git

pytestmark = pytest.mark.peer

FILES = {f"skills/s{n}/SKILL.md": b"skill %d\r\n" % n for n in range(25)} | {
    "README": b"three\n",
    "a.b": b"between\n",
    "a/with space": b"\0\xff",
    "empty": b"",
}


@pytest.fixture(scope="module")
def repo(git_server: GitServer) -> Repo:
    repo = git_server.repository("acme/tools")
    repo.commit(FILES)
    blob = git(repo.path, "hash-object", "-w", "--stdin", stdin=b"a/target")
    lines = git(repo.path, "ls-tree", "-z", "main").encode()
    lines += f"120000 blob {blob}\tlink\0160000 commit {'1' * 40}\tsub\0".encode()
    tree = git(repo.path, "mktree", "-z", "--missing", stdin=lines)
    git(repo.path, "update-ref", "refs/heads/odd", git(repo.path, "commit-tree", tree, "-m", "x"))
    return repo


@pytest.fixture
def peer_settings(git_server: GitServer, repo: Repo) -> GitHubSettings:
    policy = AccessPolicy(allowed_hosts=(git_server.url,), github_url=git_server.url)
    return GitHubSettings(api_url=f"{git_server.url}/api", policy=policy, credentials=no_credentials, retry_seconds=0)


@pytest.fixture
def repository(peer_settings: GitHubSettings) -> Iterator[GitHubRepository]:
    with GitHubSession(peer_settings, "", seconds=30) as session:
        yield GitHubRepository(session, peer_settings, "/repos/acme/tools")


@pytest.mark.parametrize("branch", ["main", "odd"])
def test_the_tree_is_gits_own(branch: str, repo: Repo, repository: GitHubRepository) -> None:
    tree = repo.oid(f"{branch}^{{tree}}")
    listing = list_tree(repository, repo.oid(branch), tree, max_calls=0, max_depth=0, max_entries=1000)
    lines = git(repo.path, "ls-tree", "-r", "-t", "-z", branch).rstrip("\0").split("\0")
    meta = [(line.partition("\t")[0].split(), line.partition("\t")[2]) for line in lines]
    expected = {TreeItem(path, mode, oid) for (mode, _, oid), path in meta}
    assert (listing.tree_oid, listing.complete) == (tree, True)
    assert {item._replace(size=None) for item in listing.items} == expected
    assert {item.size for item in listing.items if item.path == "README"} == {len(FILES["README"])}


def test_every_blob_is_the_repositorys(
    repo: Repo, repository: GitHubRepository, peer_settings: GitHubSettings
) -> None:
    wanted = {repo.oid(f"main:{path}"): content for path, content in FILES.items()}
    batch = BlobBatch(repository, peer_settings, 1000)
    with peers_archive():
        assert batch.read(repo.oid("main"), wanted).found == wanted


def test_a_single_blob_is_right_or_refused(
    repo: Repo, repository: GitHubRepository, peer_settings: GitHubSettings
) -> None:
    """Version 1.3.29 writes the bytes of a blob as decimal numbers and calls that base64."""
    oid = repo.oid("main:README")
    with suppress(UpstreamInvalid, ContentMismatch):
        assert BlobBatch(repository, peer_settings, 1000).read(repo.oid("main"), [oid]).found == {oid: FILES["README"]}


def test_a_missing_blob_is_a_404(
    repo: Repo, repository: GitHubRepository, peer_settings: GitHubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # That server has no endpoint for a repository itself.
    monkeypatch.setattr(repository, "check_exists", lambda: None)
    missing = "1" * 40
    assert is_oid(missing)
    assert BlobBatch(repository, peer_settings, 1000).read(repo.oid("main"), [missing]).unread == {
        missing: Unread.MISSING
    }
