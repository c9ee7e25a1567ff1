"""Figures beside their targets: printed at the end whatever is captured, and written to ``bench.json``.

A missed target fails no test: a figure depends on the machine, and is there to be looked at.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from skillmeat_site.upstream import process
from skillmeat_site.upstream.git import GitProvider

FIGURES = pytest.StashKey[list[dict[str, Any]]]()


@pytest.fixture
def record_figure(request: pytest.FixtureRequest) -> Callable[..., None]:
    """``record_figure(name, value, unit, target)``; ``better="higher"`` where more is better."""
    figures = request.config.stash.setdefault(FIGURES, [])

    def record(name: str, value: float, unit: str, target: float | None, *, better: str = "lower") -> None:
        met = target is None or (value <= target if better == "lower" else value >= target)
        figures.append({"name": name, "value": round(value, 4), "unit": unit, "target": target, "ok": met})

    return record


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    figures = config.stash.get(FIGURES, [])
    if not figures:
        return
    terminalreporter.section("figures")
    for figure in figures:
        name, value, unit, target, met = figure.values()
        goal = "no target" if target is None else f"target {target:g}"
        terminalreporter.write_line(f"{name:72} {value:>10g} {unit:10} ({goal})  {'ok' if met else 'over'}")
    path = settings.BASE_DIR / "bench.json"
    path.write_text(json.dumps(figures, indent=2) + "\n")
    terminalreporter.write_line(f"written to {path.name}")


@dataclass
class Cost:
    """What some work cost, git's part of the time told apart."""

    seconds: float = 0
    cpu_seconds: float = 0
    """Of this process alone: neither git's nor the database server's, nor what other programs take away."""
    git_seconds: float = 0
    git_calls: int = 0
    statements: list[str] = field(default_factory=list)
    blobs: int = 0

    @property
    def own_seconds(self) -> float:
        return self.seconds - self.git_seconds


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """``with measured() as cost``: time, git, SQL statements and blobs of the block."""
    costs: list[Cost] = []
    enter, leave, read = process._Running.__enter__, process._Running.__exit__, GitProvider.read

    def started(self: Any) -> Any:
        self._began = time.perf_counter()
        return enter(self)

    def ended(self: Any, *error: Any) -> None:
        leave(self, *error)
        for cost in costs:
            cost.git_seconds += time.perf_counter() - self._began
            cost.git_calls += 1

    def reading(self: Any, address: Any, head: Any, oids: Any, **more: Any) -> Any:
        for cost in costs:
            cost.blobs += len(oids)
        return read(self, address, head, oids, **more)

    monkeypatch.setattr(process._Running, "__enter__", started)
    monkeypatch.setattr(process._Running, "__exit__", ended)
    monkeypatch.setattr(GitProvider, "read", reading)

    @contextmanager
    def measure() -> Iterator[Cost]:
        cost = Cost()
        costs.append(cost)

        def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            cost.statements.append(sql)
            return execute(sql, params, many, context)

        began, cpu_began = time.perf_counter(), time.process_time()
        try:
            with connection.execute_wrapper(count):
                yield cost
        finally:
            cost.seconds = time.perf_counter() - began
            cost.cpu_seconds = time.process_time() - cpu_began
            costs.remove(cost)

    return measure


@pytest.fixture
def database() -> str:
    """For the names of figures."""
    return "SQLite" if connection.vendor == "sqlite" else "PostgreSQL"
