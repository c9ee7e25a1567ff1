"""What holds for every refresh: a dry run tells what the run does, a second run does nothing, a rollback gives back.

Whatever happened upstream and here, in every mode, with every strategy, for any subset of fields. Each seed is one
such story; a failing one can be run again by its number.
"""

from __future__ import annotations

import random
import shutil
from typing import Any

import pytest

from collections_app.domain.refresh_options import FIELDS, RefreshMode, Strategy
from collections_app.services.refreshing import apply_plan, rollback_refresh
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.reporting import SilentReport
from tests.collections_app.refresh.refreshing import SLUG, check, every_byte, run, skill_path
from tests.conftest import Repository

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("alpha", "beta", "gamma")
LINES = 12


def text(name: str, changes: dict[int, str], head: dict[str, str]) -> str:
    fields = "".join(f"{key}: {value}\n" for key, value in head.items())
    body = "\n".join(changes.get(number, f"line {number}") for number in range(LINES))
    return f"---\nname: {name}\n{fields}---\n\n{body}\n"


class Story:
    """What becomes of three skills upstream and here, and how they are refreshed."""

    def __init__(self, seed: int, repository: Repository) -> None:
        self._random, self._repository = random.Random(seed), repository
        self._places = {name: f"skills/{name}" for name in NAMES}
        self._head: dict[str, dict[str, str]] = {name: {"description": "Does things"} for name in NAMES}
        self._lines: dict[str, dict[int, str]] = {name: {} for name in NAMES}

    def begin(self) -> None:
        """All three with twelve lines, taken."""
        self._repository.commit({f"skills/{name}/SKILL.md": self._text(name) for name in NAMES})
        run(mode="sync")

    def _text(self, name: str) -> str:
        return text(name, self._lines[name], self._head[name])

    def go_on(self) -> None:
        for name in NAMES:
            self._here(name)
            self._upstream(name)

    def _upstream(self, name: str) -> None:
        what = self._random.choice(("nothing", "head", "line", "both", "move", "move and change", "delete", "add"))
        old = self._places[name]
        files: dict[str, str | None] = {}
        if what in ("head", "both"):
            self._head[name] = {
                field: f"{field} {self._random.randrange(3)}" for field in self._random.sample(sorted(FIELDS), 3)
            }
            if "tags" in self._head[name]:
                self._head[name]["tags"] = f"[one, t{self._random.randrange(3)}]"
        if what in ("line", "both", "move and change"):
            self._lines[name] = {self._random.randrange(LINES): "theirs"}
        if what.startswith("move"):
            self._places[name] = f"moved/{name}-{self._random.randrange(100)}"
            files[f"{old}/SKILL.md"] = None
        if what == "add":
            files[f"{old}/more.txt"] = "more\n"
        files |= (
            {f"{self._places[name]}/SKILL.md": self._text(name)} if what != "delete" else {f"{old}/SKILL.md": None}
        )
        if what not in ("nothing",):
            self._repository.commit(files, what)

    def _here(self, name: str) -> None:
        match self._random.choice(("nothing", "nothing", "line", "delete")):
            case "line":
                mine = {**self._lines[name], self._random.randrange(LINES): "mine"}
                skill_path(name).write_text(text(name, mine, self._head[name]))
            case "delete":
                shutil.rmtree(skill_path(name).parent)

    def options(self) -> dict[str, Any]:
        mode = self._random.choice((RefreshMode.METADATA_ONLY, RefreshMode.SYNC, RefreshMode.SYNC))
        said: dict[str, Any] = {"mode": mode.value}
        if mode is RefreshMode.SYNC:
            said["strategy"] = self._random.choice(list(Strategy)).value
        if self._random.random() < 0.5:
            said["fields"] = self._random.sample(sorted(FIELDS), self._random.randrange(1, len(FIELDS)))
        return said

    def chance(self) -> bool:
        return self._random.random() < 0.5


@pytest.mark.parametrize("seed", range(16))
def test_dry_run_run_again_and_back(repository: Repository, seed: int) -> None:
    story = Story(seed, repository)
    story.begin()
    story.go_on()
    if story.chance():
        check()
    said, before = story.options(), every_byte()

    told = run(dry_run=True, **said)
    assert every_byte() == before, "a dry run changes nothing"
    if told.plan_id is not None and story.chance():
        done = apply_plan(SLUG, told.plan_id, actor=COMMAND_LINE, report=SilentReport())
    else:
        done = run(**said)
    assert done.to_json()["details"] == told.to_json()["details"]
    assert done.summary.to_json() == told.summary.to_json()
    after = every_byte()
    changed = {one.mine.path for one in done.planned if one.changes and one.to_json()["changes"] != []}
    touched = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    strays = [path for path in touched if not path.startswith("collection.") and not path.startswith(tuple(changed))]
    assert not strays, "only what it tells of"
    for row in done.to_json()["details"]:
        wanted = set(said.get("fields", FIELDS)) | {"content", "path"}
        assert set(row["changes"]) <= wanted, "only the fields that were asked for"

    again = run(**said)
    assert not any(one.changes for one in again.planned), "what was done is done"
    assert every_byte() == after

    if done.snapshot_id:
        rollback_refresh(SLUG, actor=COMMAND_LINE, report=SilentReport())
        assert every_byte() == before, "every byte"
