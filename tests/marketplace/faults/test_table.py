"""The table of faults (this package's docstring) is whole, and its tests exist and carry their numbers."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.marketplace import faults

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FAULTS = range(1, 46)
ROWS = [
    (int(number), file, name)
    for number, file, name in re.findall(r"^(\d+) +\S.*? {2,}(\S+)::(\w+)$", faults.__doc__ or "", re.MULTILINE)
]


def marks_of(path: Path) -> dict[str, set[int]]:
    """Test → the numbers of the faults it is marked with."""
    found: dict[str, set[int]] = defaultdict(set)
    for function in ast.walk(ast.parse(path.read_text())):
        for mark in function.decorator_list if isinstance(function, ast.FunctionDef) else ():
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                found[function.name].add(ast.literal_eval(mark.args[0]))
    return found


def test_every_fault_has_one_line():
    assert [number for number, _, _ in ROWS] == list(FAULTS)


@pytest.mark.parametrize(("number", "file", "name"), ROWS)
def test_a_line_has_its_test(number, file, name):
    path = HERE / file if "/" not in file else ROOT / file
    assert number in marks_of(path)[name]


def test_no_test_is_marked_with_a_fault_that_is_none():
    files = [path for path in ROOT.rglob("test_*.py") if "mark.fault(" in path.read_text()]
    marked = {number for path in files for numbers in marks_of(path).values() for number in numbers}
    assert marked == set(FAULTS)
