"""Six processes that write while a scan runs, started and stopped from a test."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("patch", "exclude", "exclude_in_bulk", "enqueue", "tokens", "register")
SECONDS = 90

KNOWN, ADDED, CHANGED, REMOVED = 200, 9850, 50, 50
"""A catalog before, and what a commit does to it: ten thousand entries are present afterwards."""
COUNTERS = {"new_count": ADDED, "updated_count": CHANGED, "removed_count": REMOVED, "unchanged_count": 100}


def skill_file(n: int, text: str = "Does things") -> dict[str, str | None]:
    return {f"skills/s{n:05}/SKILL.md": f"---\nname: s{n:05}\ndescription: {text} {n}\n---\n\nSteps of {n}.\n"}


def files_before() -> dict[str, str | None]:
    return {path: text for n in range(KNOWN) for path, text in skill_file(n).items()}


def files_after() -> dict[str, str | None]:
    """The commit's changes: the first 50 are other than before, the next 50 gone, and many are new."""
    changed = [skill_file(n, "Does other things") for n in range(CHANGED)]
    removed = [dict.fromkeys(skill_file(n)) for n in range(CHANGED, CHANGED + REMOVED)]
    added = [skill_file(n) for n in range(KNOWN, KNOWN + ADDED)]
    return {path: text for files in (*changed, *removed, *added) for path, text in files.items()}


@dataclass
class Rivals:
    """``answers`` holds, once the block has ended, what each said: writes, errors, slowest, decided."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def errors(self) -> list[str]:
        return [error for answer in self.answers.values() for error in answer["errors"]]

    @property
    def writes(self) -> int:
        return sum(answer["writes"] for answer in self.answers.values())


@contextmanager
def writing(environment: Mapping[str, str], source_id: int, folder: Path) -> Iterator[Rivals]:
    """Let six processes write until the end of the block."""
    stop, rivals = folder / "stop", Rivals()
    pipe = subprocess.PIPE
    started = {
        kind: subprocess.Popen(
            [sys.executable, "-m", "tests.writers", kind, str(source_id), str(stop)],
            env=dict(environment),
            cwd=ROOT,
            stdin=pipe,
            stdout=pipe,
            text=True,
        )
        for kind in KINDS
    }
    try:
        for process in started.values():
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started.values():
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        yield rivals
    finally:
        stop.touch()
        outputs = {kind: process.communicate(timeout=SECONDS)[0] for kind, process in started.items()}
    for kind, process in started.items():
        assert process.returncode == 0, kind
        rivals.answers[kind] = json.loads(outputs[kind])
