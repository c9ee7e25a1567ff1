"""Retention, maintenance, several processes, and processes that are killed."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collections_app.store.history import History, maintenance
from collections_app.store.history.commits import moment_of, snapshot_id
from collections_app.store.history.retention import to_drop
from tests.collections_app.store.history_trees import NOW, fsck, git, later, state, write

MOMENTS = st.lists(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2026, 3, 1)).map(lambda m: m.replace(tzinfo=UTC)),
    max_size=60,
    unique=True,
)


@settings(deadline=None)
@given(moments=MOMENTS, keep=st.integers(0, 20), days=st.integers(0, 40))
def test_the_last_ones_and_one_a_day_stay(moments, keep, days):
    ids = [snapshot_id(moment) for moment in moments]
    dropped = set(to_drop(ids, keep=keep, daily_days=days, now=NOW))
    newest_first = sorted(ids, reverse=True)
    assert dropped.isdisjoint(newest_first[:keep])
    for identifier in newest_first:
        moment = moment_of(identifier)
        same_day = [other for other in newest_first if moment_of(other).date() == moment.date()]
        inside = moment > NOW - timedelta(days=days)
        if identifier not in newest_first[:keep]:
            assert (identifier in dropped) == (not (inside and identifier == same_day[0]))


@settings(deadline=None)
@given(st.lists(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9000, 1, 1)), min_size=2, max_size=2))
def test_ids_sort_as_their_moments(moments):
    first, second = (moment.replace(tzinfo=UTC) for moment in moments)
    assert (first < second) == (snapshot_id(first) < snapshot_id(second))
    assert moment_of(snapshot_id(first)) == first


def test_retention_drops_refs_and_maintenance_frees_the_space(history, collection, store):
    for n in range(6):
        write(collection, {"skills/a/data": os.urandom(100_000), "skills/b/x": b"same"})
        history.snapshot(collection, "default", reason=str(n), now=later(days=n - 100))
    newest = history.snapshots("default")[0]
    dropped = history.retain("default", keep=2, daily_days=30, now=NOW)
    assert len(dropped) == 4
    early = history.maintain(now=datetime.now(UTC))
    assert early.kept_unreachable > 0
    assert early.bytes_after > 600_000
    late = history.maintain(now=datetime.now(UTC) + timedelta(days=15))
    assert late.bytes_after < 300_000
    assert history.snapshots("default")[0] == newest
    assert history.read(newest, "skills/b/x") == b"same"
    assert late.packs_after == 1
    fsck(store)


def test_the_snapshot_taken_last_stays_whatever_the_clock_said(history, collection):
    write(collection, {"collection.toml": b"x"})
    history.snapshot(collection, "default", reason="future", now=later(days=400))
    safety = history.snapshot(collection, "default", reason="safety", now=NOW)
    assert history.retain("default", keep=1, daily_days=0, now=NOW) == []
    assert history.get("default", safety.id) == safety


def test_what_no_ref_leads_to_yet_survives(history, collection, store):
    """A tree staged for an import, whose ref comes later (git gc --prune=now deletes such a one)."""
    write(collection, {"skills/a/SKILL.md": b"staged"})
    (folder,) = history.write_paths("default", [collection / "skills/a"])
    blob = history.write_blob(b"loose")
    for days in (0, 1, 12):
        history.maintain(now=datetime.now(UTC) + timedelta(days=days))
    history.keep_base("default", {"a": folder, "b": blob})
    assert History(store).read_content(folder, "SKILL.md") == b"staged"
    assert History(store).read_content(blob) == b"loose"
    fsck(store)


def test_what_nothing_led_to_for_two_weeks_goes(history, collection, store):
    write(collection, {"skills/a/SKILL.md": b"staged"})
    history.write_paths("default", [collection / "skills/a"])
    history.write_blob(b"loose")
    history.maintain(now=datetime.now(UTC) + timedelta(days=13))
    assert git(store, "count-objects", "-v").splitlines()[0] == "count: 1"
    history.maintain(now=datetime.now(UTC) + timedelta(days=15))
    counts = dict(line.split(": ") for line in git(store, "count-objects", "-v").splitlines())
    assert (counts["count"], counts["in-pack"]) == ("0", "0")


def test_a_pack_written_while_maintenance_runs_is_not_touched(history, collection, store, monkeypatch):
    write(collection, {"skills/a/SKILL.md": b"one"})
    history.snapshot(collection, "default", reason="x", now=NOW)
    other = History(store)
    original = maintenance._reachable
    taken = []

    def and_meanwhile(opened):
        found = original(opened)
        write(collection, {"skills/b/SKILL.md": b"two"})
        taken.append(other.snapshot(collection, "default", reason="meanwhile", now=later(seconds=1)))
        return found

    monkeypatch.setattr(maintenance, "_reachable", and_meanwhile)
    history.maintain(now=datetime.now(UTC) + timedelta(days=400))
    assert other.read(taken[0], "skills/a/SKILL.md") == b"one"
    assert History(store).read(taken[0], "skills/b/SKILL.md") == b"two"
    fsck(store)


def test_stray_files_of_the_killed_are_swept(history, store):
    history.snapshots("default")
    for name in ("objects/pack/tmp_pack-1", "skillmeat-index/tmp_1"):
        (store / name).write_bytes(b"x")
    history.maintain(now=datetime.now(UTC))
    assert (store / "objects/pack/tmp_pack-1").exists()
    history.maintain(now=datetime.now(UTC) + timedelta(days=2))
    assert not (store / "objects/pack/tmp_pack-1").exists()
    assert not (store / "skillmeat-index/tmp_1").exists()


def test_dropping_a_collection_leaves_the_others(history, collection, store):
    write(collection, {"skills/a/SKILL.md": b"x"})
    for slug in ("one", "one-more"):
        history.snapshot(collection, slug, reason="x", now=NOW)
    history.keep_base("one", {"a": history.write_blob(b"b")})
    history.maintain(now=NOW)
    history.drop_collection("one")
    history.drop_collection("one")
    assert {line.split()[2] for line in git(store, "for-each-ref").splitlines()} == {
        "refs/collections/one-more",
        f"refs/snapshots/one-more/{snapshot_id(NOW)}",
    }
    assert not (store / "skillmeat-index/one.json").exists()


ROOT = Path(__file__).parents[3]
WORKER = """
import json, os, sys
from datetime import UTC, datetime
from pathlib import Path
from collections_app.store.history import History
home, slug, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
history = History(home / "store.git")
for n in range(rounds):
    (home / slug / "skills" / "a" / "SKILL.md").write_text(f"{slug} {n}")
    snapshot = history.snapshot(home / slug, slug, reason=str(n), now=datetime.now(UTC))
    print(snapshot.id, flush=True)
    history.keep_base(slug, {f"k{n}": history.write_blob(f"{slug} {n}".encode())})
