"""Snapshots: every byte in, every byte out, and a repository that git itself finds whole."""

import os
import resource
import signal
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collections_app.store.history import History
from collections_app.store.history.errors import HistoryDamaged, SnapshotNotFound
from collections_app.store.history.trees import is_git_name
from collections_app.store.history.types import ExcludedReason
from skillmeat_site.core.errors import DiskFull, InvalidParameter, LimitExceeded, NotFound
from skillmeat_site.upstream.types import FileMode
from tests.collections_app.store.history_trees import NOW, fsck, git, later, state, write

HOSTILE = {
    "skills/foo/SKILL.md": b"one\r\ntwo\r\n",
    "skills/foo/.gitattributes": b"* text=auto eol=crlf ident filter=lfs -diff\n",
    "skills/foo/.gitignore": b"*\n",
    "skills/foo/run.sh*": b"#!/bin/sh\necho $Id$\n",
    "skills/foo/lf.txt": b"a\nb\n",
    "skills/foo/link": "SKILL.md",
    "skills/foo/outside": "../../../../etc/passwd",
    "skills/foo/deep/er/data.bin": bytes(range(256)),
    "skills/new\nline/a\tb": b"x",
    os.fsdecode(b"skills/latin/caf\xe9.md"): b"not utf-8 name",
    "skills/foo.bar/x": b"sorts between foo and foo/",
    "skills/foo0/x": b"",
    ".gitattributes": b"* -text\n",
    ".gitignore": b"commands\n",
    "commands/ns/x.md": b"x",
    "commands/y.md": b"y",
    "agents/a/b/c.md": b"c",
    "hooks/h.json": b"{}",
    "mcp/m.json": b"{}",
    "mcp/readme.txt": b"no artifact",
    "plugins/p/.claude-plugin/plugin.json": b"{}",
    "collection.toml": b"format = 2\n",
    "collection.lock": b"",
}


def test_a_snapshot_gives_back_every_byte_mode_and_link(history, collection, store, tmp_path):
    write(collection, HOSTILE)
    snapshot = history.snapshot(collection, "default", reason="before import", job="17", actor="ann", now=NOW)
    assert (snapshot.excluded, snapshot.excluded_count) == ((), 0)
    # skills: foo, new\nline, latin, foo.bar, foo0; two commands, one agent, hook, mcp, plugin.
    assert snapshot.artifact_count == 11
    history.materialise(snapshot, None, tmp_path / "out")
    assert state(tmp_path / "out") == state(collection)
    fsck(store)


def test_ids_are_those_that_git_computes(history, collection, store, tmp_path):
    write(collection, HOSTILE)
    snapshot = history.snapshot(collection, "default", reason="x", now=NOW)
    work = tmp_path / "work"
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    subprocess.run(["cp", "-a", f"{collection}/.", str(work)], check=True)
    git(work, "config", "core.attributesFile", "nowhere")
    (work / ".git/info/attributes").write_text("* -text -filter -ident\n")
    git(work, "add", "-f", "-A")
    assert snapshot.tree_oid == git(work, "write-tree").strip()
    listed = git(store, "ls-tree", "-r", "-z", snapshot.commit_oid).split("\0")[:-1]
    assert {(file.path, str(file.mode), file.oid) for file in history.files(snapshot)} == {
        (line.split("\t", 1)[1], *line.split()[:3:2]) for line in listed
    }


def test_git_reads_the_trailers(history, collection, store):
    write(collection, {"skills/a/SKILL.md": b"x"})
    snapshot = history.snapshot(
        collection, "default", reason="import\n\nJob: forged", job="9f", actor="ann\nActor: bob", now=NOW
    )
    shown = git(store, "log", "-1", "--format=%(trailers:unfold)%P", f"refs/snapshots/default/{snapshot.id}")
    assert shown.strip().splitlines() == [
        "Reason: import Job: forged",
        "Job: 9f",
        "Actor: ann Actor: bob",
        "Artifacts: 1",
        "Excluded-Count: 0",
    ]
    assert history.get("default", snapshot.id) == snapshot
    assert (snapshot.reason, snapshot.job, snapshot.actor) == ("import Job: forged", "9f", "ann Actor: bob")
    assert git(store, "rev-parse", "refs/collections/default").strip() == snapshot.commit_oid


