"""Bars per day, as plain numbers for an inline SVG: the template draws rectangles, style sheets colour them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from skillmeat_site.core.admin.display import Text, Tone

HEIGHT = 100.0
STEP = 10.0
"""Of a day; the bar leaves a fifth of it free."""


class Series(NamedTuple):
    """A kind of thing that is counted. ``name`` is its key in a day's counts."""

    name: str
    label: Text
    tone: Tone


class Bar(NamedTuple):
    x: float
    y: float
    height: float
    tone: Tone


class Day(NamedTuple):
    """``counts`` in the order of the series."""

    day: date
    counts: Sequence[int]
    bars: Sequence[Bar]
    x: float
    told: str
    """The counts in words."""


@dataclass(frozen=True, slots=True)
class Chart:
    """``slug`` names it within its page, ``title`` for people."""

    slug: str
    title: Text
    series: Sequence[Series]
    days: Sequence[Day]
    highest: int

    @property
    def width(self) -> float:
        return STEP * len(self.days)

    @property
    def totals(self) -> list[tuple[Series, int]]:
        return [(one, sum(day.counts[place] for day in self.days)) for place, one in enumerate(self.series)]


def last_days(today: date, number: int) -> list[date]:
    """So many days, the last one today."""
    return [today - timedelta(days=back) for back in reversed(range(number))]


def stacked(
    slug: str,
    title: Text,
    days: Sequence[date],
    counts: Mapping[date, Mapping[str, int]],
    series: Sequence[Series],
) -> Chart:
    """One stack of bars for each day, also for those without any; the highest stack fills the height."""
    rows = [tuple(counts.get(day, {}).get(one.name, 0) for one in series) for day in days]
    highest = max((sum(row) for row in rows), default=0)
    made = [
        Day(day, row, _bars(row, series, place * STEP, highest), place * STEP, _told(row, series))
        for place, (day, row) in enumerate(zip(days, rows, strict=True))
    ]
    return Chart(slug, title, series, made, highest)


def by_day(charts: Sequence[Chart]) -> list[tuple[date, list[int]]]:
    """The same numbers as a table: of each day, the newest first, the counts of all charts of these days."""
    rows = zip(*(chart.days for chart in charts), strict=True)
    return [(days[0].day, [count for day in days for count in day.counts]) for days in reversed(list(rows))]


def _told(row: Sequence[int], series: Sequence[Series]) -> str:
    return ", ".join(f"{count} {one.label}" for count, one in zip(row, series, strict=True))


def _bars(row: Sequence[int], series: Sequence[Series], x: float, highest: int) -> list[Bar]:
    bars, below = [], 0.0
    for count, one in zip(row, series, strict=True):
        if count:
            height = HEIGHT * count / highest
            below += height
            bars.append(Bar(x + STEP / 10, round(HEIGHT - below, 2), round(height, 2), one.tone))
    return bars
