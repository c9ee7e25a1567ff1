"""Looks at a page as it stands, in light and dark, wide and narrow: axe-core, and whether it fits its window."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from playwright.sync_api import Page

from tests.peers.running import installed

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LOOKS = [(theme, size) for size in (WIDE, NARROW) for theme in ("light", "dark")]
GRAVE = ("serious", "critical")

# Colours are asked for in their end state. Constructed: a policy that forbids inline styles lets that through.
STILL = """
const still = new CSSStyleSheet();
still.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important; }");
document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
"""
_RUN = "axe.run(document, {resultTypes: ['violations'], elementRef: false}).then((found) => found.violations)"
_WIDER = """() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return null;
  const scrolls = (element) => element && element !== document.body &&
    (getComputedStyle(element).overflowX !== "visible" || scrolls(element.parentElement));
  const widest = [...document.querySelectorAll("body *")].filter((element) =>
    element.getBoundingClientRect().right > page.clientWidth + 1 && !scrolls(element.parentElement));
  return `${page.scrollWidth} > ${page.clientWidth}: ` + widest.slice(0, 3).map(
    (element) => `${element.tagName.toLowerCase()}.${element.className}`).join(", ");
}"""


@cache
def axe() -> str:
    """The source of axe-core. Skips the test where there is none."""
    return (installed("axe-core") / "axe.min.js").read_text()


def audit(page: Page, name: str) -> list[str]:
    """What is wrong with the page that is open, one line each; [] for a good page."""
    return [f"{name} ({theme}, {size['width']}): {problem}" for theme, size, problem in _problems(page)]


def _problems(page: Page) -> Iterator[tuple[str, Any, str]]:
    page.evaluate(STILL)
    page.evaluate(axe())
    for theme, size in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme)
        for violation in page.evaluate(_RUN):
            if violation["impact"] in GRAVE:
                yield theme, size, _told(violation)
        if wider := wider_than_window(page):
            yield theme, size, f"wider than its window: {wider}"


def wider_than_window(page: Page) -> str | None:
    """By how much, and because of what; None if the page can only be scrolled down."""
    return page.evaluate(_WIDER)


def _told(violation: dict[str, Any]) -> str:
    nodes = violation["nodes"]
    first = nodes[0]
    why = " ".join(first["failureSummary"].split())
    return f"{violation['id']}, {len(nodes)} times, as at {first['target']} {first['html'][:160]}: {why[:300]}"