def test_what_git_cannot_hold_is_told(history, collection, monkeypatch):
    write(collection, {"skills/a/SKILL.md": b"x", "skills/a/.git/config": b"[core]", "skills/a/.GIT": b"gitdir: x"})
    write(collection, {"skills/a/git~1": b"", "skills/a/.g\u200cit": b"", "skills/a/.git::$INDEX_ALLOCATION": b""})
    write(collection, {".skillmeat/stage/1/x": b"staged"})
    (collection / "skills/a/empty").mkdir()
    (collection / "hooks").mkdir()
    os.mkfifo(collection / "skills/a/pipe")
    server = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(collection)
    server.bind("skills/a/socket")
    server.close()
    snapshot = history.snapshot(collection, "default", reason="x", now=NOW)
    assert {(item.path, item.reason) for item in snapshot.excluded} == {
        ("skills/a/.git", ExcludedReason.GIT_NAME),
        ("skills/a/.GIT", ExcludedReason.GIT_NAME),
        ("skills/a/git~1", ExcludedReason.GIT_NAME),
        ("skills/a/.g\u200cit", ExcludedReason.GIT_NAME),
        ("skills/a/.git::$INDEX_ALLOCATION", ExcludedReason.GIT_NAME),
        ("skills/a/empty", ExcludedReason.EMPTY_FOLDER),
        ("skills/a/pipe", ExcludedReason.SPECIAL),
        ("skills/a/socket", ExcludedReason.SPECIAL),
    }
    assert [file.path for file in history.files(snapshot)] == ["skills/a/SKILL.md"]
    assert history.get("default", snapshot.id).excluded == snapshot.excluded
    (unit,) = _changed(history, snapshot, collection, {"skills/a/SKILL.md": b"y"})
    assert (unit.path, len(unit.excluded)) == ("skills/a", 8)


def _changed(history, snapshot, collection, files):
    write(collection, files)
    return history.changed_units(snapshot, collection)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_told(history, collection):
    write(collection, {"skills/a/SKILL.md": b"x", "skills/a/secret": b"x"})
    (collection / "skills/a/secret").chmod(0)
    snapshot = history.snapshot(collection, "default", reason="x", now=NOW)
    assert [(item.path, item.reason) for item in snapshot.excluded] == [("skills/a/secret", "unreadable")]


@pytest.mark.parametrize(
    "name", [".git", ".GIT", ".Git ", ".git.", ".git . .", "git~1", "GIT~1", ".git::$I", ".gi\u200dt", "\ufeff.git"]
)
def test_names_that_git_refuses(name, store, tmp_path):
    assert is_git_name(name)
    History(store).snapshots("default")
    blob = git(store, "hash-object", "-w", str(Path(__file__)))
    listing = f"100644 blob {blob.strip()}\t{name}\0".encode()
    made = subprocess.run(["git", "-C", str(store), "mktree", "-z"], input=listing, capture_output=True, check=True)
    git(store, "update-ref", "refs/snapshots/x", made.stdout.decode().strip())
    with pytest.raises(subprocess.CalledProcessError):
        fsck(store)


@pytest.mark.parametrize("name", [".gitignore", "git", "git~2", ".gitx", "x.git", "..git", ".gi t", "git~10"])
def test_names_that_only_look_so(name):
    assert not is_git_name(name)


NAMES = (
    st.binary(min_size=1, max_size=12).map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_")).map(os.fsdecode)
)
LEAF = st.one_of(
    st.tuples(st.just("file"), st.binary(max_size=300), st.booleans()),
    st.tuples(
        st.just("link"), st.binary(min_size=1, max_size=30).filter(lambda raw: b"\0" not in raw), st.just(False)
    ),
)
TREE = st.recursive(
    st.dictionaries(NAMES, LEAF, max_size=4),
    lambda inner: st.dictionaries(NAMES, st.one_of(LEAF, inner), max_size=4),
    max_leaves=12,
)
FIXED = {".gitattributes": ("file", b"* text=auto eol=crlf\n", False), "crlf": ("file", b"a\r\nb\n", True)}


def _make(root: Path, tree: dict) -> None:
    for name, leaf in tree.items():
        path = root / name
        if name in (".", "..", ".skillmeat") or is_git_name(name):
            continue
        if isinstance(leaf, dict):
            path.mkdir()
            _make(path, leaf)
        elif leaf[0] == "link":
            os.symlink(leaf[1], os.fsencode(path))
        else:
            path.write_bytes(leaf[1])
            path.chmod(0o755 if leaf[2] else 0o644)


@settings(max_examples=60, deadline=None)
@given(first=TREE, second=TREE)
def test_any_two_states_come_back(first, second):
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder) / "store.git")
        snapshots = []
        for number, tree in enumerate((first | FIXED, second | FIXED)):
            collection = Path(folder) / f"state{number}"
            collection.mkdir()
            _make(collection, tree)
            snapshots.append(history.snapshot(collection, "default", reason="x", now=later(seconds=number)))
        fsck(Path(folder) / "store.git")
        history.maintain(now=NOW)
        for number, snapshot in enumerate(snapshots):
            history.materialise(snapshot, None, Path(folder) / f"out{number}")
            assert state(Path(folder) / f"out{number}") == state(Path(folder) / f"state{number}")


