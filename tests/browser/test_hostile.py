"""Names and texts of a repository are shown on every page, and do nothing there.

No script of theirs runs, nothing of theirs is asked for, no page grows wider than a phone because of them.
"""

from __future__ import annotations

import pytest

from tests.browser.auditing import NARROW, wider_than_window
from tests.browser.house import House

pytestmark = [pytest.mark.walk, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def pages(house: House) -> dict[str, str]:
    return house.furnish("hostile")


def test_nothing_of_a_hostile_repository_runs_or_breaks_out(visit, house: House, pages: dict[str, str]) -> None:
    """What a dialog, a request or an error tells is asserted where the visit ends."""
    assert house.one("SELECT count(*) FROM marketplace_catalogentry") >= 8
    assert house.one("SELECT count(*) FROM collections_app_deployment") >= 5
    person = visit(viewport=NARROW).log_in()
    wide = {}
    for name, path in pages.items():
        person.open(path)
        assert person.page.locator("#content").is_visible(), name
        person.page.evaluate("document.querySelectorAll('#content details').forEach((each) => { each.open = true; })")
        if wider := wider_than_window(person.page):
            wide[name] = wider
    assert wide == {}


def test_nothing_of_it_runs_where_an_action_is_confirmed(visit, pages: dict[str, str]) -> None:
    person = visit(viewport=NARROW).log_in()
    for model, action in {
        "marketplace/source": "rescan",
        "marketplace/catalogentry": "reimport",
        "collections_app/collection": "snapshot",
        "collections_app/artifact": "remove",
        "collections_app/deployment": "undeploy",
    }.items():
        person.open(f"{model}/").tick_all().act(action)
        assert wider_than_window(person.page) is None, action