"""


def start(home: Path, slug: str, rounds: int) -> subprocess.Popen[str]:
    write(home / slug, {f"skills/s{n}/SKILL.md": b"x%d" % n for n in range(30)} | {"skills/a/SKILL.md": b""})
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(home), slug, str(rounds)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def test_several_processes_and_a_maintenance_at_once(tmp_path):
    """The store is made by whoever comes first; no snapshot and no base is lost."""
    workers = {slug: start(tmp_path, slug, 25) for slug in ("one", "two", "three")}
    history = History(tmp_path / "store.git")
    while any(worker.poll() is None for worker in workers.values()):
        history.maintain(now=datetime.now(UTC))
    history.maintain(now=datetime.now(UTC) + timedelta(days=30))
    for slug, worker in workers.items():
        said = worker.communicate()[0].split()
        assert worker.returncode == 0
        snapshots = history.snapshots(slug)
        assert [s.id for s in snapshots] == said[::-1]
        assert [history.read(s, "skills/a/SKILL.md") for s in snapshots] == [
            f"{slug} {n}".encode() for n in range(24, -1, -1)
        ]
        assert {history.read_content(base) for base in history.bases(slug).values()} == {
            f"{slug} {n}".encode() for n in range(25)
        }
    fsck(tmp_path / "store.git")


@pytest.mark.parametrize("attempt", range(8))
def test_killed_in_the_middle_the_store_is_usable(tmp_path, attempt):
    worker = start(tmp_path, "one", 1000)
    said = [worker.stdout.readline().strip() for _ in range(2)]
    time.sleep(0.003 * attempt)
    worker.kill()
    said += worker.communicate()[0].split()
    fsck(tmp_path / "store.git")
    history = History(tmp_path / "store.git")
    assert set(said) <= {s.id for s in history.snapshots("one")}
    again = history.snapshot(tmp_path / "one", "one", reason="after", now=datetime.now(UTC))
    history.keep_base("one", {"after": history.write_blob(b"after")})
    history.materialise(again, None, tmp_path / "out")
    assert state(tmp_path / "out") == state(tmp_path / "one")
    history.maintain(now=datetime.now(UTC) + timedelta(days=30))
    assert not list((tmp_path / "store.git").rglob("*tmp*"))
    fsck(tmp_path / "store.git")


def test_a_lock_left_by_a_killed_process_is_broken(history, collection, store):
    write(collection, {"collection.toml": b"x"})
    history.snapshot(collection, "default", reason="x", now=NOW)
    lock = store / "refs/collections/default.lock"
    lock.write_bytes(b"")
    os.utime(lock, (1, 1))
    second = history.snapshot(collection, "default", reason="y", now=later(seconds=1))
    assert git(store, "rev-parse", "refs/collections/default").strip() == second.commit_oid
