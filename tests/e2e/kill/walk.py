"""Run by ``test_walk``: does one thing over and over, and is killed (SIGKILL) one step later each time.

A step is a checkpoint of the store, a statement that writes, the moment before a commit and the one right after it,
and both ends of a snapshot. Each round is a process of its own, forked, so that Django starts once. Prints what it
found as JSON: every end that is not one of two, every disagreement, every second attempt that did not succeed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from itertools import count
from typing import Any

import django

django.setup()

from django.db import connection, connections  # noqa: E402
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402

from collections_app.services.recovery import recover_disk  # noqa: E402
from collections_app.store import checkpoints  # noqa: E402
from collections_app.store.history import History  # noqa: E402
from tests.collections_app.agreement import disagreements  # noqa: E402
from tests.e2e.kill import worlds  # noqa: E402

WRITES = ("INSERT", "UPDATE", "DELETE")


def watch(reached: Callable[[str], None]) -> None:
    """Call ``reached`` at every step from now on, in this process."""
    checkpoints.reached = reached
    commit, snapshot = BaseDatabaseWrapper._commit, History.snapshot

    def watched_commit(self: Any) -> Any:
        reached("database: committing")
        answer = commit(self)
        reached("database: committed")
        return answer

    def watched_snapshot(self: Any, *args: Any, **more: Any) -> Any:
        reached("snapshot: due")
        answer = snapshot(self, *args, **more)
        reached("snapshot: taken")
        return answer

    def watched_execute(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if sql.startswith(WRITES):
            reached(f"database: {' '.join(sql.split()[:3])}")
        return answer

    BaseDatabaseWrapper._commit = watched_commit
    History.snapshot = watched_snapshot
    connection.execute_wrappers.append(watched_execute)


def killed_at(number: int, scenario: str) -> str:
    """The name of the step at which the work was killed; empty where it ended before."""
    connections.close_all()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        left = [number]
        due = [worlds.INTERFERING.get(scenario)]

        def reached(name: str) -> None:
            if name == due[0]:
                due[0] = None
                worlds.interfere()
            left[0] -= 1
            if left[0] == 0:
                os.write(writing, name.encode())
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            watch(reached)
            worlds.SCENARIOS[scenario].work()
        except BaseException:  # noqa: BLE001 - a forked process must not go on as its parent would
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        name = pipe.read()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"the work itself failed: {scenario}"
    return name if os.WIFSIGNALED(status) else ""


def walk(name: str, first: int, stride: int) -> dict[str, Any]:
    scenario = worlds.SCENARIOS[name]
    worlds.begin()
    for step in scenario.before:
        step()
    kept = worlds.Kept()
    old = worlds.state()
    faults = [f"before: {text}" for text in disagreements()]
    assert not killed_at(1_000_000, name)
    new = worlds.state()
    faults += [f"after: {text}" for text in _disagreements(name)]
    assert old != new
    ends: list[str] = []
    for number in count(first, stride):
        kept.put_back()
        place = killed_at(number, name)
        if not place:
            break
        faults += [f"{number} ({place}): {text}" for text in settled(name, old, new, ends)]
    return {"ends": ends, "faults": faults}


def _disagreements(name: str) -> list[str]:
    scenario = worlds.SCENARIOS[name]
    there = (worlds.FOLDER / "skills/alpha/mine.txt").exists()
    return disagreements(unmanaged=scenario.unmanaged if there else frozenset(), trash=scenario.trash)


def settled(name: str, old: dict[str, Any], new: dict[str, Any], ends: list[str]) -> list[str]:
    """What is wrong once the next process has started; ``ends`` gets what has become of the work."""
    recovered = recover_disk()
    faults = [f"recovery: {row}" for row in recovered if row.code]
    found = worlds.state()
    end = ""
    for part, seen in found.items():
        whole = {"old": old[part], "new": new[part]}
        how = [word for word, one in whole.items() if seen == one]
        end += (how[-1] if how else "torn") if old[part] != new[part] else "same"
        end += " "
        if not how:
            faults.append(f"{part} is torn: {worlds.shown(seen)}")
    ends.append(end.strip())
    faults += _disagreements(name)
    worlds.leases_run_out()
    if name in worlds.INTERFERING:
        worlds.interfere()
    try:
        worlds.SCENARIOS[name].work()
    except Exception:  # noqa: BLE001 - told, whatever it is
        return [*faults, f"second attempt: {traceback.format_exc()[-1500:]}"]
    again = worlds.state()
    faults += [f"second attempt, {part}: {worlds.shown(again[part])}" for part in new if again[part] != new[part]]
    return [*faults, *(f"second attempt: {text}" for text in _disagreements(name))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", choices=sorted(worlds.SCENARIOS))
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--stride", type=int, default=1)
    given = parser.parse_args()
    json.dump(walk(given.scenario, given.first, given.stride), sys.stdout)
