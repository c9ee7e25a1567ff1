"""The table of hostile input (this package's docstring) names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.collections_app import hostile

HERE = Path(__file__).parent
ROWS = re.findall(r"^(\S.*?) {2,}(\S+)::(\w+)$", hostile.__doc__ or "", re.MULTILINE)


def test_the_table_is_read() -> None:
    assert len(ROWS) == len([line for line in (hostile.__doc__ or "").splitlines() if "::" in line and ".py" in line])
    assert len({line for line, _, _ in ROWS}) == len(ROWS) >= 30


@pytest.mark.parametrize(("line", "file", "name"), ROWS)
def test_a_line_has_its_test(line: str, file: str, name: str) -> None:
    path = HERE / file if "/" not in file else HERE.parents[1] / file
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    assert name in {function.name for function in functions}, line
