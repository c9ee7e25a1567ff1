"""Colours change no character, cost a bounded time, and can be read on every ground."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from hypothesis import given
from hypothesis import strategies as st

from skillmeat_site.core.diffs.colour import _BY_NAME, _BY_SUFFIX, MAX_LINE, MAX_TEXT, Colours, lexer_of


def joined(pieces):
    return ["".join(text for _, text in line) for line in pieces]


def classes(lines, path, **options):
    return {name for line in Colours(**options).of(lines, path) for name, _ in line} - {""}


@pytest.mark.parametrize("alias", sorted({*_BY_SUFFIX.values(), *_BY_NAME.values()}))
def test_every_language_is_known(alias):
    suffix = next((suffix for suffix, known in _BY_SUFFIX.items() if known == alias), None)
    path = f"x/y.{suffix}" if suffix else next(name for name, known in _BY_NAME.items() if known == alias)
    assert lexer_of(path) is not None


def test_what_people_write_is_coloured():
    assert {"k", "f", "s", "c"} <= classes(["def f():  # why", "    return 'x'"], "a.py")
    assert classes(["# Title", "", "*word*"], "SKILL.md") >= {"h", "e"}
    assert classes(['{"a": 1}'], "a.JSON") >= {"m"}
    assert classes(["def f(): pass"], "a.unknown") == set()


@given(
    st.sampled_from(sorted(_BY_SUFFIX)),
    st.lists(st.text(st.characters(exclude_characters="\n"), max_size=60), max_size=8),
)
def test_no_character_changes(suffix, lines):
    assert joined(Colours().of(lines, f"a.{suffix}")) == lines


@pytest.mark.parametrize("lines", [["x = 1"] * (MAX_TEXT // 6 + 1), ["x" * (MAX_LINE + 1), "x = 1"]])
def test_what_is_too_large_is_plain(lines):
    assert classes(lines, "a.py") == set()
    assert joined(Colours().of(lines, "a.py")) == lines


def test_a_lexer_that_takes_too_long_is_given_up():
    ticks = itertools.count()
    lines = ["x = 1"] * 100
    colours = Colours(seconds=50, clock=lambda: float(next(ticks)))
    assert {name for line in colours.of(lines, "a.py") for name, _ in line} == {""}
    assert joined(colours.of(lines, "a.py")) == lines


def variables(sheet, theme):
    """The colours of one theme."""
    found = re.findall(r"(--[\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", sheet)
    assert len(found) == len(re.findall(r"^  --", sheet, re.MULTILINE))
    return {name: light if theme == "light" else dark for name, light, dark in found}


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_can_be_read_on_every_ground(theme):
    colours, grounds = (
        variables(Path(finders.find(f"core/{name}.css")).read_text(), theme) for name in ("pygments", "diff")
    )
    inks = {name: value for name, value in colours.items() if name != "--code-bg"}
    papers = {**grounds, "--code-bg": colours["--code-bg"]}
    assert len(inks) >= 8
    assert len(papers) >= 6
    low = {
        (ink, paper): round(contrast(inks[ink], papers[paper]), 2)
        for ink in inks
        for paper in papers
        if contrast(inks[ink], papers[paper]) < 4.5
    }
    assert low == {}
