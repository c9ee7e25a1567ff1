"""Kill -9 at every step of a transaction, and at every step of the recovery after it."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

import pytest

from collections_app.domain.types import FileMode
from collections_app.errors import ChangedOnDisk
from collections_app.store import swaps
from collections_app.store.content_ids import blob_oid
from collections_app.store.content_on_disk import content_oid
from collections_app.store.layout import Home, Root
from collections_app.store.recovery import Outcome, recover
from collections_app.store.staging import NewFile
from collections_app.store.transaction import WHATEVER, DiskTransaction
from tests.collections_app.store.places import dies_at, fill, picture

OLD = {
    "collections/c/collection.toml": "old manifest",
    "collections/c/skills/a/SKILL.md": "old a",
    "collections/c/skills/a/deep/er/x": "x",
    "collections/c/skills/b/SKILL.md": "old b",
    "collections/c/skills/foreign/SKILL.md": "somebody's",
    "collections/c/commands/ns/gone.md": "old command",
    "collections/c/hooks/h.json": "{}",
}
NEW_A = [NewFile("SKILL.md", b"new a"), NewFile("run.sh", b"#!", FileMode.EXECUTABLE)]
NEW_A.append(NewFile("link", b"SKILL.md", FileMode.SYMLINK))


class World:
    """A home on disk, a database of committed transactions beside it, and one way to change the home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home(folder / "home")
        self.database = folder / "database"

    def build(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.database.mkdir(parents=True)
        self.home.journal.mkdir(parents=True)
        fill(self.home.path, OLD)

    def committed(self, op: str) -> bool:
        return (self.database / op).exists()

    def commit(self, op: str) -> None:
        (self.database / op).touch()

    def change(self) -> None:
        raise NotImplementedError

    def recover(self):
        return recover(self.home, self.committed, roots=[self.folder])

    def look(self) -> dict[str, object]:
        return picture(self.folder / "home") | picture(self.folder / "project")


class Chunk(World):
    """Replace, add, delete, one that fails; then the collection's file, with a copy of the older one."""

    def change(self) -> None:
        root = self.home.root_of("c")
        collection = root.path
        with DiskTransaction(self.home, root, kind="import") as disk:
            staged = disk.stage.add_folder(NEW_A)
            disk.put("skills/a", staged, expected=content_oid(collection / "skills/a"))
            disk.delete("skills/b", expected=content_oid(collection / "skills/b"))
            disk.put("skills/foreign", disk.stage.add_folder([NewFile("SKILL.md", b"f")]), expected=None)
            disk.delete("commands/ns/gone.md", expected=WHATEVER)
            disk.put("agents/team/new.md", disk.stage.add_file(b"agent"), expected=None)
            rows = disk.apply()
            assert [type(row.error) for row in rows] == [type(None), type(None), ChangedOnDisk, type(None), type(None)]
            disk.put("collection.toml", disk.stage.add_file(b"new manifest"), expected=blob_oid(b"old manifest"))
            disk.put("collection.toml.v1", disk.stage.add_file(b"old manifest"), expected=None)
            disk.apply(together=True)
            self.commit(disk.op)
            disk.finish()


class Undone(World):
    """A transaction whose database part fails, so that the process itself takes everything back."""

    def change(self) -> None:
        root = self.home.root_of("c")
        with DiskTransaction(self.home, root, kind="import") as disk:
            disk.put("skills/a", disk.stage.add_folder(NEW_A), expected=content_oid(root.path / "skills/a"))
            disk.put("mcp/new.json", disk.stage.add_file(b"{}"), expected=None)
            disk.delete("hooks/h.json", expected=WHATEVER)
            disk.apply()


class NewCollection(World):
    """The first import into a collection that is not there yet."""

    def change(self) -> None:
        with DiskTransaction(self.home, self.home.root_of("fresh"), kind="import") as disk:
            disk.put("skills/a", disk.stage.add_folder(NEW_A), expected=None)
            disk.put("collection.toml", disk.stage.add_file(b"m"), expected=None)
            disk.apply(together=True)
            self.commit(disk.op)
            disk.finish()


class Deletion(World):
    """A whole collection goes to the trash, and stays there."""

    def change(self) -> None:
        with DiskTransaction(self.home, self.home.root_of_home(), kind="delete") as disk:
            disk.delete("collections/c", expected=WHATEVER, keep_as="trash/c-1")
            disk.apply(together=True)
            self.commit(disk.op)
            disk.finish()


class Project(World):
    """A deployment: the working folder lies deeper, and a target beside it."""

    def build(self) -> None:
        super().build()
        fill(self.folder / "project", {".mcp.json": "{}", "src/x.py": "1"})

    def change(self) -> None:
        root = Root(self.folder / "project", work=".claude/.skillmeat")
        with DiskTransaction(self.home, root, kind="deploy") as disk:
            disk.put(".claude/skills/a", disk.stage.add_folder(NEW_A), expected=None)
            disk.put(".mcp.json", disk.stage.add_file(b'{"a": 1}'), expected=blob_oid(b"{}"))
            disk.apply(together=True)
            self.commit(disk.op)
            disk.finish()


WORLDS = [Chunk, Undone, NewCollection, Deletion, Project]


@pytest.fixture(params=["exchange", "two_renames"])
def renames(request, monkeypatch):
    if request.param == "two_renames":
        monkeypatch.setattr(swaps, "exchange", lambda one, other: False)


def states(world: World) -> tuple[dict[str, object], dict[str, object]]:
    world.build()
    old = world.look()
    assert not dies_at(0, world.change)
    return old, world.look()


def check(world: World, old: dict[str, object], new: dict[str, object]) -> None:
    """After recovery: one of the two, as the database has it, and nothing else anywhere."""
    done = any(world.database.iterdir())
    assert world.look() == (new if done else old)
    assert world.recover() == []


@pytest.mark.usefixtures("renames")
@pytest.mark.parametrize("kind", WORLDS, ids=lambda kind: kind.__name__)
def test_killed_at_every_step(tmp_path, kind):
    world = kind(tmp_path / "w")
    old, new = states(world)
    assert (old == new) == (kind is Undone)
    for step in count(1):
        world.build()
        if not dies_at(step, world.change):
            break
        rows = world.recover()
        assert {row.outcome for row in rows} <= {Outcome.FINISHED, Outcome.UNDONE}
        assert not any(row.kept for row in rows)
        check(world, old, new)
    assert step > 10


@pytest.mark.parametrize("kind", WORLDS, ids=lambda kind: kind.__name__)
def test_recovery_killed_at_every_step(tmp_path, kind):
    """The transaction dies half-way, the first recovery at each of its steps, the second one settles it."""
    world = kind(tmp_path / "w")
    old, new = states(world)
    middle = steps(world) * 2 // 3
    for second in count(1):
        world.build()
        assert dies_at(middle, world.change)
        killed = dies_at(second, world.recover)
        world.recover()
        check(world, old, new)
        if not killed:
            break
    assert second > 5


def steps(world: World) -> int:
    for step in count(1):
        world.build()
        if not dies_at(step, world.change):
            return step - 1
    raise AssertionError


@pytest.mark.parametrize("step", range(4, 40, 5))
def test_recovery_dies_again_and_again(tmp_path, step):
    """Each recovery gets one step further than the last before it dies."""
    world = Chunk(tmp_path / "w")
    old, new = states(world)
    world.build()
    assert dies_at(step, world.change)
    for second in count(1):
        if not dies_at(second, world.recover):
            break
    check(world, old, new)


def test_what_is_settled_is_not_settled_again(tmp_path):
    """Killed while dropping old copies; then somebody puts the deleted file back. It is his, and stays."""
    world = Deleted(tmp_path / "w")
    world.build()
    assert dies_at(1, world.change, prefix="drop:settled")
    fill(world.home.path, {"collections/c/hooks/h.json": "{}"})
    assert [row.outcome for row in world.recover()] == [Outcome.FINISHED]
    assert (world.home.collections / "c/hooks/h.json").read_text() == "{}"
    assert not (world.home.collections / "c/.skillmeat").exists()


class Deleted(World):
    """One file is deleted."""

    def change(self) -> None:
        with DiskTransaction(self.home, self.home.root_of("c"), kind="delete") as disk:
            disk.delete("hooks/h.json", expected=WHATEVER)
            disk.apply()
            self.commit(disk.op)
            disk.finish()
