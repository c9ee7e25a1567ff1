"""The look's promises that can be computed: contrast in light and dark, nothing inline, nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "skillmeat_site" / "core" / "static" / "core"
SHEETS = sorted(STATIC.glob("*.css"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
TOKENS = dict(re.findall(r"(--sm-[a-z-]+): ([^;]+);", (STATIC / "tokens.css").read_text()))
GROUNDS = ("page", "surface", "sunken", "raised", "hover")
TONES = ("good", "info", "warning", "bad", "quiet")

TEXTS = [
    *((word, ground) for ground in GROUNDS for word in ("ink", "ink-loud", "ink-quiet", "accent", "accent-strong")),
    *((tone, f"{tone}-ground") for tone in TONES),
    *(("ink", f"{tone}-ground") for tone in TONES),  # the words of messages and notes
    ("accent-strong", "accent-ground"), ("ink", "accent-ground"), ("ink-quiet", "accent-ground"),
    ("accent", "accent-ground"),
    *(("on-button", ground) for ground in ("button", "button-hover", "danger", "danger-hover")),
]  # fmt: skip
# What has to be seen, and is not read: the edges of fields, the ring of focus, bars (WCAG 1.4.11).
SHAPES = [
    *((shape, ground) for ground in ("page", "surface") for shape in ("line-strong", "focus", "button")),
    *((tone, "surface") for tone in TONES),
]


def color(name, dark):
    value = TOKENS[f"--sm-{name}"]
    if other := re.fullmatch(r"var\(--sm-([a-z-]+)\)", value):
        return color(other.group(1), dark)
    found = re.findall(r"#[0-9a-f]{6}", value)
    return found[-1] if dark else found[0]


def luminance(code):
    parts = [int(code[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_itself():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("word", "ground"), TEXTS)
def test_words_can_be_read_on_their_ground(word, ground, dark):
    assert contrast(color(word, dark), color(ground, dark)) >= 4.5


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_shapes_can_be_seen_on_their_ground(shape, ground, dark):
    assert contrast(color(shape, dark), color(ground, dark)) >= 3


OWN = [sheet for sheet in SHEETS if sheet.name != "pygments.css"]  # which is made by Pygments


@pytest.mark.parametrize("sheet", OWN, ids=lambda path: path.name)
def test_a_colour_is_named_where_it_is_said(sheet):
    """In a custom property, for light and dark; rules take it from there."""
    text = re.sub(r"/\*.*?\*/|--[a-z0-9-]+:[^;]+;", "", sheet.read_text(), flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[^{}]*;)|\brgba?\(|\bhsla?\(", text) == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_every_token_that_is_used_exists(sheet):
    text = sheet.read_text()
    own = set(re.findall(r"(--sm-[a-z0-9-]+):", text))
    used = set(re.findall(r"var\((--sm-[a-z0-9-]+)", text))
    defined = set(re.findall(r"(--sm-[a-z0-9-]+):", (STATIC / "tokens.css").read_text()))
    assert used - own - defined <= {"--sm-tone", "--sm-tone-ground"}


@pytest.mark.parametrize("path", [*SHEETS, *TEMPLATES, *sorted(STATIC.glob("*.svg"))], ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path):
    found = re.findall(r"""(?:https?:)?//[a-z0-9.-]+[^\s"')]*""", path.read_text())
    assert [url for url in found if not url.startswith("http://www.w3.org/")] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_nothing_is_inline(template):
    """A policy for content that forbids inline scripts and styles breaks no page."""
    text = template.read_text()
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", text) == []
    assert re.findall(r"<script(?![^>]*\ssrc=)", text) == []


def test_the_icons_that_are_named_are_drawn():
    drawn = set(re.findall(r'<symbol id="([a-z]+)"', (STATIC / "icons.svg").read_text()))
    named = set(re.findall(r"icons\.svg['\"] %}#([a-z]+)", "".join(path.read_text() for path in TEMPLATES)))
    assert named <= drawn
    assert named
