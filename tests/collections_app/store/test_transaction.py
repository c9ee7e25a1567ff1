"""What a transaction refuses, keeps and takes back; journals of strangers; full and read-only disks."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from collections_app.domain.types import FileMode
from collections_app.errors import ChangedOnDisk, DiskDenied, OtherFileSystem, PathBlocked, UnsafeLink, UnsafePath
from collections_app.store import swaps
from collections_app.store.content_ids import Limits, blob_oid
from collections_app.store.content_on_disk import content_oid
from collections_app.store.layout import Home, Root
from collections_app.store.owner import Owner, is_alive, this_process
from collections_app.store.recovery import Outcome, recover
from collections_app.store.staging import NewFile
from collections_app.store.transaction import WHATEVER, DiskTransaction
from skillmeat_site.core.errors import DiskFull, DomainError, LeaseLost, LimitExceeded
from skillmeat_site.upstream.errors import ContentMismatch
from tests.collections_app.store.places import dies_at, fill, picture


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "h")
    home.journal.mkdir(parents=True)
    fill(home.path, {"collections/c/skills/a/SKILL.md": "a", "collections/c/collection.toml": "m"})
    return home


@pytest.fixture
def disk(home):
    with DiskTransaction(home, home.root_of("c"), kind="test") as disk:
        yield disk
    assert list(home.journal.iterdir()) == []
    assert not (home.collections / "c/.skillmeat").exists()


def only_error(disk: DiskTransaction) -> DomainError | None:
    (row,) = disk.apply()
    return row.error


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ([NewFile("../x", b"")], UnsafePath),
        ([NewFile("/x", b"")], UnsafePath),
        ([NewFile("a/.git/hooks/x", b"")], UnsafePath),
        ([NewFile("README.md", b""), NewFile("readme.md", b"")], UnsafePath),
        ([NewFile("D/x", b""), NewFile("d/y", b"")], UnsafePath),
        ([NewFile("a", b""), NewFile("a/b", b"")], UnsafePath),
        ([NewFile("a/b", b""), NewFile("a", b"")], UnsafePath),
        ([NewFile("a", b""), NewFile("a", b"")], UnsafePath),
        ([NewFile("l", b"/etc", FileMode.SYMLINK), NewFile("l/x", b"")], UnsafePath),
        ([NewFile("l", b"..", FileMode.SYMLINK)], UnsafeLink),
        ([NewFile("a", b"12345")], LimitExceeded),
        ([NewFile(str(number), b"") for number in range(5)], LimitExceeded),
    ],
    ids=range(12),
)
def test_staging_refuses(home, disk, files, error):
    with pytest.raises(error):
        disk.stage.add_folder(files, limits=Limits(files=4, bytes=4))
    assert not any((home.collections / "c/.skillmeat" / disk.op / "new").iterdir())


def test_staging_verifies(disk):
    with pytest.raises(ContentMismatch):
        disk.stage.add_folder([NewFile("a", b"1")], expected_oid="0" * 40)
    assert disk.stage.add_file(b"x", expected_oid=blob_oid(b"x")).oid == blob_oid(b"x")


def test_a_copy_is_the_same(home, disk):
    source = home.collections / "c/skills/a"
    (source / "link").symlink_to("SKILL.md")
    (source / "SKILL.md").chmod(0o755)
    assert disk.stage.add_copy(source).oid == content_oid(source)


@pytest.mark.parametrize("target", ["../x", "/x", "a/../b", ".skillmeat/x", ".skillmeat", "a/.git/x", ""])
def test_targets_that_are_refused(disk, target):
    with pytest.raises(UnsafePath):
        disk.put(target, disk.stage.add_file(b""), expected=None)


def test_what_is_at_the_target_decides(home, disk):
    staged = disk.stage.add_folder([NewFile("SKILL.md", b"new")])
    before = picture(home.collections)
    disk.put("skills/a", staged, expected="0" * 40)
    assert isinstance(only_error(disk), ChangedOnDisk)
    disk.put("skills/a", staged, expected=None)
    assert isinstance(only_error(disk), ChangedOnDisk)
    disk.put("collection.toml/x", staged, expected=None)
    assert isinstance(only_error(disk), PathBlocked)
    (home.collections / "c/agents").symlink_to("/tmp")
    disk.put("agents/x", staged, expected=None)
    assert isinstance(only_error(disk), UnsafeLink)
    (home.collections / "c/agents").unlink()
    disk.put("skills/gone", staged, expected="0" * 40)
    assert isinstance(only_error(disk), ChangedOnDisk)
    assert picture(home.collections) == before | picture_of_work(home)


def picture_of_work(home: Home) -> dict[str, object]:
    return {name: what for name, what in picture(home.collections).items() if ".skillmeat" in name}


def test_together_is_all_or_nothing(home, disk):
    disk.put("skills/a", disk.stage.add_folder([NewFile("x", b"")]), expected=WHATEVER)
    disk.put("skills/b", disk.stage.add_folder([NewFile("x", b"")]), expected=None)
    disk.put("collection.toml", disk.stage.add_file(b"new"), expected=blob_oid(b"other"))
    with pytest.raises(ChangedOnDisk):
        disk.apply(together=True)
    assert (home.collections / "c/skills/a/SKILL.md").read_text() == "a"
    assert not (home.collections / "c/skills/b").exists()


@pytest.mark.parametrize("with_exchange", [True, False])
def test_foreign_content_of_the_last_moment_is_kept(home, disk, monkeypatch, with_exchange):
    """Somebody replaces the target after it was compared."""
    target = home.collections / "c/skills/a"
    if not with_exchange:
        monkeypatch.setattr(swaps, "exchange", lambda one, other: False)

    def meanwhile(name: str) -> None:
        if name.startswith("checked"):
            target.rename(home.path / "away")
            fill(target, {"mine": "precious"})

    monkeypatch.setattr(swaps, "checkpoint", meanwhile)
    disk.put("skills/a", disk.stage.add_folder([NewFile("x", b"")]), expected=content_oid(target))
    assert isinstance(only_error(disk), ChangedOnDisk)
    assert picture(target) == {"mine": (b"precious", False)}


def test_an_error_of_the_caller_takes_everything_back(home):
    before = picture(home.path)

    def fail() -> None:
        with DiskTransaction(home, home.root_of("c"), kind="test") as disk:
            disk.put("skills/a", disk.stage.add_folder([NewFile("x", b"")]), expected=WHATEVER)
            disk.delete("collection.toml", expected=blob_oid(b"m"))
            disk.apply()
            assert not (home.collections / "c/collection.toml").exists()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert picture(home.path) == before


def test_edits_between_death_and_recovery_are_kept(home):
    """The user edits the new file, after the process died: his text stays, and the old one is in the trash."""

    def work() -> None:
        with DiskTransaction(home, home.root_of("c"), kind="test") as disk:
            disk.put("collection.toml", disk.stage.add_file(b"new"), expected=blob_oid(b"m"))
            disk.apply()
            os.kill(os.getpid(), signal.SIGKILL)

    assert dies_at(0, work)
    (home.collections / "c/collection.toml").write_text("edited")
    (row,) = recover(home, lambda op: False)
    assert (row.outcome, row.code) == (Outcome.UNDONE, "changed_on_disk")
    assert (home.collections / "c/collection.toml").read_text() == "edited"
    assert (home.trash / row.kept[0]).read_text() == "m"
    assert recover(home, lambda op: False) == []


def test_a_living_process_is_left_alone(home, disk):
    disk.put("skills/b", disk.stage.add_folder([NewFile("x", b"")]), expected=None)
    disk.apply()
    assert [row.outcome for row in recover(home, lambda op: False)] == [Outcome.ALIVE]

    def elsewhere() -> None:
        assert [row.outcome for row in recover(home, lambda op: False)] == [Outcome.ALIVE]

    assert not dies_at(0, elsewhere)
    assert (home.collections / "c/skills/b/x").exists()


def test_who_is_thought_dead_may_not_go_on(home):
    disk = DiskTransaction(home, home.root_of("c"), kind="test")
    disk.__enter__()
    disk.put("skills/b", disk.stage.add_folder([NewFile("x", b"")]), expected=None)
    before = picture(home.collections / "c/skills")

    def other_host() -> None:
        assert [row.outcome for row in recover(home, lambda op: False, alive=lambda owner: False)] == [Outcome.UNDONE]

    assert not dies_at(0, other_host)
    with pytest.raises(LeaseLost):
        disk.apply()
    disk.__exit__(None, None, None)
    assert picture(home.collections / "c/skills") == before


def test_owners():
    me = this_process()
    assert is_alive(me)
    assert Owner.from_token(me.token).pid == os.getpid()
    assert not is_alive(Owner(me.host, me.pid, me.started + 1, me.until))
    assert is_alive(Owner("elsewhere", me.pid, me.started, me.until))
    assert not is_alive(Owner("elsewhere", me.pid, me.started, 1.0))


def journal_of(home: Home) -> dict:
    """A journal as a dead process leaves it, before its first swap."""

    def work() -> None:
        with DiskTransaction(home, home.root_of("c"), kind="test") as disk:
            disk.put("skills/b", disk.stage.add_folder([NewFile("x", b"")]), expected=None)
            disk._extend(disk._entered())
            os.kill(os.getpid(), signal.SIGKILL)

    assert dies_at(0, work)
    (path,) = home.journal.iterdir()
    return json.loads(path.read_text())


HOSTILE = [
    lambda j: j["swaps"][0].update(target="../../../victim"),
    lambda j: j["swaps"][0].update(target="/victim"),
    lambda j: j["swaps"][0].update(backup="../../victim"),
    lambda j: j["swaps"][0].update(backup="../victim", keep=True),
    lambda j: j["swaps"][0].update(staged="skills/a"),
    lambda j: j["swaps"][0].update(target=".skillmeat/x"),
    lambda j: j["swaps"][0].update(target=7),
    lambda j: j["swaps"][0].update(keep="yes"),
    lambda j: j["swaps"][0].update(new="x"),
    lambda j: j["swaps"][0].update(more=1),
    lambda j: j.update(root="/etc"),
    lambda j: j.update(root="relative"),
    lambda j: j.update(root=j["root"] + "/../../.."),
    lambda j: j.update(root=str(Path(j["root"]).parents[1])),
    lambda j: j.update(work="skills"),
    lambda j: j.update(made=["../x"]),
    lambda j: j.update(made=[1]),
    lambda j: j.update(op="0" * 32),
    lambda j: j.update(version=2),
    lambda j: j.update(owner={}),
    lambda j: j["owner"].update(pid="1"),
    lambda j: j.pop("swaps"),
]


@pytest.mark.parametrize("spoil", HOSTILE, ids=range(len(HOSTILE)))
def test_a_journal_of_a_stranger_is_reported_and_not_followed(home, spoil):
    journal = journal_of(home)
    (path,) = home.journal.iterdir()
    spoil(journal)
    path.write_text(json.dumps(journal))
    before = picture(home.path)
    for answer in (True, False):
        (row,) = recover(home, lambda op, answer=answer: answer)
        assert (row.outcome, row.code) == (Outcome.INVALID, "journal_invalid")
    assert picture(home.path) == before


def test_files_that_are_no_journals(home):
    journal_of(home)
    (path,) = home.journal.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    (home.journal / "notes.txt").write_text("x")
    (home.journal / f"{'0' * 32}.json").mkdir()
    (home.journal / f"{'1' * 32}.json").symlink_to("/etc/passwd")
    (home.journal / f"{'2' * 32}~zz.json").write_text("{}")
    before = picture(home.path)
    assert {row.outcome for row in recover(home, lambda op: True)} == {Outcome.INVALID}
    assert picture(home.path) == before


def test_a_root_behind_a_link_is_refused(home, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (home.collections / "l").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeLink), DiskTransaction(home, home.root_of("l"), kind="test"):
        pass
    assert list(home.journal.iterdir()) == []


def test_the_disk_is_full_in_the_middle(home):
    """A real limit of the system, on the size of a file: writing stops half-way."""
    before = picture(home.path)

    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        with DiskTransaction(home, home.root_of("c"), kind="test") as disk:
            with pytest.raises(DiskFull):
                disk.stage.add_folder([NewFile("a", b"x"), NewFile("b", b"x" * 100_000)])
            assert not any((home.collections / "c/.skillmeat" / disk.op / "new").iterdir())
            disk.put("skills/b", disk.stage.add_folder([NewFile("x", b"")]), expected=None)
            disk.apply()
            for number in range(400):
                disk.put(f"skills/n{number}", disk.stage.add_file(b""), expected=None)
            with pytest.raises(DiskFull):
                disk.apply()

    assert not dies_at(0, work)
    assert picture(home.path) == before


def test_a_small_disk_is_full(tmp_path):
    """A file system of 2 MiB, where the system lets the tests mount one."""
    place = tmp_path / "small"
    place.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "t", place], check=False).returncode
    ):
        pytest.skip("no file system can be mounted here")
    try:
        home = Home(place / "h")
        fill(home.path, {"collections/c/skills/a/SKILL.md": "a", "journal/.keep": ""})
        (home.journal / ".keep").unlink()
        before = picture(home.path)
        fill_up(home)
        assert picture(home.path) == before
    finally:
        subprocess.run(["umount", place], check=True)


def fill_up(home: Home) -> None:
    with DiskTransaction(home, home.root_of("c"), kind="test") as disk:
        target = home.collections / "c/skills/a"
        disk.put("skills/a", disk.stage.add_folder([NewFile("x", b"x" * 500_000)]), expected=content_oid(target))
        disk.apply()
        assert (target / "x").exists()
        with pytest.raises(DiskFull):
            disk.stage.add_folder([NewFile(str(number), b"x" * 100_000) for number in range(40)])
        try:  # not a byte is left: the journal cannot grow, and everything can be taken back all the same
            (home.path / "filler").write_bytes(b"x" * 4_000_000)
        except OSError:
            disk.put("skills/b", disk.stage.add_folder([]), expected=None)
            with pytest.raises(DiskFull):
                disk.apply()
        (home.path / "filler").unlink()


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, DiskFull), (errno.EROFS, DiskDenied), (errno.EACCES, DiskDenied), (errno.EXDEV, OtherFileSystem)],
    ids=["full", "read-only", "denied", "other"],
)
def test_the_system_refuses_a_swap(home, disk, monkeypatch, number, error):
    """The tests may run as root, whom no permission stops: the system's answer is put in its place."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(swaps, "move", refuse)
        disk.put("skills/b", disk.stage.add_folder([NewFile("x", b"")]), expected=None)
        assert isinstance(only_error(disk), error)
    assert not (home.collections / "c/skills/b").exists()


