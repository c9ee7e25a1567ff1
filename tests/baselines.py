"""How many statements lists and pages cost: committed numbers, changed on purpose only.

``UPDATE_QUERY_COUNTS=1 pytest -p no:xdist`` over the tests that measure writes them anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

BASELINE = Path(__file__).with_name("query_counts.json")


def baseline() -> dict[str, int]:
    known: dict[str, int] = json.loads(BASELINE.read_text())
    return known


def assert_baseline(name: str, found: Sequence[str]) -> None:
    """As many statements as the baseline has under this name, which is written anew on demand."""
    if os.environ.get("UPDATE_QUERY_COUNTS"):
        BASELINE.write_text(json.dumps({**baseline(), name: len(found)}, indent=2, sort_keys=True) + "\n")
    assert len(found) == baseline().get(name), "\n".join(sql[:200] for sql in found)
