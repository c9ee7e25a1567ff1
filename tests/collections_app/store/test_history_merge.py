"""Three-way merges of files and artifacts, and the bases they start from."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collections_app.store.history import History
from collections_app.store.history.types import Favour
from skillmeat_site.core.errors import InvalidParameter
from skillmeat_site.upstream.types import FileMode
from tests.collections_app.store.history_trees import NOW, fsck, git, later, write

BASE = b"1\n2\n3\n4\n5\n6\n7\n8\n"


def test_both_sides_are_taken(history):
    merged = history.merge_file(BASE, BASE.replace(b"1", b"one"), BASE.replace(b"8", b"eight"))
    assert merged.content == b"one\n2\n3\n4\n5\n6\n7\neight\n"
    assert merged.conflicts == ()


def test_a_conflict_is_told_with_both_sides(history):
    ours, theirs = BASE.replace(b"1", b"one").replace(b"8", b"OURS"), BASE.replace(b"8", b"THEIRS\xff")
    merged = history.merge_file(BASE, ours, theirs)
    assert merged.content is None
    assert [(hunk.line, hunk.ours, hunk.theirs) for hunk in merged.conflicts] == [(8, b"OURS\n", b"THEIRS\xff\n")]


def test_favour_settles_conflicting_hunks_only(history):
    ours, theirs = (
        BASE.replace(b"1", b"one").replace(b"8", b"OURS"),
        BASE.replace(b"4", b"four").replace(b"8", b"THEM"),
    )
    assert history.merge_file(BASE, ours, theirs, favour=Favour.OURS).content == b"one\n2\n3\nfour\n5\n6\n7\nOURS\n"
    assert history.merge_file(BASE, ours, theirs, favour=Favour.THEIRS).content == b"one\n2\n3\nfour\n5\n6\n7\nTHEM\n"


def test_crlf_and_markers_survive(history):
    base = BASE.replace(b"\n", b"\r\n") + b"<<<<<<< not a conflict\r\n"
    merged = history.merge_file(base, base.replace(b"1", b"one"), base.replace(b"5", b"five"))
    assert merged.content == base.replace(b"1", b"one").replace(b"5", b"five")


def test_binary_files_are_settled_whole(history):
    assert history.merge_file(b"\0", b"\0a", b"\0b").binary
    assert history.merge_file(b"\0", b"\0a", b"\0b").content is None
    assert history.merge_file(b"\0", b"\0a", b"\0b", favour=Favour.THEIRS).content == b"\0b"
    assert history.merge_file(b"\0", b"\0", b"\0b").content == b"\0b"


def test_added_on_both_sides(history):
    assert history.merge_file(None, b"a\n", b"a\n").content == b"a\n"
    assert history.merge_file(None, b"a\n", b"b\n").content is None


LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n"]), max_size=6).map(b"".join)


@settings(max_examples=60, deadline=None)
@given(base=LINES, ours=LINES, theirs=LINES)
def test_merges_as_git_merge_file_does(base, ours, theirs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("merge")
    history = History(folder / "store.git")
    for name, data in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_bytes(data)
    for favour in (Favour.OURS, Favour.THEIRS):
        command = ["git", "merge-file", "-p", f"--{favour}", "ours", "base", "theirs"]
        expected = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
        assert history.merge_file(base, ours, theirs, favour=favour).content == expected


def tree(history, files):
    return history.write_tree({path: (FileMode.FILE, data) for path, data in files.items()})


def files_of(history, content, tmp_path):
    out = tmp_path / f"out-{content.oid}"
    history.materialise_content(content, out)
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_trees_are_merged_file_by_file(history, tmp_path):
    base = tree(history, {"SKILL.md": BASE, "gone": b"g", "a/x": b"x", "a/kept": b"k", "edited": b"e\n"})
    ours = tree(
        history,
        {"SKILL.md": BASE.replace(b"1", b"one"), "gone": b"g", "a/x": b"x", "a/kept": b"k", "edited": b"mine\n"},
    )
    theirs = tree(
        history, {"SKILL.md": BASE.replace(b"8", b"eight"), "a/y": b"y", "a/kept": b"k", "new": b"n", "edited": b"e\n"}
    )
    merged = history.merge_trees(base, ours, theirs)
    assert merged.conflicts == {}
    assert files_of(history, merged.content, tmp_path) == {
        "SKILL.md": BASE.replace(b"1", b"one").replace(b"8", b"eight"),
        "a/y": b"y",
        "a/kept": b"k",
        "new": b"n",
        "edited": b"mine\n",
    }


def test_what_cannot_be_settled_keeps_ours_and_is_told(history, tmp_path):
    base = tree(history, {"both": b"1\n", "deleted": b"d\n", "d/theirs": b"t\n"})
    ours = tree(history, {"both": b"ours\n", "deleted": b"changed\n"})
    theirs = tree(history, {"both": b"theirs\n", "d/theirs": b"changed\n"})
    merged = history.merge_trees(base, ours, theirs)
    assert set(merged.conflicts) == {"both", "deleted", "d/theirs"}
    assert merged.conflicts["deleted"] is None
    assert files_of(history, merged.content, tmp_path) == {"both": b"ours\n", "deleted": b"changed\n"}
    favoured = history.merge_trees(base, ours, theirs, favour=Favour.THEIRS)
    assert favoured.conflicts == {}
    assert files_of(history, favoured.content, tmp_path) == {"both": b"theirs\n", "d/theirs": b"changed\n"}


def test_ids_written_are_those_of_git(history, collection, store):
    write(
        collection,
        {"skills/a/SKILL.md": b"x\r\n", "skills/a/run*": b"#!", "skills/a/l": "SKILL.md", "commands/c.md": b"c"},
    )
    folder, file = history.write_paths("default", [collection / "skills/a", collection / "commands/c.md"])
    made = history.write_tree(
        {
            "SKILL.md": (FileMode.FILE, b"x\r\n"),
            "run": (FileMode.EXECUTABLE, b"#!"),
            "l": (FileMode.SYMLINK, b"SKILL.md"),
        }
    )
    assert made == folder
    assert file == history.write_blob(b"c")
    assert git(store, "hash-object", "--no-filters", str(collection / "commands/c.md")).strip() == file.oid
    assert history.snapshot(collection, "default", reason="x", now=NOW)
    assert git(store, "rev-parse", "refs/collections/default:skills/a").strip() == folder.oid


@pytest.mark.parametrize("path", ["../x", "a//b", "", "/a", ".git/config", "a/.GIT", "a\0b", "a/."])
def test_paths_that_git_cannot_hold_are_refused(history, path):
    with pytest.raises(InvalidParameter):
        tree(history, {path: b""})


def test_bases_outlive_maintenance_and_are_let_go(history, collection, store):
    write(collection, {"skills/a/SKILL.md": b"base"})
    (content,) = history.write_paths("default", [collection / "skills/a"])
    history.keep_base("default", {"uuid-1": content, "uuid-2": history.write_blob(b"c")})
    history.maintain(now=later(days=10_000))
    assert history.bases("default")["uuid-1"] == content
    assert history.read_content(content, "SKILL.md") == b"base"
    history.keep_base("default", {"uuid-1": None})
    assert set(history.bases("default")) == {"uuid-2"}
    history.keep_base("default", {"uuid-2": None, "unknown": None})
    assert history.bases("default") == {}
    assert git(store, "for-each-ref") == ""
    fsck(store)


def test_a_key_that_is_none_is_refused(history):
    with pytest.raises(InvalidParameter):
        history.keep_base("default", {"../x": history.write_blob(b"")})
