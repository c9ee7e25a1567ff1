"""A plain folder is listed as git would: the same ids, the same order, nothing followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillmeat_site.core.errors import LimitExceeded
from skillmeat_site.upstream.errors import ContentMismatch, UpstreamNotFound
from skillmeat_site.upstream.local import FolderLimits, list_folder, read_folder
from skillmeat_site.upstream.object_ids import EMPTY_TREE, TreeEntry, blob_oid, tree_oid
from skillmeat_site.upstream.types import TreeItem, Unread
from tests.upstream.conftest import git


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "folder"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "SKILL.md").write_bytes(b"one\r\n")
    (root / "a.b").write_bytes(b"sorts before the folder a")
    (root / "a-b").write_bytes(b"")
    (root / "run.sh").write_bytes(b"#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("/etc/passwd")
    (root / "folder-link").symlink_to("a")
    (root / "empty" / "empty").mkdir(parents=True)
    os.mkdir(os.fsencode(root) + b"/caf\xe9")
    (root / os.fsdecode(b"caf\xe9") / "x").write_bytes(b"x")
    return root


def test_ids_modes_and_order_are_gits(folder: Path) -> None:
    git(folder, "init", "--quiet", ".")
    git(folder, "add", "--all")
    expected_tree = git(folder, "write-tree")
    expected = [
        TreeItem(path, mode, oid, None if size == "-" else int(size))
        for mode, _, oid, size, path in (line.split(None, 4) for line in _records(folder, expected_tree))
        if "caf" not in path
    ]
    listing = list_folder(folder)
    assert listing.tree_oid == expected_tree
    assert listing.items == expected
    assert {warning.code for warning in listing.warnings} == {"path_not_utf8"}
    assert listing.complete


def _records(folder: Path, tree: str) -> list[str]:
    return git(folder, "ls-tree", "-rtl", "-z", tree).rstrip("\0").split("\0")


def test_git_is_left_out_at_every_level_and_in_every_case(tmp_path: Path) -> None:
    for name in (".git", "sub/.git", "sub/.GIT"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config").write_text("x")
    (tmp_path / "sub" / ".gitignore").write_text("x")
    assert [item.path for item in list_folder(tmp_path).items] == ["sub", "sub/.gitignore"]


def test_an_empty_folder_and_none(tmp_path: Path) -> None:
    assert list_folder(tmp_path).tree_oid == EMPTY_TREE
    for missing in (tmp_path / "nothing", Path("/dev/null")):
        with pytest.raises(UpstreamNotFound):
            list_folder(missing)


def test_pipes_are_told_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "f").write_text("x")
    listing = list_folder(tmp_path)
    assert [item.path for item in listing.items] == ["f"]
    assert [(warning.code, warning.path) for warning in listing.warnings] == [("not_a_file", "pipe")]
    assert listing.complete


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (FolderLimits(max_entries=3), "listing_capped"),
        (FolderLimits(max_bytes=3), "listing_capped"),
        (FolderLimits(max_depth=1), "too_deep"),
    ],
)
def test_beyond_a_limit_the_listing_is_incomplete(limits: FolderLimits, code: str, folder: Path) -> None:
    listing = list_folder(folder, limits)
    assert not listing.complete
    assert code in {warning.code for warning in listing.warnings}
    assert len(listing.items) < len(list_folder(folder).items)


def test_what_cannot_be_read_makes_the_listing_incomplete(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: bytes) -> None:
        raise PermissionError(path)

    monkeypatch.setattr("skillmeat_site.upstream.local._open_file", refuse)
    listing = list_folder(folder)
    assert not listing.complete
    assert {item.mode for item in listing.items} == {"120000"}


def test_reading_back(folder: Path) -> None:
    items = list_folder(folder).items
    oids = {item.path: item.oid for item in items}
    blobs = read_folder(
        folder, items, [oids["a/b/SKILL.md"], oids["link"], oids["a.b"], oids["a"], "1" * 40], max_bytes=11
    )
    assert blobs.found == {oids["a/b/SKILL.md"]: b"one\r\n", oids["link"]: b"/etc/passwd"}
    assert blobs.unread == {
        oids["a.b"]: Unread.TOO_LARGE,
        oids["a"]: Unread.MISSING,
        "1" * 40: Unread.MISSING,
    }


def test_files_that_change_or_vanish_after_the_listing(folder: Path) -> None:
    items = list_folder(folder).items
    oids = {item.path: item.oid for item in items}
    (folder / "a.b").unlink()
    assert read_folder(folder, items, [oids["a.b"]], max_bytes=99).unread == {oids["a.b"]: Unread.MISSING}
    (folder / "run.sh").write_bytes(b"changed")
    with pytest.raises(ContentMismatch):
        read_folder(folder, items, [oids["run.sh"]], max_bytes=99)
    (folder / "run.sh").unlink()
    (folder / "run.sh").symlink_to("/etc/passwd")
    assert read_folder(folder, items, [oids["run.sh"]], max_bytes=99).unread == {oids["run.sh"]: Unread.MISSING}


def test_memory_is_bounded(folder: Path) -> None:
    items = list_folder(folder).items
    with pytest.raises(LimitExceeded):
        read_folder(folder, items, [i.oid for i in items], max_bytes=99, limits=FolderLimits(max_read_bytes=20))


def test_tick_can_cancel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skillmeat_site.upstream.local.TICK_SECONDS", 0)

    def cancel() -> None:
        raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        list_folder(folder, tick=cancel)


_NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=5).filter(
    lambda name: name not in (".", "..") and ".git" not in name.lower() and "~" not in name
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(_NAMES, st.sampled_from(["100644", "100755", "120000", "040000", "160000"]), max_size=8))
def test_tree_ids_are_gits(tmp_path_factory: pytest.TempPathFactory, entries: dict[str, str]) -> None:
    kinds = {"040000": "tree", "160000": "commit"}
    repo = tmp_path_factory.getbasetemp() / "trees.git"
    if not repo.exists():
        repo.mkdir()
        git(repo, "init", "--quiet", "--bare", ".")
    oid = blob_oid(b"x")
    lines = "".join(f"{mode} {kinds.get(mode, 'blob')} {oid}\t{name}\0" for name, mode in entries.items())
    ours = tree_oid(TreeEntry(name.encode(), mode, oid) for name, mode in entries.items())
    assert ours == git(repo, "mktree", "-z", "--missing", stdin=lines.encode())