def test_parts_are_materialised_and_nothing_is_replaced(history, collection, tmp_path):
    write(collection, HOSTILE)
    snapshot = history.snapshot(collection, "default", reason="x", now=NOW)
    out = tmp_path / "out"
    history.materialise(snapshot, ["skills/foo", "commands/ns/x.md", "collection.toml"], out)
    assert set(state(out)) == {
        name
        for name in state(collection)
        if name.startswith("skills/foo/") or name in ("commands/ns/x.md", "collection.toml")
    }
    with pytest.raises(FileExistsError):
        history.materialise(snapshot, ["collection.toml"], out)
    with pytest.raises(NotFound):
        history.materialise(snapshot, ["commands/y.md", "skills/none"], out)
    assert not (out / "commands/y.md").exists()


def test_a_link_in_the_way_is_not_followed(history, collection, tmp_path):
    write(collection, {"skills/a/x": b"x"})
    snapshot = history.snapshot(collection, "default", reason="x", now=NOW)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/skills").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        history.materialise(snapshot, ["skills/a"], tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_reading(history, collection):
    write(collection, HOSTILE)
    snapshot = history.snapshot(collection, "default", reason="x", now=NOW)
    assert history.read(snapshot, "skills/foo/SKILL.md") == b"one\r\ntwo\r\n"
    assert history.read(snapshot, "skills/foo/link") == b"SKILL.md"
    assert [(f.path, f.mode, f.size) for f in history.files(snapshot, "skills/foo.bar")] == [
        ("skills/foo.bar/x", FileMode.FILE, 26)
    ]
    with pytest.raises(NotFound):
        history.read(snapshot, "skills/foo/link/x")
    with pytest.raises(NotFound):
        history.read(snapshot, "skills")
    with pytest.raises(LimitExceeded):
        history.read(snapshot, "skills/foo/deep/er/data.bin", max_bytes=255)


def test_a_large_file_is_streamed(history, collection, store, tmp_path):
    data = os.urandom(1024) * 9 * 1024
    write(collection, {"skills/a/big": data, "skills/b/same": data})
    snapshot = history.snapshot(collection, "default", reason="x", now=NOW)
    assert history.read(snapshot, "skills/a/big") == data
    fsck(store)


def test_listing_and_missing_ones(history, collection):
    write(collection, {"collection.toml": b"x"})
    taken = [history.snapshot(collection, "default", reason=str(n), now=NOW) for n in range(3)]
    assert [s.id for s in history.snapshots("default")] == sorted((s.id for s in taken), reverse=True)
    assert history.snapshots("other") == []
    for wrong in ("20260301-120000-999999", "..", "../x", ""):
        with pytest.raises(SnapshotNotFound):
            history.get("default", wrong)
    for slug in ("a/b", "..", "", "a b", "x.lock"):
        with pytest.raises(InvalidParameter):
            history.snapshot(collection, slug, reason="x", now=NOW)
    with pytest.raises(NotFound):
        history.snapshot(collection / "none", "default", reason="x", now=NOW)


def test_two_stores_of_one_slug_prefix(history, collection):
    write(collection, {"collection.toml": b"x"})
    history.snapshot(collection, "a", reason="x", now=NOW)
    history.snapshot(collection, "a-b", reason="x", now=NOW)
    assert len(history.snapshots("a")) == 1


def test_a_store_that_lost_objects_says_so(history, collection, store):
    write(collection, {"skills/a/x": b"x"})
    snapshot = history.snapshot(collection, "default", reason="x", now=NOW)
    for path in (store / "objects/pack").iterdir():
        path.unlink()
    other = History(store)
    with pytest.raises(HistoryDamaged):
        other.read(snapshot, "skills/a/x")
    with pytest.raises(HistoryDamaged):
        other.maintain(now=NOW)


def test_a_full_disk_leaves_no_snapshot(history, collection, store, monkeypatch):
    write(collection, {"skills/a/x": b"x"})
    history.snapshot(collection, "default", reason="x", now=NOW)
    write(collection, {"skills/a/big": os.urandom(200_000)})
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limit[1]))
    try:
        with pytest.raises((DiskFull, HistoryDamaged)):
            history.snapshot(collection, "default", reason="x", now=later(seconds=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, old)
    assert len(history.snapshots("default")) == 1
    assert not list((store / "objects/pack").glob("tmp_*"))
    fsck(store)
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
