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


class Bars(NamedTuple):
    """All bars of one series, as the data of an SVG path: one element, however many days."""

    tone: Tone
    path: str


class Day(NamedTuple):
    """``counts`` in the order of the series; ``x`` is where its column begins."""

    day: date
    counts: Sequence[int]
    x: float
    told: str
    """The day and its counts in words."""


@dataclass(frozen=True, slots=True)
class Chart:
    """``slug`` names it within its page, ``title`` for people."""

    slug: str
    title: Text
    series: Sequence[Series]
    days: Sequence[Day]
    bars: Sequence[Bars]
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
    columns = [
        Day(day, row, place * STEP, _told(day, row, series))
        for place, (day, row) in enumerate(zip(days, rows, strict=True))
    ]
    bars = [Bars(one.tone, "".join(_bar(day, place, highest) for day in columns)) for place, one in enumerate(series)]
    return Chart(slug, title, series, columns, bars, highest)


def by_day(charts: Sequence[Chart]) -> list[tuple[str, list[int]]]:
    """The same numbers as a table: of each day, the newest first, the counts of all charts of these days."""
    rows = zip(*(chart.days for chart in charts), strict=True)
    return [(f"{days[0].day}", [count for day in days for count in day.counts]) for days in reversed(list(rows))]


def _told(day: date, row: Sequence[int], series: Sequence[Series]) -> str:
    return f"{day}: " + ", ".join(f"{count} {one.label}" for count, one in zip(row, series, strict=True))


def _bar(day: Day, place: int, highest: int) -> str:
    """The bar of the series at ``place``, on top of those before it; "" where there is none."""
    if not day.counts[place]:
        return ""
    height = HEIGHT * day.counts[place] / highest
    top = HEIGHT * (1 - sum(day.counts[: place + 1]) / highest)
    return f"M{day.x + STEP / 10:g} {top:.5g}h{STEP * 0.8:g}v{height:.5g}h-{STEP * 0.8:g}z"
