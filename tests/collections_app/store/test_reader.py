"""Reading a collection: each artifact once, problems as rows, nonsense in the files as an error."""

from __future__ import annotations

import pytest

from collections_app.errors import ManifestInvalid, UnsafeLink
from collections_app.store.content_ids import blob_oid
from collections_app.store.content_on_disk import content_oid
from collections_app.store.reader import read_collection, read_files
from skillmeat_site.core.errors import NotFound
from tests.collections_app.store.places import fill


def manifest(*artifacts: tuple[str, str, str]) -> str:
    rows = [
        f'[[artifacts]]\nname="{name}"\ntype="{kind}"\npath="{path}"\norigin="local"\nadded="2025-01-01"\n'
        for kind, name, path in artifacts
    ]
    return 'format = 2\n[collection]\nname = "c"\n' + "".join(rows)


def test_what_is_there(tmp_path):
    folder = tmp_path / "c"
    listed = [
        ("skill", "a", "skills/a/"),
        ("skill", "gone", "skills/gone"),
        ("skill", "file", "skills/file"),
        ("skill", "out", "../out"),
        ("skill", "broken", "skills/broken"),
        ("workflow", "w", "workflows/w"),
    ]
    fill(
        folder,
        {
            "collection.toml": manifest(*listed),
            "skills/a/SKILL.md": "a",
            "skills/file": "a file",
            "skills/broken/x": "x",
            "skills/added/SKILL.md": "b",
            "skills/CON/SKILL.md": "c",
            "skills/.hidden/SKILL.md": "c",
            "skills/README.md": "no skill",
            "commands/team/review.md": "r",
            "commands/notes.txt": "no command",
            "hooks/h.json": "{}",
            ".skillmeat/op/new/skills/a/SKILL.md": "work",
            "elsewhere/x.md": "x",
        },
    )
    (folder / "skills/empty").mkdir()
    (folder / "skills/broken/l").symlink_to("/etc")
    found = read_collection(folder)
    rows = {str(row.ref): (row.problem.code if row.problem else "", row.record is not None) for row in found.artifacts}
    assert rows == {
        "command:team:review": ("", False),
        "hook:h": ("", False),
        "skill:a": ("", True),
        "skill:added": ("", False),
        "skill:broken": ("unsafe_link", True),
        "skill:file": ("path_blocked", True),
        "skill:gone": ("not_found", True),
        "skill:out": ("unsafe_path", True),
    }
    assert [(problem.code, problem.path) for problem in found.problems] == [("unsafe_path", "skills/CON")]
    (a,) = (row for row in found.artifacts if str(row.ref) == "skill:a")
    assert a.content is not None
    assert a.content.oid == content_oid(folder / "skills/a")
    assert found.files.manifest_oid == blob_oid(found.files.raw_manifest)
    assert found.files.manifest is not None
    assert len(found.files.manifest.records) == 6


def test_names_that_differ_in_case(tmp_path):
    fill(tmp_path / "c", {"skills/Tool/x": "1", "skills/tool/x": "2"})
    found = read_collection(tmp_path / "c")
    assert len(found.artifacts) == 2
    assert [problem.code for problem in found.problems] == ["unsafe_path"]


def test_an_artifact_on_two_paths(tmp_path):
    fill(
        tmp_path / "c", {"collection.toml": manifest(("skill", "a", "skills/b")), "skills/a/x": "1", "skills/b/x": "2"}
    )
    found = read_collection(tmp_path / "c")
    assert [row.path for row in found.artifacts] == ["skills/b"]
    assert [(problem.code, problem.path) for problem in found.problems] == [("path_blocked", "skills/a")]


def test_folders_that_are_links_are_not_entered(tmp_path):
    fill(tmp_path, {"c/hooks/h.json": "{}", "elsewhere/x.md": "x"})
    (tmp_path / "c/commands").symlink_to(tmp_path / "elsewhere")
    found = read_collection(tmp_path / "c")
    assert [str(row.ref) for row in found.artifacts] == ["hook:h"]
    assert [(problem.code, problem.path) for problem in found.problems] == [("unsafe_link", "commands")]
    (tmp_path / "l").symlink_to("c")
    with pytest.raises(UnsafeLink):
        read_collection(tmp_path / "l")


def test_nothing_there(tmp_path):
    with pytest.raises(NotFound):
        read_collection(tmp_path / "c")
    assert read_files(tmp_path / "c").manifest is None
    (tmp_path / "c").mkdir()
    assert read_collection(tmp_path / "c").artifacts == ()


@pytest.mark.parametrize("name", ["collection.toml", "collection.lock"])
def test_nonsense(tmp_path, name):
    fill(tmp_path / "c", {name: "nonsense", "skills/a/x": "1"})
    with pytest.raises(ManifestInvalid):
        read_collection(tmp_path / "c")
    (tmp_path / "c" / name).unlink()
    (tmp_path / "c" / name).mkdir()
    with pytest.raises(ManifestInvalid):
        read_collection(tmp_path / "c")
