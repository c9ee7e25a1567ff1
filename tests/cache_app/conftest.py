"""Projects on a real disk, found and not registered."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CAPABILITY_VERSION = 0x20080522
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


@pytest.fixture
def roots(settings: Any, tmp_path: Path) -> Path:
    """The only folder below which projects may lie."""
    folder = tmp_path / "projects"
    folder.mkdir()
    settings.SKILLMEAT_PROJECT_ROOTS = [folder]
    return folder


def record(*artifacts: tuple[str, str], extra: str = "") -> str:
    """A record of deployed artifacts (type, name), as SkillMeat 1.x writes it."""
    rows = [
        f'[[deployed]]\nartifact_name = "{name}"\nartifact_type = "{type_}"\nfrom_collection = "default"\n'
        f'deployed_at = 2026-01-01T00:00:00\nartifact_path = "{type_}s/{name}{"" if type_ == "skill" else ".md"}"\n'
        f'content_hash = "x"\n'
        for type_, name in artifacts
    ]
    return "\n".join(rows) + extra


@pytest.fixture
def make_project(roots: Path) -> Callable[..., Path]:
    """``make_project("a/b", ("skill", "x"))``: a folder with a record and the files that it names."""

    def make(name: str, *artifacts: tuple[str, str], root: str = ".claude", text: str | None = None) -> Path:
        folder = roots / name
        (folder / root).mkdir(parents=True, exist_ok=True)
        (folder / root / ".skillmeat-deployed.toml").write_text(record(*artifacts) if text is None else text)
        for type_, artifact in artifacts:
            put(folder / root, type_, artifact)
        return folder

    return make


def put(root: Path, type_: str, name: str, text: str = "Steps.\n") -> None:
    path = root / f"{type_}s" / name / "SKILL.md" if type_ == "skill" else root / f"{type_}s" / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A folder that cannot be read: also by root, whom this thread's effective rights are taken from meanwhile."""
    mode = folder.stat().st_mode
    folder.chmod(0)
    try:
        with bound_by_modes():
            yield
    finally:
        folder.chmod(mode)


@contextmanager
def bound_by_modes() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable, of the lower and of the higher 32
    assert libc.capget(header, sets) == 0
    had = sets[0]
    sets[0] = had & ~(1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)
    assert libc.capset(header, sets) == 0
    try:
        yield
    finally:
        sets[0] = had
        assert libc.capset(header, sets) == 0
