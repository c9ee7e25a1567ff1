"""What is read is what the repository has at the commit, in as few requests as promised."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import UpstreamInvalid, UpstreamRefNotFound
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.object_ids import EMPTY_TREE
from skillmeat_site.upstream.types import CommitOid, Head, RepositoryAddress, TreeItem, Unread
from tests.fakes.git_http import GitHttp
from tests.upstream.conftest import Repo, git

FILES = {"a/SKILL.md": b"one\n", "a/b/x.txt": b"two\n", "README": b"three\n"}


def test_requests_of_a_whole_life(
    repo: Repo, server: GitHttp, provider: GitProvider, address: RepositoryAddress
) -> None:
    commit = repo.commit({f"skills/s{n}/SKILL.md": b"%d" % n for n in range(60)})
    head = provider.resolve(address)
    assert len(server.requests) == 1
    assert head == Head(CommitOid(commit), "refs/heads/main")

    listing = provider.listing(address, head)
    assert len(server.requests) == 3
    oids = [item.oid for item in listing.items if item.path.endswith(".md")]
    assert len(oids) == 60

    blobs = provider.read(address, head, oids, max_bytes=1000)
    assert len(server.requests) == 5
    assert sorted(blobs.found.values()) == sorted(b"%d" % n for n in range(60))

    provider.listing(address, head)
    provider.read(address, head, oids, max_bytes=1000)
    assert len(server.requests) == 5
    provider.resolve(address)
    assert len(server.requests) == 6

    changed = repo.commit({"skills/s0/SKILL.md": b"new"}, parent=commit)
    head = provider.resolve(address)
    assert head.commit == changed
    listing = provider.listing(address, head)
    provider.read(address, head, [listing.items[-1].oid], max_bytes=1000)
    assert len(server.requests) == 6 + 1 + 2 + 2


@pytest.mark.parametrize("where", ["address", "local_address"])
def test_the_listing_is_gits(where: str, repo: Repo, provider: GitProvider, request: pytest.FixtureRequest) -> None:
    address = request.getfixturevalue(where)
    commit = repo.commit(FILES)
    listing = provider.listing(address, provider.resolve(address))
    assert (listing.commit, listing.tree_oid, listing.complete) == (commit, repo.oid("main^{tree}"), True)
    expected = [line.split(None, 3) for line in git(repo.path, "ls-tree", "-rt", "main").splitlines()]
    assert listing.items == [TreeItem(path, mode, oid) for mode, _, oid, path in expected]


def test_a_blobless_mirror_holds_no_file_that_was_not_asked_for(
    repo: Repo, provider: GitProvider, git_settings: GitSettings, local_address: RepositoryAddress
) -> None:
    repo.commit({"big.bin": os.urandom(300_000), "SKILL.md": b"x"})
    head = provider.resolve(local_address)
    listing = provider.listing(local_address, head)
    wanted = next(item.oid for item in listing.items if item.path == "SKILL.md")
    assert provider.read(local_address, head, [wanted], max_bytes=10).found == {wanted: b"x"}
    assert sum(file.stat().st_size for file in git_settings.mirrors.rglob("*.pack")) < 50_000


class TestRefs:
    @pytest.fixture(autouse=True)
    def _refs(self, repo: Repo) -> None:
        self.first = repo.commit({"f": b"1"})
        self.second = repo.commit({"f": b"2"}, branch="feature/x", parent=self.first)
        self.third = repo.commit({"f": b"3"}, branch="both", parent=self.first)
        git(repo.path, "tag", "both", self.first)
        git(repo.path, "tag", "-a", "-m", "m", "v1", self.second)
        self.tag_object = repo.oid("v1")

    def resolve(self, provider: GitProvider, address: RepositoryAddress, ref: str) -> Head:
        return provider.resolve(replace(address, ref=ref))

    def test_by_kind(self, provider: GitProvider, address: RepositoryAddress) -> None:
        assert self.resolve(provider, address, "") == Head(CommitOid(self.first), "refs/heads/main")
        assert self.resolve(provider, address, "feature/x") == Head(CommitOid(self.second), "refs/heads/feature/x")
        assert self.resolve(provider, address, "v1") == Head(CommitOid(self.second), "refs/tags/v1")
        assert self.resolve(provider, address, "both").ref == "refs/heads/both"
        assert self.resolve(provider, address, "refs/tags/both") == Head(CommitOid(self.first), "refs/tags/both")

    def test_part_of_a_name_is_another_name(self, provider: GitProvider, address: RepositoryAddress) -> None:
        for ref in ("x", "refs/heads/x", "nothing", "heads/main"):
            with pytest.raises(UpstreamRefNotFound):
                self.resolve(provider, address, ref)

    def test_a_commit_is_its_own_answer_and_proved_by_the_listing(
        self, provider: GitProvider, address: RepositoryAddress, server: GitHttp
    ) -> None:
        head = self.resolve(provider, address, self.second)
        assert (head.commit, len(server.requests)) == (self.second, 0)
        assert provider.listing(address, head).items[0].path == "f"
        with pytest.raises(UpstreamRefNotFound):
            provider.listing(address, Head(CommitOid("1" * 40), "1" * 40))

    def test_the_id_of_something_else_is_no_commit(
        self, provider: GitProvider, address: RepositoryAddress, repo: Repo
    ) -> None:
        for oid in (self.tag_object, repo.oid("main^{tree}"), repo.oid("main:f")):
            with pytest.raises(UpstreamRefNotFound):
                provider.listing(address, Head(CommitOid(oid), oid))

    def test_a_default_branch_that_does_not_exist(
        self, provider: GitProvider, address: RepositoryAddress, repo: Repo
    ) -> None:
        git(repo.path, "symbolic-ref", "HEAD", "refs/heads/gone")
        with pytest.raises(UpstreamRefNotFound, match="default branch"):
            self.resolve(provider, address, "")


@pytest.mark.parametrize("where", ["address", "local_address"])
def test_an_empty_repository(where: str, repo: Repo, provider: GitProvider, request: pytest.FixtureRequest) -> None:
    address = request.getfixturevalue(where)
    head = provider.resolve(address)
    assert head.commit is None
    listing = provider.listing(address, head)
    assert (listing.items, listing.tree_oid, listing.complete) == ([], EMPTY_TREE, True)


def test_a_force_push_is_only_another_commit(repo: Repo, provider: GitProvider, address: RepositoryAddress) -> None:
    repo.commit(FILES)
    provider.listing(address, provider.resolve(address))
    replaced = repo.commit({"other": b"x"})
    git(repo.path, "reflog", "expire", "--expire=now", "--all")
    git(repo.path, "gc", "--quiet", "--prune=now")
    listing = provider.listing(address, provider.resolve(address))
    assert (listing.commit, [item.path for item in listing.items]) == (replaced, ["other"])


def test_a_commit_that_was_pushed_away_before_it_was_listed(
    repo: Repo, provider: GitProvider, address: RepositoryAddress
) -> None:
    repo.commit(FILES)
    head = provider.resolve(address)
    repo.commit({"other": b"x"})
    git(repo.path, "gc", "--quiet", "--prune=now")
    with pytest.raises(UpstreamRefNotFound):
        provider.listing(address, head)


class TestReading:
    @pytest.fixture(autouse=True)
    def _repo(self, repo: Repo, provider: GitProvider, address: RepositoryAddress) -> None:
        repo.commit({"small": b"12345", "six": b"123456", "large": b"x" * 6000, "empty": b"", "cr": b"a\r\n\0\xff"})
        self.head = provider.resolve(address)
        self.oids = {item.path: item.oid for item in provider.listing(address, self.head).items}

    def test_size_limit_is_exact(self, provider: GitProvider, address: RepositoryAddress) -> None:
        oids = list(self.oids.values())
        blobs = provider.read(address, self.head, oids, max_bytes=5)
        assert blobs.found == {
            self.oids["small"]: b"12345",
            self.oids["empty"]: b"",
            self.oids["cr"]: b"a\r\n\0\xff",
        }
        assert blobs.unread == dict.fromkeys((self.oids["six"], self.oids["large"]), Unread.TOO_LARGE)

    def test_what_is_not_there_is_missing_and_the_rest_is_read(
        self, provider: GitProvider, address: RepositoryAddress
    ) -> None:
        gone = ["1" * 40, "2" * 40, "not an id"]
        blobs = provider.read(address, self.head, [*gone, self.oids["small"]], max_bytes=100)
        assert blobs.found == {self.oids["small"]: b"12345"}
        assert blobs.unread == dict.fromkeys(gone, Unread.MISSING)

    def test_a_tree_is_no_file(self, provider: GitProvider, address: RepositoryAddress, repo: Repo) -> None:
        tree = repo.oid("main^{tree}")
        assert provider.read(address, self.head, [tree], max_bytes=100).unread == {tree: Unread.MISSING}

    def test_nothing_wanted_asks_nobody(
        self, provider: GitProvider, address: RepositoryAddress, server: GitHttp
    ) -> None:
        assert server.count(lambda: provider.read(address, self.head, [], max_bytes=1)) == 0

    def test_a_mirror_that_was_swept_meanwhile_is_no_obstacle(
        self, provider: GitProvider, address: RepositoryAddress, git_settings: GitSettings
    ) -> None:
        other = GitProvider(replace(git_settings, mirrors=git_settings.mirrors / "other"))
        assert other.read(address, self.head, [self.oids["small"]], max_bytes=9).found == {
            self.oids["small"]: b"12345"
        }

    def test_memory_is_bounded(self, address: RepositoryAddress, git_settings: GitSettings) -> None:
        small = GitProvider(replace(git_settings, max_read_bytes=6000))
        with pytest.raises(LimitExceeded):
            small.read(address, self.head, list(self.oids.values()), max_bytes=10_000)


def test_a_download_that_is_too_large_is_stopped(
    repo: Repo, address: RepositoryAddress, git_settings: GitSettings
) -> None:
    repo.commit({"large": os.urandom(500_000)})
    provider = GitProvider(replace(git_settings, max_fetch_bytes=100_000))
    head = provider.resolve(address)
    oid = provider.listing(address, head).items[0].oid
    with pytest.raises(LimitExceeded):
        provider.read(address, head, [oid], max_bytes=1_000_000)


def test_modes_and_odd_paths(repo: Repo, provider: GitProvider, local_address: RepositoryAddress) -> None:
    blob = git(repo.path, "hash-object", "-w", "--stdin", stdin=b"target")
    commit = "1" * 40
    names = ["with space", "new\nline", "#%2F?", "\u202ertl", "e\u0301", "Case", "case", "x" * 200]
    lines = [f"100644 blob {blob}\t{name}\0".encode() for name in names]
    lines += [f"120000 blob {blob}\tlink\0".encode(), f"160000 commit {commit}\tsub\0".encode()]
    lines += [f"100755 blob {blob}\trun.sh\0".encode(), f"100644 blob {blob}\t".encode() + b"caf\xe9\0"]
    tree = git(repo.path, "mktree", "-z", "--missing", stdin=b"".join(lines))
    git(repo.path, "update-ref", "refs/heads/main", git(repo.path, "commit-tree", tree, "-m", "x"))
    listing = provider.listing(local_address, provider.resolve(local_address))
    modes = {item.path: item.mode for item in listing.items}
    assert set(modes) == {*names, "link", "sub", "run.sh"}
    assert (modes["link"], modes["sub"], modes["run.sh"]) == ("120000", "160000", "100755")
    assert [(warning.code, warning.path) for warning in listing.warnings] == [("path_not_utf8", "caf\\udce9")]
    assert listing.complete


def test_a_tree_that_climbs_is_refused(repo: Repo, provider: GitProvider, local_address: RepositoryAddress) -> None:
    blob = git(repo.path, "hash-object", "-w", "--stdin", stdin=b"x")
    raw = b"100644 ..\0" + bytes.fromhex(blob)
    tree = git(repo.path, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
    git(repo.path, "update-ref", "refs/heads/main", git(repo.path, "commit-tree", tree, "-m", "x"))
    with pytest.raises(UpstreamInvalid):
        provider.listing(local_address, provider.resolve(local_address))


@pytest.mark.parametrize(("limit", "kept"), [({"max_entries": 2}, 2), ({"max_listing_bytes": 120}, 2)])
def test_a_capped_listing_says_so(
    limit: dict[str, int], kept: int, repo: Repo, local_address: RepositoryAddress, git_settings: GitSettings
) -> None:
    repo.commit(dict.fromkeys("abcdef", b"x"))
    provider = GitProvider(replace(git_settings, **limit))
    listing = provider.listing(local_address, provider.resolve(local_address))
    assert [item.path for item in listing.items] == ["a", "b"][:kept]
    assert not listing.complete
    assert [warning.code for warning in listing.warnings] == ["listing_capped"]


@pytest.mark.parametrize(
    "weaken",
    [
        pytest.param(lambda server: server.config.clear(), id="no filter"),
        pytest.param(lambda server: setattr(server, "protocol", False), id="version 0"),
        pytest.param(lambda server: (server.config.clear(), setattr(server, "protocol", False)), id="neither"),
    ],
)
def test_weaker_servers_work_too(
    weaken: Callable[[GitHttp], object], repo: Repo, server: GitHttp, provider: GitProvider, address: RepositoryAddress
) -> None:
    weaken(server)
    for files in (FILES, FILES | {"new": b"four\n"}):
        repo.commit(files)
        head = provider.resolve(address)
        oids = [item.oid for item in provider.listing(address, head).items if item.mode == "100644"]
        assert sorted(provider.read(address, head, oids, max_bytes=100).found.values()) == sorted(files.values())


def test_a_server_of_tips_only_cannot_give_a_commit_that_is_no_tip(
    repo: Repo, server: GitHttp, provider: GitProvider, address: RepositoryAddress
) -> None:
    server.config.clear()
    server.protocol = False
    first = repo.commit(FILES)
    head = provider.resolve(address)
    repo.commit({"other": b"x"}, parent=first)
    with pytest.raises(UpstreamRefNotFound, match="moved on"):
        provider.listing(address, head)
