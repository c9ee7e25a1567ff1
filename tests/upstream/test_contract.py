"""One suite for all providers: the same repository gives the same listing, the same blobs and the same errors."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.address import parse_url
from skillmeat_site.upstream.errors import HostNotAllowed, UpstreamError, UpstreamNotFound, UpstreamRefNotFound
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.github import GitHubProvider
from skillmeat_site.upstream.github_settings import GitHubSettings
from skillmeat_site.upstream.object_ids import EMPTY_TREE
from skillmeat_site.upstream.policy import AccessPolicy
from skillmeat_site.upstream.types import Blobs, CommitOid, Head, Listing, Provider, RepositoryAddress, Unread
from tests.fakes.github import GitHub
from tests.upstream.conftest import Repo, git

FILES = {
    "a/SKILL.md": b"one\n",
    "a/b/x.txt": b"two\n",
    "a.b": b"between\n",
    "README": b"three\n",
    "ü/with space#?%2F": b"\0\xff\r\n",
    "empty": b"",
}


@dataclass
class Reader:
    """A provider with a repository, and what it needs to be told."""

    provider: Provider
    address: RepositoryAddress
    max_read_bytes: int = 256 * 1024 * 1024

    def head(self, ref: str = "", known: str = "") -> Head:
        return self.provider.resolve(replace(self.address, ref=ref), known=known)

    def listing(self) -> Listing:
        return self.provider.listing(self.address, self.head())

    def read(self, oids: list[str], max_bytes: int = 1_000_000) -> Blobs:
        return self.provider.read(self.address, self.head(), oids, max_bytes=max_bytes)


Make = Callable[..., Reader]


@pytest.fixture(params=["git", "github by archive", "github one by one", "github by git"])
def make(request: pytest.FixtureRequest, github: GitHub, github_policy: AccessPolicy, tmp_path: Path) -> Make:
    """Make a reader of ``/acme/tools`` on the loopback GitHub."""

    def make_reader(*, max_read_bytes: int = 256 * 1024 * 1024, name: str = "acme/tools") -> Reader:
        git_settings = GitSettings(mirrors=tmp_path / "mirrors", policy=github_policy, max_read_bytes=max_read_bytes)
        settings = GitHubSettings(
            api_url=github.api_url,
            policy=github_policy,
            download_hosts=(github.codeload_host,),
            retry_seconds=0,
            max_read_bytes=max_read_bytes,
        )
        providers: dict[str, Provider] = {
            "git": GitProvider(git_settings),
            "github by archive": GitHubProvider(replace(settings, max_single_blobs=0)),
            "github one by one": GitHubProvider(replace(settings, max_single_blobs=1000)),
            "github by git": GitHubProvider(replace(settings, max_single_blobs=0, fallback=GitProvider(git_settings))),
        }
        return Reader(providers[request.param], parse_url(f"{github.url}/{name}", github_policy))

    return make_reader


@pytest.fixture
def reader(make: Make) -> Reader:
    return make()


def test_the_listing_is_gits_own(repo: Repo, reader: Reader) -> None:
    commit = repo.commit(FILES)
    listing = reader.listing()
    assert (listing.commit, listing.tree_oid, listing.complete) == (commit, repo.oid("main^{tree}"), True)
    lines = git(repo.path, "ls-tree", "-r", "-t", "-z", "main").rstrip("\0").split("\0")
    expected = [(*line.partition("\t")[0].split(), line.partition("\t")[2]) for line in lines]
    assert [(item.mode, item.oid, item.path) for item in listing.items] == [
        (mode, oid, path) for mode, _, oid, path in expected
    ]


def test_every_blob_is_the_repositorys(repo: Repo, reader: Reader) -> None:
    repo.commit(FILES)
    oids = {item.oid for item in reader.listing().items if item.mode == "100644"}
    blobs = reader.read(sorted(oids))
    assert not blobs.unread
    assert blobs.found.keys() == oids
    assert sorted(blobs.found.values()) == sorted(FILES.values())


def test_modes_and_odd_paths(repo: Repo, reader: Reader) -> None:
    blob = git(repo.path, "hash-object", "-w", "--stdin", stdin=b"target")
    names = ["with space", "new\nline", "#%2F?", "\u202ertl", "e\u0301", "Case", "case", "x" * 200]
    lines = [f"100644 blob {blob}\t{name}\0".encode() for name in names]
    lines += [f"120000 blob {blob}\tlink\0".encode(), f"160000 commit {'1' * 40}\tsub\0".encode()]
    lines += [f"100755 blob {blob}\trun.sh\0".encode()]
    tree = git(repo.path, "mktree", "-z", "--missing", stdin=b"".join(lines))
    git(repo.path, "update-ref", "refs/heads/main", git(repo.path, "commit-tree", tree, "-m", "x"))
    listing = reader.listing()
    modes = {item.path: item.mode for item in listing.items}
    assert set(modes) == {*names, "link", "sub", "run.sh"}
    assert (modes["link"], modes["sub"], modes["run.sh"]) == ("120000", "160000", "100755")
    assert listing.complete
    assert reader.read([blob]).found == {blob: b"target"}


def test_an_empty_repository(repo: Repo, reader: Reader) -> None:
    head = reader.head()
    assert head.commit is None
    listing = reader.provider.listing(reader.address, head)
    assert (listing.items, listing.tree_oid, listing.complete) == ([], EMPTY_TREE, True)


def test_an_empty_commit(repo: Repo, reader: Reader) -> None:
    tree = git(repo.path, "mktree")
    git(repo.path, "update-ref", "refs/heads/main", git(repo.path, "commit-tree", tree, "-m", "x"))
    listing = reader.listing()
    assert (listing.items, listing.tree_oid, listing.complete) == ([], EMPTY_TREE, True)


class TestRefs:
    @pytest.fixture(autouse=True)
    def _refs(self, repo: Repo) -> None:
        self.first = repo.commit({"f": b"1"})
        self.second = repo.commit({"f": b"2"}, branch="feature/x#1", parent=self.first)
        self.third = repo.commit({"f": b"3"}, branch="both", parent=self.first)
        git(repo.path, "tag", "both", self.first)
        git(repo.path, "tag", "-a", "-m", "m", "v1", self.second)
        git(repo.path, "update-ref", "refs/pull/1/head", self.third)
        self.tag_object = repo.oid("v1")

    def test_by_kind(self, reader: Reader) -> None:
        expected = {
            "": self.first,
            "main": self.first,
            "feature/x#1": self.second,
            "v1": self.second,
            "both": self.third,
            "refs/tags/both": self.first,
            "refs/heads/main": self.first,
            "refs/pull/1/head": self.third,
            self.second: self.second,
        }
        assert {ref: reader.head(ref).commit for ref in expected} == expected

    def test_what_is_known_changes_nothing(self, reader: Reader) -> None:
        for known in (self.first, self.second, "not an id"):
            assert reader.head("", known).commit == self.first

    def test_part_of_a_name_is_another_name(self, reader: Reader) -> None:
        for ref in ("x#1", "refs/heads/x", "nothing", "heads/main", self.first[:8], "tags/v1"):
            with pytest.raises(UpstreamRefNotFound):
                reader.head(ref)

    def test_a_commit_that_is_none(self, reader: Reader, repo: Repo) -> None:
        for oid in ("1" * 40, self.tag_object, repo.oid("main^{tree}"), repo.oid("main:f")):
            with pytest.raises(UpstreamRefNotFound):
                reader.provider.listing(reader.address, Head(CommitOid(oid), oid))

    def test_a_default_branch_that_does_not_exist(self, reader: Reader, repo: Repo) -> None:
        git(repo.path, "symbolic-ref", "HEAD", "refs/heads/gone")
        with pytest.raises(UpstreamRefNotFound, match="default branch"):
            reader.head()

    def test_another_default_branch(self, reader: Reader, repo: Repo) -> None:
        git(repo.path, "symbolic-ref", "HEAD", "refs/heads/both")
        assert reader.head("", self.first).commit == self.third


def test_a_repository_that_does_not_exist(make: Make) -> None:
    missing = make(name="acme/nothing")
    operations: list[Callable[[], object]] = [
        missing.head,
        lambda: missing.provider.listing(missing.address, Head(CommitOid("1" * 40), "refs/heads/main")),
        lambda: missing.provider.read(missing.address, Head(CommitOid("1" * 40)), ["2" * 40], max_bytes=10),
    ]
    for operation in operations:
        with pytest.raises(UpstreamNotFound):
            operation()


def test_a_force_push_is_only_another_commit(repo: Repo, reader: Reader) -> None:
    repo.commit(FILES)
    head = reader.head()
    reader.provider.listing(reader.address, head)
    replaced = repo.commit({"other": b"x"})
    git(repo.path, "gc", "--quiet", "--prune=now")
    listing = reader.listing()
    assert (listing.commit, [item.path for item in listing.items]) == (replaced, ["other"])


def test_a_commit_that_was_pushed_away_before_it_was_listed(repo: Repo, reader: Reader) -> None:
    repo.commit(FILES)
    head = reader.head()
    repo.commit({"other": b"x"})
    git(repo.path, "gc", "--quiet", "--prune=now")
    with pytest.raises(UpstreamRefNotFound):
        reader.provider.listing(reader.address, head)


def test_a_branch_that_moves_meanwhile_does_not_mix_two_states(repo: Repo, reader: Reader) -> None:
    first = repo.commit(FILES)
    head = reader.head()
    repo.commit({"other": b"x", "more": b"y"}, parent=first)
    listing = reader.provider.listing(reader.address, head)
    oids = sorted({item.oid for item in listing.items if item.mode == "100644"})
    blobs = reader.provider.read(reader.address, head, oids, max_bytes=1000)
    assert listing.commit == first
    assert sorted(blobs.found.values()) == sorted(FILES.values())


def test_sizes_and_what_is_missing(repo: Repo, reader: Reader) -> None:
    repo.commit({"small": b"12345", "six": b"123456", "large": os.urandom(6000), "dir/small": b"12345"})
    oids = {item.path: item.oid for item in reader.listing().items}
    gone = ["1" * 40, oids["dir"], "not an id"]
    blobs = reader.read([*oids.values(), *gone], 5)
    assert blobs.found == {oids["small"]: b"12345"}
    expected = dict.fromkeys((oids["six"], oids["large"]), Unread.TOO_LARGE) | dict.fromkeys(gone, Unread.MISSING)
    assert blobs.unread == expected


def test_nothing_wanted_asks_nobody(repo: Repo, reader: Reader, github: GitHub) -> None:
    repo.commit(FILES)
    head = reader.head()
    assert github.count(lambda: reader.provider.read(reader.address, head, [], max_bytes=1)) == 0


def test_memory_is_bounded(repo: Repo, make: Make) -> None:
    small = make(max_read_bytes=6000)
    repo.commit({"a": os.urandom(4000), "b": os.urandom(4000)})
    oids = [item.oid for item in small.listing().items]
    with pytest.raises(LimitExceeded):
        small.read(oids)


def test_files_that_an_archive_leaves_out_or_rewrites_are_read_all_the_same(repo: Repo, reader: Reader) -> None:
    attributes = b"skills/hidden export-ignore\nskills/stamped/SKILL.md export-subst\n"
    files = {
        ".gitattributes": attributes,
        "skills/hidden/SKILL.md": b"hidden\n",
        "skills/stamped/SKILL.md": b"commit $Format:%H$\n",
        "skills/plain/SKILL.md": b"plain\n",
    }
    repo.commit(files)
    oids = {item.oid for item in reader.listing().items if item.mode == "100644"}
    assert sorted(reader.read(sorted(oids)).found.values()) == sorted(files.values())


def test_a_host_that_is_not_listed_is_never_asked(repo: Repo, reader: Reader, github: GitHub) -> None:
    head = Head(CommitOid("1" * 40), "refs/heads/main")
    other = parse_url("https://other.example/a/b", AccessPolicy(allowed_hosts=("other.example",)))
    for operation in (
        lambda: reader.provider.resolve(other),
        lambda: reader.provider.listing(other, head),
        lambda: reader.provider.read(other, head, ["1" * 40], max_bytes=1),
    ):
        with pytest.raises(HostNotAllowed):
            operation()
    assert github.requests == []


def test_a_renamed_repository_is_read_under_its_old_name(repo: Repo, reader: Reader, github: GitHub) -> None:
    commit = repo.commit(FILES)
    github.rename("acme/tools", "acme/renamed")
    listing = reader.listing()
    oids = sorted({item.oid for item in listing.items if item.mode == "100644"})
    assert listing.commit == commit
    assert sorted(reader.read(oids).found.values()) == sorted(FILES.values())


@pytest.mark.parametrize("code", ["upstream_blocked", "upstream_rate_limited", "upstream_unreachable"])
def test_the_same_refusal_is_the_same_error(code: str, repo: Repo, reader: Reader, github: GitHub) -> None:
    statuses = {"upstream_blocked": 451, "upstream_rate_limited": 429, "upstream_unreachable": 502}

    def refuse(handler: object) -> bool:
        handler.answer(statuses[code], b"{}", {"Retry-After": "7"})  # type: ignore[attr-defined]
        return True

    github.always("", refuse)
    with pytest.raises(UpstreamError) as caught:
        reader.head()
    assert caught.value.code == code
    if code == "upstream_rate_limited":
        assert caught.value.retry_after == 7