def test_a_deletion_leaves_no_empty_namespace(home):
    fill(home.collections, {"c/commands/a/b/x.md": "x"})
    with DiskTransaction(home, home.root_of("c"), kind="test") as disk:
        disk.delete("commands/a/b/x.md", expected=blob_oid(b"x"))
        disk.apply()
        disk.finish()
    assert (home.collections / "c/commands").is_dir()
    assert not (home.collections / "c/commands/a").exists()


def test_a_vanished_root_is_told_and_kept_for_later(home, tmp_path):
    project = tmp_path / "p"
    fill(project, {"x": "1"})

    def work() -> None:
        with DiskTransaction(home, Root(project, work=".claude/.skillmeat"), kind="deploy") as disk:
            disk.put("x", disk.stage.add_file(b"2"), expected=blob_oid(b"1"))
            disk.apply()
            os.kill(os.getpid(), signal.SIGKILL)

    assert dies_at(0, work)
    assert [row.outcome for row in recover(home, lambda op: False)] == [Outcome.INVALID]  # no root of ours
    project.rename(tmp_path / "unmounted")
    assert [row.code for row in recover(home, lambda op: False, roots=[tmp_path])] == ["not_found"]
    (tmp_path / "unmounted").rename(project)
    assert [row.outcome for row in recover(home, lambda op: False, roots=[tmp_path])] == [Outcome.UNDONE]
    assert picture(project) == {"x": (b"1", False)}
