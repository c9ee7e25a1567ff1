"""What snapshots of a collection of 1,000 artifacts cost: time, and space beside that of the collection."""

import random
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collections_app.store.history import History

pytestmark = pytest.mark.benchmark

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = Path(__file__).read_text().split()


def collection(root: Path) -> Path:
    """1,000 skills of 5 files, each 1 to 9 kB of words that repeat as prose does."""
    chance = random.Random(4)
    for n in range(1_000):
        for name in ("SKILL.md", "reference.md", "examples.md", "scripts/run.py", "scripts/check.py"):
            path = root / "skills" / f"skill-{n}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{n} {name}\n" + prose(chance, chance.randrange(100, 1_500)))
    (root / "collection.toml").write_text("format = 2\n" + "name = 'x'\n" * 1_000)
    return root


def prose(chance: random.Random, length: int) -> str:
    return "".join(word + ("\n" if chance.random() < 0.1 else " ") for word in chance.choices(WORDS, k=length))


def space(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def wait_until_clean() -> None:
    """Files that were just written are read again by the next snapshot."""
    time.sleep(2.1)


def timed(work) -> tuple[float, object]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def test_snapshots_of_1_000_artifacts(record_figure, tmp_path):
    root = collection(tmp_path / "collection")
    history = History(tmp_path / "store.git")
    wait_until_clean()
    took, _ = timed(lambda: history.snapshot(root, "default", reason="first", now=NOW))
    record_figure("first snapshot, 1,000 artifacts of 5 files", took, "s", 3)
    before = space(tmp_path / "store.git")
    took, _ = timed(lambda: history.snapshot(root, "default", reason="same", now=NOW))
    record_figure("unchanged snapshot, 1,000 artifacts of 5 files", took, "s", 1)
    record_figure("unchanged snapshot, space", (space(tmp_path / "store.git") - before) / 1e3, "kB", 20)
    shutil.rmtree(tmp_path / "store.git" / "skillmeat-index")
    took, _ = timed(lambda: history.snapshot(root, "default", reason="same", now=NOW))
    record_figure("unchanged snapshot without the stat cache", took, "s", None)


def test_100_snapshots_with_a_change_each(record_figure, tmp_path):
    root = collection(tmp_path / "collection")
    history = History(tmp_path / "store.git")
    chance = random.Random(5)
    wait_until_clean()
    began = time.perf_counter()
    snapshots = []
    for n in range(100):
        path = root / "skills" / f"skill-{chance.randrange(1_000)}" / "SKILL.md"
        path.write_text(path.read_text() + prose(chance, 10))
        snapshots.append(history.snapshot(root, "default", reason=str(n), now=NOW + timedelta(seconds=n)))
    record_figure("100 snapshots of 1,000 artifacts, a change each", time.perf_counter() - began, "s", None)
    copy = space(root)
    record_figure("100 snapshots, space", space(tmp_path / "store.git") / copy, "copies", 1.1)
    took, done = timed(lambda: history.maintain(now=NOW))
    record_figure("maintenance after 100 snapshots", took, "s", None)
    record_figure("100 snapshots after maintenance, space", space(tmp_path / "store.git") / copy, "copies", 0.4)
    assert done.packs_after == 1
    took, _ = timed(lambda: history.materialise(snapshots[0], None, tmp_path / "out"))
    record_figure("materialise 1,000 artifacts, durably", took, "s", None)
    took, units = timed(lambda: history.changed_units(snapshots[50], root))
    record_figure("what a restore of 50 changes has to swap", took, "s", 1)
    assert 40 <= len(units) <= 50
