"""Takes the pictures of docs/images: ``scripts/screenshots [FOLDER [PAGE…]]``, in light and dark, wide and narrow.

The house is the one that the walk goes through, in a folder whose name may be seen on the pictures.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.auditing import LOOKS, STILL, WIDE
from tests.browser.chromium import launch
from tests.browser.house import House
from tests.browser.person import Person
from tests.browser.watching import Watch
from tests.e2e.conftest import ROOT

FOLDER = ROOT / "docs/images"
HOME = Path("/tmp/skillmeat")
COLOURS = 96


def _confirm_import(person: Person) -> None:
    person.open("marketplace/catalogentry/?type=skill").tick_all(across_pages=True).act("import")


def _check_source(person: Person) -> None:
    person.open("marketplace/source/add/")
    person.page.get_by_label("URL").fill(f"file://{HOME}/repos/toolbox.git")
    person.page.get_by_role("button", name="Check it").click()
    person.page.locator(".sm-check-facts").scroll_into_view_if_needed()


# What is on a picture: the name of a page of the house, or how to get there.
PICTURES: Mapping[str, str | Callable[[Person], None]] = {
    "overview": "dashboard",
    "sources": "marketplace/source-list",
    "check": _check_source,
    "entries": "marketplace/catalogentry-list",
    "confirm": _confirm_import,
    "job": "job-running",
    "compare": "artifact-edited side by side",
    "artifact": "artifact-edited",
    "timeline": "collection",
    "plan": "plan",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("pages", nargs="*", help=f"of {', '.join(PICTURES)}; default: all")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    house = House(HOME)
    house.migrate()
    try:
        house.open(worker=False)
        pages = house.furnish()
        with sync_playwright() as playwright:
            browser = launch(playwright)
            take(browser, house, pages, chosen.folder, chosen.pages or list(PICTURES))
            browser.close()
    finally:
        house.stop()
        shutil.rmtree(HOME, ignore_errors=True)
    return 0


def take(browser: Browser, house: House, pages: Mapping[str, str], folder: Path, names: list[str]) -> None:
    context = browser.new_context(base_url=house.url, viewport=WIDE)
    person = Person(context.new_page(), house, Watch(house.url).over(context)).log_in()
    for name in names:
        target = PICTURES.get(name, name)
        if callable(target):
            target(person)
        else:
            person.open(pages.get(target, target))
        person.page.evaluate(STILL)
        for theme, size in LOOKS:
            person.page.emulate_media(color_scheme=theme)
            person.page.set_viewport_size(size)
            width = "wide" if size == WIDE else "narrow"
            path = folder / f"{name.replace('/', '-')}-{theme}-{width}.png"
            _write(path, person.page.screenshot(animations="disabled", caret="hide"))
        person.page.set_viewport_size(WIDE)


def _write(path: Path, taken: bytes) -> None:
    """With a palette: a third of the size, and nobody sees it."""
    picture = Image.open(BytesIO(taken)).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
