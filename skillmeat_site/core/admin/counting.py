"""Counting no further than it matters: "1,000+" is told by reading a thousand and one rows, not a million."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Subquery


class Bounded(NamedTuple):
    """``number`` rows; with ``more``, at least so many."""

    number: int
    more: bool

    def __str__(self) -> str:
        return f"{self.number:,}+" if self.more else f"{self.number:,}"


class _RowsOf(Subquery):
    """How many rows a sliced query has. Zero where Django knows that it has none."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = models.IntegerField()
    empty_result_set_value = 0


def bounded_counts(querysets: Sequence[models.QuerySet[Any]], most: int) -> list[Bounded]:
    """The sizes of queries of one model, none counted beyond ``most``. One statement for all of them."""
    if not querysets:
        return []
    counts = [_RowsOf(_keys(rows)[: most + 1]) for rows in querysets]
    # Some row has to be there to hang the numbers on; without one they are all zero.
    anchor = querysets[0].model._base_manager.order_by("pk")
    numbers = anchor.values_list(*counts).first() or (0,) * len(counts)
    return [Bounded(min(number, most), number > most) for number in numbers]


def _keys(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    return rows.order_by().prefetch_related(None).values("pk")
