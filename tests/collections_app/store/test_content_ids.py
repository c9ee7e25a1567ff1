"""Content ids equal git's, and nothing unreadable or unsafe is passed over."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collections_app.errors import SpecialFile, UnsafeLink, UnsafePath
from collections_app.store.content_ids import EMPTY_TREE, Limits, blob_oid, check_links, tree_oid
from collections_app.store.content_on_disk import content_of, content_oid
from collections_app.store.stat_cache import RACY_NS, StatCache
from skillmeat_site.core.errors import LimitExceeded, NotFound
from tests.collections_app.store.places import fill


def git(*arguments: str, cwd: Path, data: bytes = b"") -> str:
    return (
        subprocess.run(["git", *arguments], cwd=cwd, input=data, capture_output=True, check=True)
        .stdout.decode()
        .strip()
    )


def git_tree(folder: Path) -> str:
    """The tree id that git's own index gives to a folder, whatever attributes and ignore files in it say."""
    repository = folder.parent / "git"
    git("init", "-q", "--bare", str(repository), cwd=folder)
    rows = b""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            mode, data = "120000", os.fsencode(os.readlink(path))
        elif path.is_file():
            mode, data = (
                "100755" if os.access(path, os.X_OK) and path.stat().st_mode & 0o100 else "100644",
                path.read_bytes(),
            )
        else:
            continue
        oid = git("hash-object", "-w", "--stdin", "--no-filters", cwd=repository, data=data)
        rows += f"{mode} {oid}\t{path.relative_to(folder)}".encode() + b"\0"
    git("update-index", "-z", "--index-info", cwd=repository, data=rows)
    return git("write-tree", cwd=repository)


def test_a_folder_as_git_has_it(tmp_path):
    folder = tmp_path / "skill"
    fill(
        folder,
        {
            "SKILL.md": "# x\r\n",
            "a/b/c.txt": "c",
            "a.b": "sorts between",
            "a-b": "1",
            "é/ü": "ü",
            "big": "x" * 3_000_000,
        },
    )
    fill(folder, {".gitattributes": "* text=auto eol=crlf filter=evil\n", ".gitignore": "*\n", "empty": ""})
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "only-group").write_text("x")
    (folder / "only-group").chmod(0o654)
    (folder / "no/files/here").mkdir(parents=True)
    (folder / "a/link").symlink_to("../SKILL.md")
    content = content_of(folder)
    assert content.oid == git_tree(folder)
    assert content.is_folder
    assert content.size == sum(entry.size for entry in content.files)


def test_mktree(tmp_path):
    git("init", "-q", "--bare", str(tmp_path), cwd=tmp_path)
    oid = git("hash-object", "-w", "--stdin", cwd=tmp_path, data=b"hello")
    assert blob_oid(b"hello") == oid
    inner = git("mktree", cwd=tmp_path, data=f"100755 blob {oid}\tx\n".encode())
    outer = git("mktree", cwd=tmp_path, data=f"040000 tree {inner}\tfoo\n100644 blob {oid}\tfoo.md\n".encode())
    assert tree_oid([("foo.md", "100644", oid), ("foo/x", "100755", oid)]) == outer
    assert tree_oid([]) == EMPTY_TREE == git("mktree", cwd=tmp_path)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.text("ab.-", min_size=1, max_size=3).filter(lambda name: name not in (".", "..")), min_size=1, max_size=8
    )
)
def test_order_of_names_as_git_has_it(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("order") / "f"
    for number, name in enumerate(dict.fromkeys(names)):
        path = folder / name / "x" if number % 2 else folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    assert content_oid(folder) == git_tree(folder)


def test_a_file_and_nothing(tmp_path):
    (tmp_path / "x.md").write_bytes(b"hello")
    content = content_of(tmp_path / "x.md")
    assert content.oid == blob_oid(b"hello")
    assert not content.is_folder
    assert content_oid(tmp_path / "none") is None
    with pytest.raises(NotFound):
        content_of(tmp_path / "none")


@pytest.mark.parametrize("path", ["x", "x/x"])
def test_a_path_twice(path):
    with pytest.raises(UnsafePath):
        tree_oid([("x", "100644", EMPTY_TREE), (path, "100644", EMPTY_TREE)])


@pytest.mark.parametrize(
    "links",
    [
        {"a": "/etc/passwd"},
        {"a": "../x"},
        {"d/a": "../../x"},
        {"a": "a"},
        {"a": "b", "b": "a"},
        {"a": "b/../../x", "b": "c"},
        {"a": "d", "d/up": "..", "b": "a/up/../x"},
        {"a": "x/.git/config"},
        {"a": ""},
        {f"l{n}": f"l{n + 1}" for n in range(60)},
    ],
    ids=range(10),
)
def test_links_that_leave_or_go_round(links):
    with pytest.raises(UnsafeLink):
        check_links(links)


@pytest.mark.parametrize(
    "links", [{"a": "b"}, {"d/a": "../b"}, {"a": "b", "b": "c", "c": "d"}, {"a": "./b/./../c"}, {"d/e": "."}]
)
def test_links_that_stay(links):
    check_links(links)


def test_refused_on_disk(tmp_path):
    folder = tmp_path / "s"
    fill(folder, {"SKILL.md": "x"})
    (folder / "out").symlink_to("../../etc")
    with pytest.raises(UnsafeLink):
        content_of(folder)
    (folder / "out").unlink()
    (tmp_path / "l").symlink_to("s")
    with pytest.raises(UnsafeLink):
        content_of(tmp_path / "l")
    os.mkfifo(folder / "pipe")
    with pytest.raises(SpecialFile):
        content_of(folder)
    (folder / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(folder / "sock"))
        with pytest.raises(SpecialFile):
            content_of(folder)
    (folder / "sock").unlink()
    (folder / "d/.GIT").mkdir(parents=True)
    with pytest.raises(UnsafePath):
        content_of(folder)


@pytest.mark.parametrize("limits", [Limits(files=2), Limits(bytes=3), Limits(depth=2)])
def test_limits(tmp_path, limits):
    fill(tmp_path / "s", {"a": "12", "b/c/d": "34", "e": ""})
    content_of(tmp_path / "s", limits=Limits(files=3, bytes=4, depth=3))
    with pytest.raises(LimitExceeded):
        content_of(tmp_path / "s", limits=limits)


def test_the_cache_sees_changes_and_distrusts_the_young(tmp_path):
    folder = tmp_path / "s"
    fill(folder, {"a": "1", "b": "2"})
    clock = [os.stat(folder / "b").st_ctime_ns + RACY_NS + 1]
    cache = StatCache(clock=lambda: clock[0])
    first = content_oid(folder, cache=cache)
    cache.save(tmp_path / "cache")
    loaded = StatCache.load(tmp_path / "cache")
    assert loaded.get(f"{folder}/a", os.stat(folder / "a")) == blob_oid(b"1")
    (folder / "a").write_text("3")
    assert content_oid(folder, cache=loaded) == content_oid(folder) != first
    young = StatCache(clock=lambda: os.stat(folder / "a").st_ctime_ns + RACY_NS - 1)
    young.put("a", os.stat(folder / "a"), "x")
    assert young.get("a", os.stat(folder / "a")) is None
    (tmp_path / "cache").write_text('{"version": 1, "files": {"a": [1]}}')
    assert StatCache.load(tmp_path / "cache").get("a", os.stat(folder / "a")) is None
