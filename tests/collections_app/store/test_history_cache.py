"""The stat cache spares reading, and never hides a change."""

import os
import time

import pytest

from collections_app.store.history import History, stat_cache, walk
from tests.collections_app.store.history_trees import later, write


@pytest.fixture
def reads(monkeypatch):
    """The names of the files that a walk reads."""
    names = []
    original = walk.Walker._read_file

    def counted(self, parent, name):
        names.append(name)
        return original(self, parent, name)

    monkeypatch.setattr(walk.Walker, "_read_file", counted)
    return names


@pytest.fixture
def no_slack(monkeypatch):
    """Files are old as soon as they are written, so that a test need not wait."""
    monkeypatch.setattr(stat_cache, "SLACK_NS", -60_000_000_000)


def test_unchanged_files_are_not_read_again(history, collection, reads, no_slack):
    write(collection, {f"skills/s{n}/SKILL.md": b"x%d" % n for n in range(5)})
    first = history.snapshot(collection, "default", reason="x", now=later())
    reads.clear()
    assert history.snapshot(collection, "default", reason="x", now=later(seconds=1)).tree_oid == first.tree_oid
    assert history.changed_units(first, collection) == []
    assert reads == []


def test_a_file_just_written_is_read_again(history, collection, reads):
    """Racily clean: within one tick of the clock it may change and look the same."""
    write(collection, {"skills/a/SKILL.md": b"x"})
    history.snapshot(collection, "default", reason="x", now=later())
    reads.clear()
    history.snapshot(collection, "default", reason="x", now=later(seconds=1))
    assert reads == ["SKILL.md"]


def test_same_size_and_same_mtime_is_seen(history, collection, no_slack):
    write(collection, {"skills/a/SKILL.md": b"one"})
    path = collection / "skills/a/SKILL.md"
    before = path.stat()
    history.snapshot(collection, "default", reason="x", now=later())
    time.sleep(0.02)
    with path.open("r+b") as file:
        file.write(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns, path.stat().st_ino) == (3, before.st_mtime_ns, before.st_ino)
    snapshot = history.snapshot(collection, "default", reason="x", now=later(seconds=1))
    assert history.read(snapshot, "skills/a/SKILL.md") == b"two"


def test_another_file_renamed_into_the_place_is_seen(history, collection, no_slack):
    write(collection, {"skills/a/x": b"one", "skills/a/y": b"two"})
    stamp = (1_700_000_000, 1_700_000_000)
    for name in "xy":
        os.utime(collection / f"skills/a/{name}", stamp)
    history.snapshot(collection, "default", reason="x", now=later())
    (collection / "skills/a/y").rename(collection / "skills/a/x")
    snapshot = history.snapshot(collection, "default", reason="x", now=later(seconds=1))
    assert history.read(snapshot, "skills/a/x") == b"two"


def test_every_round_of_quick_edits_is_seen(history, collection):
    """Same size, no pause, the real slack: what a snapshot holds is what lay there."""
    path = collection / "skills/a/SKILL.md"
    for n in range(40):
        write(collection, {"skills/a/SKILL.md": b"%02d" % n})
        snapshot = history.snapshot(collection, "default", reason="x", now=later(seconds=n))
        assert history.read(snapshot, "skills/a/SKILL.md") == path.read_bytes()


def test_only_the_executable_bit_changed(history, collection, no_slack):
    write(collection, {"skills/a/run": b"x"})
    first = history.snapshot(collection, "default", reason="x", now=later())
    (collection / "skills/a/run").chmod(0o755)
    second = history.snapshot(collection, "default", reason="x", now=later(seconds=1))
    assert [str(file.mode) for s in (first, second) for file in history.files(s)] == ["100644", "100755"]


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"skillmeat-index 1 0000\n[]", b"[[1]]"])
def test_a_broken_cache_costs_time_only(history, collection, store, reads, no_slack, damage):
    write(collection, {"skills/a/SKILL.md": b"x"})
    first = history.snapshot(collection, "default", reason="x", now=later())
    (store / "skillmeat-index/default.json").write_bytes(damage)
    reads.clear()
    assert history.snapshot(collection, "default", reason="x", now=later(seconds=1)).tree_oid == first.tree_oid
    assert reads == ["SKILL.md"]


def test_what_the_cache_names_but_no_ref_keeps_is_stored_again(history, collection, store, no_slack):
    write(collection, {"skills/a/SKILL.md": b"x"})
    history.snapshot(collection, "default", reason="x", now=later())
    cache = (store / "skillmeat-index/default.json").read_bytes()
    history.drop_collection("default")
    for path in (store / "objects/pack").iterdir():
        path.unlink()
    (store / "skillmeat-index/default.json").write_bytes(cache)
    again = History(store)
    snapshot = again.snapshot(collection, "default", reason="x", now=later(seconds=1))
    assert History(store).read(snapshot, "skills/a/SKILL.md") == b"x"
