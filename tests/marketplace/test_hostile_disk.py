"""Imports into collections that somebody has got at: by hand, meanwhile; behind a link; read-only; on a full disk."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from collections_app.domain.artifact_edit import ArtifactEdit
from collections_app.errors import ManifestInvalid, UnsafeLink
from collections_app.models import Artifact
from collections_app.services.artifacts import edit_artifacts, remove_artifacts
from collections_app.services.homes import home
from collections_app.services.snapshots import restore_snapshot, snapshot_collection
from collections_app.store import checkpoints
from marketplace.models import EntryImport, Source
from marketplace.services.import_coordinator import ImportCoordinator
from marketplace.services.import_results import ImportResult
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import DiskFull, DomainError
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.agreement import disagreements
from tests.collections_app.store.places import picture
from tests.conftest import skill
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db(transaction=True)
HOW: dict[str, Any] = {"actor": COMMAND_LINE, "report": SilentReport()}
NOBODY = 65534
EDIT = '\n[mine]\nnote = "kept"\n'


@pytest.fixture
def scanned(transactional_db: None, source: Source) -> Source:
    scan(source)
    source.refresh_from_db()
    return source


def bring(source: Source, strategy: str = "skip") -> ImportResult:
    return ImportCoordinator().import_entries(list(source.entries.order_by("path")), source.pk, strategy)


def codes(result: ImportResult) -> list[str]:
    return [entry.code for entry in result.entries]


def rows() -> list[tuple[Any, ...]]:
    kept = Artifact.objects.order_by("pk").values_list("pk", "name", "content_oid", "base_oid", "pin", "tags")
    return [*kept, *EntryImport.objects.order_by("pk").values_list("entry_id", "artifact_id", "imported_oid")]


def edit_by_hand(text: str) -> None:
    """As an editor does it: a new file in the place of the old one."""
    path = home().collection("default") / "collection.toml"
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").replace(path)


@pytest.mark.parametrize("name", ["collection.toml", "collection.lock"])
@pytest.mark.parametrize(
    "nonsense", ["[[[", "format = 99\n", "[lock]\nentries = 1\n[[artifacts]]\n", "\x00", "ü" * 10]
)
def test_nonsense_in_a_file_is_refused_and_left(scanned, name, nonsense):
    bring(scanned)
    (home().collection("default") / name).write_text(nonsense)
    before, known = picture(home().collections), rows()
    with pytest.raises(DomainError) as caught:
        bring(scanned, "overwrite")
    assert caught.value.code in ("manifest_invalid", "format_too_new")
    assert picture(home().collections) == before
    assert rows() == known


def test_an_edit_by_hand_is_never_lost_whenever_it_comes(scanned, monkeypatch):
    """At each step of an import somebody saves collection.toml: his line stays, and what the files say holds."""
    bring(scanned)
    before = snapshot_collection("default", **HOW).snapshot
    path = home().collection("default") / "collection.toml"
    ends = set()
    for number in count(1):
        monkeypatch.setattr(checkpoints, "reached", lambda name: None)
        restore_snapshot("default", str(before.pk), **HOW)
        left = [number]

        def reached(name: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                edit_by_hand(path.read_text() + EDIT)

        monkeypatch.setattr(checkpoints, "reached", reached)
        try:
            ends.add(tuple(codes(bring(scanned, "overwrite"))))
        except DomainError as error:
            ends.add(error.code)
        if left[0] > 0:
            break
        assert EDIT.strip() in path.read_text(), number
        assert not list(path.parent.glob(".skillmeat")), number
        if not list(home().trash.glob("*")):
            assert disagreements() == [], number
    assert number > 30
    assert ("",) * 5 in ends


def test_nonsense_that_comes_meanwhile_undoes_the_chunk(scanned, monkeypatch):
    bring(scanned)
    known, folder = rows(), home().collection("default")
    before = picture(folder)

    def reached(name: str) -> None:
        if name == "swapped:1":
            edit_by_hand("[[[")

    monkeypatch.setattr(checkpoints, "reached", reached)
    assert set(codes(bring(scanned, "overwrite"))) == {ManifestInvalid.code}
    assert (folder / "collection.toml").read_text() == "[[["
    assert {**picture(folder), "collection.toml": None} == {**before, "collection.toml": None}
    assert rows() == known


def test_a_collection_behind_a_link(scanned, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "skills/alpha").mkdir(parents=True)
    (elsewhere / "skills/alpha/mine.txt").write_text("mine")
    home().collections.mkdir()
    home().collection("default").symlink_to(elsewhere)
    before = picture(elsewhere)
    with pytest.raises(UnsafeLink):
        bring(scanned, "overwrite")
    assert picture(elsewhere) == before
    assert rows() == []


@pytest.fixture
def public_home(settings: Any) -> Iterator[Path]:
    """A home that another user of the system can reach."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    settings.SKILLMEAT_HOME = place / "home"
    settings.SKILLMEAT_HOME.mkdir()
    yield settings.SKILLMEAT_HOME
    shutil.rmtree(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_that_may_not_be_written(public_home, scanned):
    bring(scanned)
    snapshot = snapshot_collection("default", **HOW).snapshot
    subprocess.run(["chown", "-R", str(NOBODY), public_home], check=True)
    folder = home().collection("default")
    folder.chmod(0o555)
    before, known = picture(folder), rows()
    ids = list(Artifact.objects.values_list("pk", flat=True))
    os.seteuid(NOBODY)
    try:
        edited = edit_artifacts(ids, ArtifactEdit.of({"pin": "v1"}), **HOW)
        removed = remove_artifacts(ids, **HOW)
        assert restore_snapshot("default", str(snapshot.pk), **HOW).to_json()["changed"] == []
    finally:
        os.seteuid(0)
    assert {row.code for row in (*edited.rows, *removed.rows)} == {"disk_denied"}
    assert picture(folder) == before
    assert rows() == known
    assert disagreements() == []


@pytest.fixture
def small_disk(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB, where the system lets the tests mount one."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "t", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    settings.SKILLMEAT_HOME = place / "home"
    settings.SKILLMEAT_HOME.mkdir()
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("room", [0, 8, 40, 150, 300])
def test_a_disk_that_is_full_in_the_middle(small_disk, make_repository, settings, transactional_db, room):
    """``room`` KiB are left when an import of 300 KiB begins: what has no room fails, what was there stays."""
    from_upstream = {f"skills/s{number}/SKILL.md": skill(f"s{number}") for number in range(6)}
    from_upstream |= {f"skills/s{number}/data.txt": f"{number}" * 50_000 for number in range(6)}
    repository = make_repository(files=from_upstream)
    source = create_source(url=repository.url, actor=COMMAND_LINE)
    scan(source)
    source.refresh_from_db()
    bring_one(source)
    before, known = picture(home().collection("default")), rows()
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    (small_disk / "filler").write_bytes(bytes(max(0, free - room * 1024)))
    ends = ["disk_full"]
    with contextlib.suppress(DiskFull):
        ends = codes(bring(source))
    assert set(ends) <= {"", "name_taken", "disk_full"}
    (small_disk / "filler").unlink()
    assert disagreements() == []
    now = picture(home().collection("default"))
    assert {name: now[name] for name in before if name.startswith("skills/")} == {
        name: before[name] for name in before if name.startswith("skills/")
    }
    assert [row for row in rows() if row in known] == known
    assert {entry.status.value for entry in bring(source).entries} <= {"success", "skipped"}
    assert Artifact.objects.count() == 6
    assert disagreements() == []


def bring_one(source: Source) -> None:
    ImportCoordinator().import_entries([source.entries.order_by("path")[0].pk], source.pk)
