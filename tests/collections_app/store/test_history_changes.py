"""What differs: units to restore, files, lines."""

import shutil
from itertools import count

import pytest

from collections_app.store.history.differences import MAX_SECONDS, QUICK_BYTES, Diff, file_changes, memory_side
from collections_app.store.history.types import ChangeStatus, Content, DiffKind, DiffLimits
from skillmeat_site.upstream.object_ids import blob_oid
from skillmeat_site.upstream.types import FileMode
from tests.collections_app.store.history_trees import NOW, later, state, write

START = {
    "skills/foo/SKILL.md": b"foo\n",
    "skills/foo/a/b.md": b"b\n",
    "skills/bar/SKILL.md": b"bar\n",
    "commands/ns/x.md": b"x\n",
    "commands/ns/y.md": b"y\n",
    "commands/top.md": b"top\n",
    "hooks/h.json": b"{}",
    "plugins/p/commands/c.md": b"c\n",
    "collection.toml": b"format = 2\n",
    "collection.lock": b"lock\n",
}


@pytest.fixture
def start(history, collection):
    write(collection, START)
    return history.snapshot(collection, "default", reason="x", now=NOW)


@pytest.mark.parametrize(
    ("change", "units"),
    [
        ({}, []),
        ({"skills/foo/a/b.md": b"B"}, ["skills/foo"]),
        ({"skills/foo/a/b.md": b"B", "skills/foo/new": b""}, ["skills/foo"]),
        ({"skills/foo": None}, ["skills/foo"]),
        ({"skills/new/SKILL.md": b""}, ["skills/new"]),
        ({"commands/ns/x.md": b"X"}, ["commands/ns/x.md"]),
        ({"commands/ns": None}, ["commands/ns/x.md", "commands/ns/y.md"]),
        ({"commands/ns": None, "commands/ns*": b"file"}, ["commands/ns"]),
        ({"commands": None}, ["commands/ns/x.md", "commands/ns/y.md", "commands/top.md"]),
        ({"plugins/p/commands/c.md": b"C"}, ["plugins/p"]),
        ({"hooks/h.json": b"[]", "mcp/m.json": b""}, ["hooks/h.json", "mcp/m.json"]),
        ({"collection.toml": b"", "collection.lock": None}, ["collection.lock", "collection.toml"]),
        ({"skills/foo": None, "skills/foo*": "bar"}, ["skills/foo"]),
        ({"skills": None, "skills*": b"a file"}, ["skills"]),
        ({".skillmeat/stage/x": b""}, []),
    ],
)
def test_units(history, collection, start, tmp_path, change, units):
    for name, content in change.items():
        if content is None and (collection / name).is_dir():
            shutil.rmtree(collection / name)
        elif content is None:
            (collection / name).unlink()
        else:
            write(collection, {name: content})
    found = history.changed_units(start, collection)
    assert [unit.path for unit in found] == units
    shutil.rmtree(collection / ".skillmeat", ignore_errors=True)
    restore(history, collection, start, found, tmp_path)
    assert {name: content for name, (_, content) in state(collection).items()} == START
    assert history.changed_units(start, collection) == []


def restore(history, collection, snapshot, units, tmp_path):
    """What a restore does, without its journal: swap the units, whole."""
    stage = tmp_path / "stage"
    history.materialise(snapshot, [unit.path for unit in units if unit.then], stage)
    for unit in units:
        target = collection / unit.path
        if unit.now:
            shutil.rmtree(target) if target.is_dir() and not target.is_symlink() else target.unlink()
        if unit.then:
            target.parent.mkdir(parents=True, exist_ok=True)
            (stage / unit.path).rename(target)


def test_a_unit_tells_both_contents(history, collection, start):
    write(collection, {"commands/top.md*": b"top\n", "skills/foo/SKILL.md": b"changed"})
    top, foo = history.changed_units(start, collection)
    assert (str(top.now.mode), str(top.then.mode), top.now.oid == top.then.oid) == ("100755", "100644", True)
    again = history.snapshot(collection, "default", reason="x", now=later(seconds=1))
    write(collection, {"skills/foo/SKILL.md": b"once more"})
    assert [unit.then for unit in history.changed_units(again, collection)] == [foo.now]
    assert foo.now.oid != foo.then.oid


