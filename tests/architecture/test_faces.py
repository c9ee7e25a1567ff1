"""What the code's own shape has to keep: faces write nothing, imports stand at the top, rooms keep their distance."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("skillmeat_site", "marketplace", "collections_app", "cache_app")
FACES = ("api", "admin", "commands")

# A face may write only here, each with the reason.
FACE_WRITES = {
    "skillmeat_site/core/api/authentication.py ApiToken.objects.filter(pk=token.pk).update": "a token's last use",
    "skillmeat_site/core/management/commands/ensure_admin.py users.create_superuser": "Django's own door to users",
    "marketplace/management/commands/add_source.py self.create": "its own method, which calls the service",
    "marketplace/management/commands/demo.py sample.create": "makes a git repository, no row",
}
WRITES = {"save", "create", "update", "delete", "get_or_create", "update_or_create", "create_user", "create_superuser"}


def sources():
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts)


@cache
def tree(path):
    return ast.parse(path.read_text())


def name(path):
    return str(path.relative_to(ROOT))


FACE_FILES = [path for path in sources() if set(path.relative_to(ROOT).parts[:-1]) & set(FACES)]


def written(path):
    """Calls of methods by which the ORM writes: ``x.save(``, ``x.bulk_create(`` …"""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method = node.func.attr
            if method in WRITES or method in ("bulk_create", "bulk_update"):
                yield node.lineno, f"{ast.unparse(node.func.value)}.{method}"


def test_there_are_faces():
    assert len(FACE_FILES) > 30


@pytest.mark.parametrize("path", FACE_FILES, ids=name)
def test_a_face_writes_nothing_itself(path):
    found = {line: call for line, call in written(path) if f"{name(path)} {call}" not in FACE_WRITES}
    assert found == {}


def test_every_exception_is_still_needed():
    calls = {f"{name(path)} {call}" for path in FACE_FILES for _, call in written(path)}
    assert set(FACE_WRITES) <= calls


@pytest.mark.parametrize("path", [*sources(), *sorted((ROOT / "tests").rglob("*.py"))], ids=name)
def test_imports_stand_at_the_top(path):
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inner = [child for child in ast.walk(node) if isinstance(child, ast.Import | ast.ImportFrom)]
            found += [f"{name(path)}:{child.lineno}" for child in inner]
    assert found == []


def test_import_contracts():
    """The rooms of the house: who may know whom (.importlinter)."""
    checked = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
