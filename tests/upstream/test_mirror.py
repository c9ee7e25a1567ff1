"""Mirrors are a cache: damage is repaired, processes take turns, and the disk is not filled."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from skillmeat_site.core.errors import DiskFull
from skillmeat_site.upstream.errors import ContentMismatch, UpstreamTimeout
from skillmeat_site.upstream.git import GitProvider
from skillmeat_site.upstream.git_settings import GitSettings
from skillmeat_site.upstream.housekeeping import MAX_PACKS, sweep
from skillmeat_site.upstream.locks import hold, try_hold
from skillmeat_site.upstream.mirror import Mirror, lock_path, mirror_path
from skillmeat_site.upstream.process import Deadline
from skillmeat_site.upstream.types import Head, RepositoryAddress, no_tick
from tests.fakes.git_http import GitHttp
from tests.upstream.conftest import Repo, git, make_repo


@pytest.fixture
def path(git_settings: GitSettings, address: RepositoryAddress) -> Path:
    return mirror_path(git_settings.mirrors, address)


@pytest.fixture
def head(repo: Repo, provider: GitProvider, address: RepositoryAddress) -> Head:
    """A repository of 30 skills whose mirror exists."""
    repo.commit({f"s{n}/SKILL.md": b"%d" % n for n in range(30)})
    head = provider.resolve(address)
    provider.listing(address, head)
    return head


def cut_pack(mirror: Path) -> None:
    pack = next(mirror.glob("objects/pack/*.pack"))
    pack.chmod(0o600)
    os.truncate(pack, pack.stat().st_size // 2)


def drop_index(mirror: Path) -> None:
    next(mirror.glob("objects/pack/*.idx")).unlink()


def killed_in_init(mirror: Path) -> None:
    shutil.rmtree(mirror)
    (mirror.with_suffix(".new") / "objects").mkdir(parents=True)


def half_removed(mirror: Path) -> None:
    shutil.rmtree(mirror / "objects")


def bad_shallow(mirror: Path) -> None:
    drop_index(mirror)
    (mirror / "shallow").write_text("rubbish\n")


def bad_ref(mirror: Path) -> None:
    drop_index(mirror)
    (mirror / "refs" / "skillmeat" / "latest").write_text("rubbish\n")


def test_what_a_killed_fetch_left_is_cleared_and_the_rest_kept(
    path: Path, head: Head, repo: Repo, provider: GitProvider, address: RepositoryAddress
) -> None:
    pack = next(path.glob("objects/pack/*.pack"))
    (path / "shallow.lock").touch()
    (path / "refs" / "skillmeat" / "latest.lock").touch()
    (path / "objects" / "pack" / "tmp_pack_abc").write_bytes(b"PACK")
    repo.commit({"new": b"x"})
    assert len(provider.listing(address, provider.resolve(address)).items) == 1
    assert pack.exists()
    assert not [*path.rglob("*.lock"), *path.rglob("tmp_*")]


@pytest.mark.parametrize("damage", [cut_pack, drop_index, killed_in_init, half_removed, bad_shallow, bad_ref])
def test_a_damaged_mirror_is_made_anew(
    damage: Callable[[Path], None], path: Path, head: Head, provider: GitProvider, address: RepositoryAddress
) -> None:
    damage(path)
    listing = provider.listing(address, head)
    assert len(listing.items) == 60
    blobs = provider.read(address, head, [listing.items[1].oid], max_bytes=9)
    assert list(blobs.found.values()) == [b"0"]
    assert not [*path.rglob("*.lock"), *path.rglob("tmp_*"), *path.parent.glob("*.new")]


def test_content_that_is_not_its_id_is_never_handed_out(
    path: Path, head: Head, git_settings: GitSettings, address: RepositoryAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = GitProvider(git_settings)
    oid = provider.listing(address, head).items[1].oid
    monkeypatch.setattr("skillmeat_site.upstream.mirror.blob_oid", lambda content: "0" * 40)
    with pytest.raises(ContentMismatch):
        provider.read(address, head, [oid], max_bytes=9)


def test_a_rotten_blob_is_fetched_again(
    path: Path, head: Head, provider: GitProvider, address: RepositoryAddress, server: GitHttp
) -> None:
    oid = provider.listing(address, head).items[1].oid
    rotten = git(path, "hash-object", "-w", "--stdin", stdin=b"rotten")
    target = path / "objects" / oid[:2] / oid[2:]
    target.parent.mkdir(exist_ok=True)
    shutil.copy(path / "objects" / rotten[:2] / rotten[2:], target)
    assert provider.read(address, head, [oid], max_bytes=9).found == {oid: b"0"}


def test_the_mirror_knows_no_url_and_no_remote(path: Path, head: Head) -> None:
    config = (path / "config").read_text()
    assert "remote" not in config
    assert "url" not in config
    assert not (path / "hooks").exists()


def _work(
    git_settings: GitSettings, address: RepositoryAddress, head: Head, results: multiprocessing.Queue[object]
) -> None:
    provider = GitProvider(git_settings)
    listing = provider.listing(address, head)
    oids = [item.oid for item in listing.items if item.mode == "100644"]
    results.put(len(provider.read(address, head, oids, max_bytes=9).found))


def test_processes_that_want_the_same_mirror_at_once(
    repo: Repo, git_settings: GitSettings, address: RepositoryAddress, server: GitHttp
) -> None:
    repo.commit({f"s{n}/SKILL.md": b"%d" % n for n in range(30)})
    head = GitProvider(git_settings).resolve(address)
    # Forked from a process whose server runs in a thread: the children only run git and read locks.
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[object] = context.Queue()
    plain = replace(git_settings)
    workers = [context.Process(target=_work, args=(plain, address, head, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    assert [results.get(timeout=60) for _ in workers] == [30, 30, 30]
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0
    assert len(server.requests) == 1 + 2 + 2


def test_the_lock_is_exclusive_and_its_wait_ends(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    ticks = []
    with hold(lock, Deadline(5), no_tick):
        with try_hold(lock) as held:
            assert not held
        with pytest.raises(UpstreamTimeout), hold(lock, Deadline(1.3), lambda: ticks.append(1)):
            pass
        assert ticks
    with try_hold(lock) as held:
        assert held


def test_a_lock_on_a_removed_file_keeps_nobody_out(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    with hold(lock, Deadline(5), no_tick):
        lock.unlink()
        with hold(lock, Deadline(5), no_tick), try_hold(lock) as held:
            assert not held


def test_a_lock_file_that_is_removed_while_it_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "x.lock"
    flock = fcntl.flock

    def removed_just_before(descriptor: int, flags: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        lock.unlink()
        flock(descriptor, flags)

    monkeypatch.setattr(fcntl, "flock", removed_just_before)
    with hold(lock, Deadline(5), no_tick), try_hold(lock) as held:
        assert not held


class TestSweep:
    @pytest.fixture
    def mirrors(self, tmp_path: Path, git_settings: GitSettings) -> list[Path]:
        """Three mirrors of about 100 kB, the first not used for longest."""
        paths = []
        for age, name in enumerate(("new", "middle", "old")):
            path = mirror_path(git_settings.mirrors, RepositoryAddress(f"https://x/{name}/r", "x", name, "r"))
            make_repo(path)
            (path / "objects" / "filler").write_bytes(b"x" * 100_000)
            os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
            paths.insert(0, path)
        return paths

    def test_the_longest_unused_go_first(self, mirrors: list[Path], git_settings: GitSettings) -> None:
        assert sweep(git_settings.mirrors, 10**9) == []
        assert sweep(git_settings.mirrors, 250_000) == [mirrors[0]]
        assert [path.exists() for path in mirrors] == [False, True, True]
        assert not lock_path(mirrors[0]).exists()
        assert sweep(git_settings.mirrors, 0) == mirrors[1:]

    def test_one_in_use_stays(self, mirrors: list[Path], git_settings: GitSettings) -> None:
        with hold(lock_path(mirrors[0]), Deadline(5), no_tick):
            assert sweep(git_settings.mirrors, 0) == mirrors[1:]
        assert mirrors[0].exists()

    def test_reading_sweeps(
        self, mirrors: list[Path], git_settings: GitSettings, address: RepositoryAddress, repo: Repo
    ) -> None:
        repo.commit({"f": b"x"})
        provider = GitProvider(replace(git_settings, mirrors_max_bytes=150_000))
        provider.listing(address, provider.resolve(address))
        assert [path.exists() for path in mirrors] == [False, False, True]
        assert mirror_path(git_settings.mirrors, address).exists()


def test_many_packs_become_one_and_nothing_is_lost(
    repo: Repo, provider: GitProvider, address: RepositoryAddress, server: GitHttp, path: Path
) -> None:
    never_read = {f"z{n}": b"never %d" % n for n in range(3)}
    repo.commit({f"f{n}": b"%d" % n for n in range(MAX_PACKS + 2)} | never_read)
    head = provider.resolve(address)
    listed = provider.listing(address, head).items
    items = [item for item in listed if item.path.startswith("f")]
    for item in items:
        provider.read(address, head, [item.oid], max_bytes=9)
    assert len(list(path.glob("objects/pack/*.pack"))) < 5
    before = len(server.requests)
    blobs = provider.read(address, head, [item.oid for item in items], max_bytes=9)
    assert len(blobs.found) == MAX_PACKS + 2
    assert provider.listing(address, head).items == listed
    assert len(server.requests) == before


def test_a_full_disk_is_told_and_the_mirror_kept(
    path: Path, head: Head, provider: GitProvider, address: RepositoryAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Mirror) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Mirror, "prepare", full)
    with pytest.raises(DiskFull):
        provider.listing(address, head)
    assert path.exists()
