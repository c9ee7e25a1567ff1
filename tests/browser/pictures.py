"""Takes the pictures of docs/images: ``scripts/screenshots [FOLDER [PAGE…]]``, in light and dark, wide and narrow.

The house is the one that the walk goes through, in a folder whose name may be seen on the pictures.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Mapping
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from marketplace import sample
from tests.browser.auditing import NARROW, STILL
from tests.browser.chromium import launch
from tests.browser.house import House
from tests.browser.person import Person
from tests.browser.watching import Watch
from tests.e2e.conftest import ROOT

FOLDER = ROOT / "docs/images"
HOME = Path("/tmp/skillmeat")
COLOURS = 112
SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": NARROW}
# With something of what stands above, so that one sees where one is.
_TO_TOP = "element => window.scrollTo(0, element.getBoundingClientRect().top + scrollY - 120)"


def _confirm_import(person: Person) -> None:
    person.open("marketplace/catalogentry/?type=skill").tick_all(across_pages=True).act("import")


def _check_source(person: Person) -> None:
    sample.create(HOME / "repos/starter-kit.git")
    person.open("marketplace/source/add/")
    person.page.get_by_label("URL").fill(f"file://{HOME}/repos/starter-kit.git")
    person.page.get_by_role("button", name="Check it").click()
    person.page.locator(".sm-check-facts").wait_for()


def _log_out(person: Person) -> None:
    person.page.context.clear_cookies()
    person.open("")


class Picture(NamedTuple):
    """``page``: the name of one of the house's, or how to get there. ``top``: what it shows from, if not its head."""

    page: str | Callable[[Person], None]
    top: str = ""


PICTURES: Mapping[str, Picture] = {
    "overview": Picture("dashboard"),
    "sources": Picture("marketplace/source-list"),
    "check": Picture(_check_source, "h2:has-text('Look before')"),
    "entries": Picture("marketplace/catalogentry-list"),
    "confirm": Picture(_confirm_import),
    "job": Picture("job-running"),
    "compare": Picture("artifact-edited side by side", ".smd-choice"),
    "artifact": Picture("artifact-edited", ".sm-preview"),
    "timeline": Picture("collection", ".smd-timeline"),
    "plan": Picture("plan"),
    "source": Picture("source"),
    "source-failing": Picture("source-failing"),
    "entry": Picture("entry-changed"),
    "tags": Picture("marketplace/sourcetag-list"),
    "collections": Picture("collections_app/collection-list"),
    "artifacts": Picture("collections_app/artifact-list"),
    "snapshot": Picture("snapshot"),
    "projects": Picture("collections_app/project-list"),
    "project": Picture("project"),
    "deployments": Picture("collections_app/deployment-list"),
    "jobs": Picture("core/job-list"),
    "job-partial": Picture("job-partial"),
    "limits": Picture("core/upstreambudget-list"),
    "tokens": Picture("core/upstreamtoken-list"),
    "events": Picture("core/auditevent-list"),
    "login": Picture(_log_out),  # the last: nobody is logged in afterwards
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
        house.open()
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
    context = browser.new_context(base_url=house.url, viewport=SIZES["wide"])
    person = Person(context.new_page(), house, Watch(house.url).over(context)).log_in()
    for name in names:
        target, top = PICTURES.get(name, Picture(name))
        if callable(target):
            target(person)
        else:
            person.open(pages.get(target, target))
        person.page.evaluate(STILL)
        for theme, width in product(("light", "dark"), SIZES):
            person.page.emulate_media(color_scheme=theme)
            person.page.set_viewport_size(SIZES[width])
            if top:
                person.page.locator(top).first.evaluate(_TO_TOP)
            path = folder / f"{name.replace('/', '-')}-{theme}-{width}.png"
            _write(path, person.page.screenshot(animations="disabled", caret="hide"))
        person.page.set_viewport_size(SIZES["wide"])


def _write(path: Path, taken: bytes) -> None:
    """With a palette of the colours that occur most: a third of the size, and no plane changes its colour."""
    picture = Image.open(BytesIO(taken)).convert("RGB")
    counted = sorted(picture.getcolors(picture.width * picture.height) or [], reverse=True)[:COLOURS]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in counted for part in colour])
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
