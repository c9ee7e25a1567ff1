"""Bars per day: the numbers behind the drawing."""

from __future__ import annotations

import re
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from skillmeat_site.core.admin.charts import HEIGHT, STEP, Series, by_day, last_days, stacked
from skillmeat_site.core.admin.display import Tone

TODAY = date(2026, 3, 2)
SERIES = (Series("new", "new", Tone.GOOD), Series("gone", "gone", Tone.BAD))


def boxes(chart):
    """Each bar as x, top and height, by series."""
    number = r"(-?[0-9.e+-]+)"
    form = rf"M{number} {number}h8v{number}h-8z"
    return [[tuple(map(float, found)) for found in re.findall(form, bars.path)] for bars in chart.bars]


def test_the_last_days_end_today_and_cross_months():
    assert last_days(TODAY, 3) == [date(2026, 2, 28), date(2026, 3, 1), TODAY]


def test_the_highest_stack_fills_the_height():
    days = last_days(TODAY, 2)
    chart = stacked("c", "C", days, {TODAY: {"new": 3, "gone": 1}, days[0]: {"new": 2}}, SERIES)
    assert chart.highest == 4
    assert boxes(chart) == [[(1, 50, 50), (11, 25, 75)], [(11, 0, 25)]]
    assert [(series.name, total) for series, total in chart.totals] == [("new", 5), ("gone", 1)]
    assert chart.days[1].told == "2026-03-02: 3 new, 1 gone"


def test_days_without_anything_draw_nothing():
    chart = stacked("c", "C", last_days(TODAY, 30), {}, SERIES)
    assert boxes(chart) == [[], []]
    assert chart.highest == 0
    assert len(chart.days) == 30
    assert chart.width == 30 * STEP


def test_the_table_has_all_charts_of_a_day_the_newest_first():
    days = last_days(TODAY, 2)
    one = stacked("a", "A", days, {TODAY: {"new": 3, "gone": 1}}, SERIES)
    other = stacked("b", "B", days, {days[0]: {"new": 9}}, SERIES[:1])
    assert by_day([one, other]) == [("2026-03-02", [3, 1, 0]), ("2026-03-01", [0, 0, 9])]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=40))
def test_no_bar_leaves_the_drawing(rows):
    days = last_days(TODAY, len(rows))
    counts = {day: {"new": row[0], "gone": row[1]} for day, row in zip(days, rows, strict=True)}
    chart = stacked("c", "C", days, counts, SERIES)
    drawn = boxes(chart)
    assert [len(one) for one in drawn] == [sum(bool(row[place]) for row in rows) for place in (0, 1)]
    for x, top, height in (*drawn[0], *drawn[1]):
        assert 0 <= x < chart.width
        assert top >= -0.01
        assert height > 0
        assert top + height <= HEIGHT + 0.01