def test_changes_between_snapshots_and_a_directory(history, collection, start):
    write(collection, {"skills/foo/SKILL.md": b"foo\nmore\n", "commands/top.md*": b"top\n", "mcp/m.json": b"{}"})
    write(collection, {"commands/ns/x.md": None, "hooks/h.json": "elsewhere"})
    later_one = history.snapshot(collection, "default", reason="x", now=later(seconds=1))
    expected = [
        ("commands/ns/x.md", ChangeStatus.REMOVED),
        ("commands/top.md", ChangeStatus.MODE_CHANGED),
        ("hooks/h.json", ChangeStatus.TYPE_CHANGED),
        ("mcp/m.json", ChangeStatus.ADDED),
        ("skills/foo/SKILL.md", ChangeStatus.MODIFIED),
    ]
    for new in (later_one, collection):
        diff = history.diff(start, new)
        assert [(change.path, change.status) for change in diff.changes] == expected
        (hunk,) = diff.lines(diff.changes[-1]).hunks
        assert [(line.origin, line.text) for line in hunk.lines] == [(" ", "foo\n"), ("+", "more\n")]
        assert [c.path for c in history.diff(start, new, prefix="skills/foo").changes] == ["skills/foo/SKILL.md"]
    assert len(history.diff(None, start).changes) == len(START)


def test_binary_and_huge_files_are_told_apart(history, collection, start):
    write(
        collection,
        {"skills/foo/a/b.md": b"\0\1", "skills/foo/SKILL.md": b"line\n" * 1000, "skills/bar/SKILL.md": b"\xff\n"},
    )
    diff = history.diff(start, history.snapshot(collection, "default", reason="x", now=later(seconds=1)))
    limits = DiffLimits(max_bytes=4_000)
    kinds = {change.path: diff.lines(change, limits) for change in diff.changes}
    assert kinds["skills/foo/a/b.md"].kind is DiffKind.BINARY
    assert kinds["skills/foo/SKILL.md"].kind is DiffKind.TOO_LARGE
    assert kinds["skills/foo/SKILL.md"].new_size == 5_000
    assert kinds["skills/bar/SKILL.md"].hunks[0].lines[-1].text == "\ufffd\n"
    cut = diff.lines(next(c for c in diff.changes if c.path == "skills/foo/SKILL.md"), DiffLimits(max_lines=10))
    assert cut.truncated
    assert sum(len(hunk.lines) for hunk in cut.hunks) <= 10


@pytest.mark.parametrize("seconds", [0, MAX_SECONDS])
def test_after_its_time_a_difference_compares_small_files_only(seconds):
    """Texts can be made for it to take ten seconds each."""
    large = b"line\n" * (QUICK_BYTES // 5 + 1)
    old = {"a": large, "b": large, "c": b"x\n"}
    new = {path: data + b"more\n" for path, data in old.items()}
    contents = [{path: Content(FileMode.FILE, blob_oid(data)) for path, data in side.items()} for side in (old, new)]
    diff = Diff(file_changes(*contents), memory_side(old), memory_side(new), clock=count(step=seconds).__next__)
    late = DiffKind.TOO_LARGE if seconds else DiffKind.TEXT
    told = [diff.lines(change) for change in diff.changes]
    assert [each.kind for each in told] == [DiffKind.TEXT, late, DiffKind.TEXT]
    assert [(each.old_size, each.new_size) for each in told][1] == (len(large), len(large) + 5)


def test_a_file_that_changes_after_the_comparison_is_not_passed_off(history, collection, start):
    write(collection, {"hooks/h.json": b"[]"})
    diff = history.diff(start, collection)
    write(collection, {"hooks/h.json": b"other"})
    assert diff.lines(diff.changes[0]).kind is DiffKind.UNAVAILABLE


def test_attributes_in_the_collection_do_not_reach_a_diff(history, collection):
    write(collection, {".gitattributes": b"* -diff\n", "commands/x.md": b"a\n"})
    first = history.snapshot(collection, "default", reason="x", now=NOW)
    write(collection, {"commands/x.md": b"b\n"})
    diff = history.diff(first, history.snapshot(collection, "default", reason="x", now=later(seconds=1)))
    assert diff.lines(diff.changes[0]).kind is DiffKind.TEXT
