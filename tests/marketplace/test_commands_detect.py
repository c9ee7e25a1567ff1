"""detect over folders, refs and stored listings, without a database row."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess

import pytest

from skillmeat_site.upstream.process import run_git
from tests.marketplace.commanding import manage
from tests.marketplace.scanning import row_counts, scan

pytestmark = pytest.mark.django_db


def test_detect_a_repository_and_its_folder_give_the_same_ids(repository, tmp_path):
    work = tmp_path / "work"
    subprocess.run(["git", "clone", "--quiet", repository.path, work], check=True)
    plain = tmp_path / "plain"
    shutil.copytree(work, plain, ignore=shutil.ignore_patterns(".git"))
    before = row_counts()
    bare, tree, folder = (manage("detect", path, "--json") for path in (repository.path, work, plain))
    assert row_counts() == before
    assert {said.code for said in (bare, tree, folder)} == {0}
    assert bare.json == tree.json
    commit = run_git(["rev-parse", "main"], git_dir=repository.path, deadline_seconds=30).stdout.decode().strip()
    assert (bare.json["commit"], folder.json["commit"]) == (commit, None)
    assert folder.json["tree_oid"] == bare.json["tree_oid"]
    assert [(a["type"], a["path"], a["content_oid"]) for a in folder.json["artifacts"]] == [
        (a["type"], a["path"], a["content_oid"]) for a in bare.json["artifacts"]
    ]
    assert len(bare.json["artifacts"]) == 5
    wanted = {
        "type",
        "path",
        "name",
        "namespace",
        "confidence",
        "basis",
        "content_oid",
        "title",
        "description",
        "warnings",
    }
    assert wanted <= set(bare.json["artifacts"][0])


def test_detect_finds_what_a_scan_enters(source, repository):
    scan(source)
    found = {
        (a["type"], a["path"], a["content_oid"]) for a in manage("detect", repository.url, "--json").json["artifacts"]
    }
    assert found == set(source.entries.values_list("type", "path", "content_oid"))


def test_detect_at_a_ref_and_below_a_folder(repository):
    first = run_git(["rev-parse", "main"], git_dir=repository.path, deadline_seconds=30).stdout.decode().strip()
    repository.commit({"skills/beta/SKILL.md": None})
    paths = lambda *words: [a["path"] for a in manage("detect", *words, "--json").json["artifacts"]]  # noqa: E731
    assert paths(repository.path, "--root-hint", "skills") == ["skills/alpha", "skills/gamma"]
    assert len(paths(repository.path, "--ref", first)) == 5
    assert len(paths(repository.path, "--ref", "main")) == 4


@pytest.fixture
def tree_file(repository, tmp_path):
    """The repository's tree as GitHub answers it."""
    listed = run_git(["ls-tree", "-r", "-t", "main"], git_dir=repository.path, deadline_seconds=30).stdout.decode()
    oid = run_git(["rev-parse", "main^{tree}"], git_dir=repository.path, deadline_seconds=30).stdout.decode().strip()
    tree = []
    for line in listed.splitlines():
        mode, type_, sha, path = line.replace("\t", " ").split(" ", 3)
        tree.append({"path": path, "mode": mode, "type": type_, "sha": sha})
    path = tmp_path / "tree.json"
    path.write_text(json.dumps({"sha": oid, "tree": tree, "truncated": False}))
    return path


def test_detect_a_listing_plain_and_packed(tree_file, repository):
    packed = tree_file.with_suffix(".gz")
    packed.write_bytes(gzip.compress(tree_file.read_bytes()))
    plain, zipped = (manage("detect", "--tree", path, "--json") for path in (tree_file, packed))
    assert plain.json == zipped.json
    assert (plain.json["commit"], plain.json["complete"]) == (None, True)
    whole = manage("detect", repository.path, "--json").json
    assert plain.json["tree_oid"] == whole["tree_oid"]
    assert [(a["path"], a["content_oid"]) for a in plain.json["artifacts"]] == [
        (a["path"], a["content_oid"]) for a in whole["artifacts"]
    ]


def test_detect_a_truncated_listing_says_so(tree_file):
    body = json.loads(tree_file.read_text()) | {"truncated": True}
    tree_file.write_text(json.dumps(body))
    assert manage("detect", "--tree", tree_file, "--json").json["complete"] is False
    assert "incomplete" in manage("detect", "--tree", tree_file).out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("/no/such/folder",), "upstream_not_found"),
        (("https://evil.example/a/b",), "host_not_allowed"),
        (("nonsense",), "invalid_url"),
        (("--tree", "/no/such/file"), "path_not_allowed"),
        (("--tree", __file__), "upstream_invalid"),
        ((".", "--root-hint", "../x"), "invalid_parameter"),
    ],
)
def test_detect_fails_with_an_error_document(words, code):
    said = manage("detect", *words, "--json")
    assert said.code == 1
    assert said.json["error"]["code"] == code
    assert said.json.keys() == {"error"}
    people = manage("detect", *words)
    assert (people.code, people.out) == (1, "")
    assert people.err.startswith(code)


def test_detect_usage(tree_file):
    assert manage("detect").code == 2
    assert manage("detect", "acme/tools", "--tree", tree_file).code == 2
