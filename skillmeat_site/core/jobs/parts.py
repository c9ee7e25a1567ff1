"""Bulk jobs without children whose rows are kept as they settle, part by part (docs/adr/0043)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from skillmeat_site.core.results import BulkResult, ObjectRef


def in_parts(ctx: Any, objects: Sequence[ObjectRef], operation: Callable[[list[str]], BulkResult]) -> BulkResult:
    """Run an operation that gives ``ctx.keep_rows`` its rows as they settle, over what no earlier attempt has settled.

    It is given the ids that are left. ``objects`` as they stand in its rows: however the job ends, each of them is an
    item of it, and a retry takes up what is left.
    """
    before = {row.object.id: row for row in ctx.settled_rows()}
    wanted = {ref.id: ref for ref in objects}
    ctx.expect(list(wanted.values()))
    result = operation([pk for pk in wanted if pk not in before])
    return replace(result, rows=(*before.values(), *result.rows)) if before else result
