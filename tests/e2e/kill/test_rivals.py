"""Two processes at one collection: at once, and one of them stopped for so long that another has taken over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any

import pytest

from tests.e2e.conftest import PATIENCE
from tests.e2e.kill.conftest import Worlds

pytestmark = pytest.mark.exhaustive
MODULE = ("-m", "tests.e2e.kill.rival")


def started(worlds: Worlds, *arguments: str) -> subprocess.Popen[str]:
    process = worlds.start(*MODULE, *arguments)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == "ready\n", line or process.communicate()[1]
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def told(process: subprocess.Popen[str]) -> Any:
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + errors
    return json.loads(out)


def done(worlds: Worlds, *arguments: str) -> Any:
    process = started(worlds, *arguments)
    go(process)
    return told(process)


def at_once(worlds: Worlds, *actions: str) -> list[Any]:
    processes = [started(worlds, action) for action in actions]
    for process in processes:
        go(process)
    return [told(process) for process in processes]


def look(worlds: Worlds) -> dict[str, Any]:
    found: dict[str, Any] = done(worlds, "look")["did"]
    assert found["disagreements"] == []
    assert found["held"] == 0
    return found


def test_two_who_import_the_same(worlds):
    """Each entry is imported by one of them, once."""
    done(worlds, "prepare")
    first, second = at_once(worlds, "import", "import")
    statuses = [sorted(pair) for pair in zip(first["did"], second["did"], strict=True)]
    assert statuses == [["skipped", "success"]] * 3
    assert look(worlds)["artifacts"] == ["alpha", "beta", "ops:deploy"]


@pytest.mark.parametrize(
    ("before", "actions"),
    [
        ("prepare_imported", ("import_over", "restore")),
        ("prepare_imported", ("import_over", "import_over")),
        ("prepare_imported", ("reimport", "rescan")),
        ("prepare_changed", ("restore", "restore")),
        ("prepare_changed", ("restore", "remove")),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_two_at_once_end_as_if_one_had_come_after_the_other(worlds, before, actions):
    done(worlds, before)
    answers = at_once(worlds, *actions)
    assert all("did" in answer for answer in answers)
    look(worlds)


def stopped(process: subprocess.Popen[str]) -> None:
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), status


@pytest.mark.parametrize("place", ["begun", "staged:0", "checked:0", "exchanged:0", "swapped:0", "applied"])
def test_one_that_was_stopped_in_the_middle_of_its_change_is_in_nobodys_way(worlds, place):
    """It may go on at any instant: so nobody begins before it has ended, and what it does is whole."""
    done(worlds, "prepare_imported")
    slow = started(worlds, "import_over", "--stop-at", place, "--lease", "1")
    go(slow)
    stopped(slow)
    time.sleep(1.5)
    assert done(worlds, "import_over", "--once") == {"error": "collection_busy"}
    slow.send_signal(signal.SIGCONT)
    assert told(slow) == {"did": ["success"] * 3}
    new = look(worlds)
    done(worlds, "restore")
    assert done(worlds, "import_over", "--once") == {"did": ["success"] * 3}
    assert look(worlds)["state"] == new["state"]


@pytest.mark.parametrize("place", ["snapshot: due", "snapshot: taken", "journal:writing"])
def test_one_that_was_stopped_before_its_change_loses_it(worlds, place):
    """Another has taken over and is done; the slow one finds its lease lost before it touches a file."""
    done(worlds, "prepare_imported")
    slow = started(worlds, "import_over", "--stop-at", place, "--lease", "1", "--once")
    go(slow)
    stopped(slow)
    time.sleep(1.5)
    assert done(worlds, "reimport", "--once") == {"did": None}
    other = look_around(worlds)
    slow.send_signal(signal.SIGCONT)
    assert told(slow) == {"error": "lease_lost"}
    assert look(worlds)["state"] == other["state"]


def look_around(worlds: Worlds) -> dict[str, Any]:
    found: dict[str, Any] = done(worlds, "look")["did"]
    return found


def test_one_that_is_killed_while_stopped_is_tidied_up_after(worlds):
    done(worlds, "prepare_imported")
    slow = started(worlds, "import_over", "--stop-at", "swapped:1", "--lease", "1")
    go(slow)
    stopped(slow)
    slow.kill()
    slow.communicate()
    time.sleep(1.5)
    assert done(worlds, "import_over", "--once") == {"did": ["success"] * 3}
    look(worlds)
